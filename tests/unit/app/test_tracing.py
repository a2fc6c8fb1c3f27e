"""Which tracer the configuration asks for."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from proxy.app.checking import check_parts
from proxy.app.tracing import Untraced, make_tracer
from proxy.config.load import load
from proxy.config.model import Config, Tracing
from proxy.config.problems import InvalidConfigError
from proxy.errors import ConfigError
from proxy.telemetry.tracing import Tracing as Spans
from tests.support.clock import FakeClock
from tests.support.origin import ScriptedUpstream
from tests.support.scenario import DictStore


def test_without_an_endpoint_everything_stays_as_it_is() -> None:
    tracer = make_tracer(Config(), FakeClock(), "1")
    assert isinstance(tracer, Untraced)
    upstream, store = ScriptedUpstream(), DictStore()
    assert tracer.upstream(upstream) is upstream
    assert tracer.store(store) is store
    tracer.waited(1)
    tracer.close()


def test_with_one_there_are_spans() -> None:
    tracer = make_tracer(Config(tracing=Tracing(endpoint="http://127.0.0.1:9", sample=0.0)), FakeClock(), "1")
    assert isinstance(tracer, Spans)
    tracer.close()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra packages are not installed."""
    original = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name == "proxy.telemetry.tracing":
            raise ModuleNotFoundError("No module named 'opentelemetry'")
        return original(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)


@pytest.mark.usefixtures("bare")
def test_without_the_packages_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tracing.endpoint: needs the extra packages: pip install '\.\[otel\]'"):
        make_tracer(Config(tracing=Tracing(endpoint="http://h")), FakeClock(), "1")
    environ = {"UPSTREAM_URL": "http://h", "TAMBO_TRACING__ENDPOINT": "http://c:4318"}
    with pytest.raises(InvalidConfigError, match="needs the extra packages"):
        check_parts(load(environ, folder=tmp_path))
