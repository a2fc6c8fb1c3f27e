"""``tambo run``, up to the point where it serves."""

from pathlib import Path

import pytest

from proxy.config.load import Loaded
from proxy.errors import ConfigError
from tests.unit.cli.conftest import Tambo


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Loaded]:
    """The configurations that were handed over, instead of being served."""
    handed: list[Loaded] = []

    def serve(loaded: Loaded, read: object) -> int:
        handed.append(loaded)
        return 0

    monkeypatch.setattr("proxy.app.run.run", serve)
    return handed


def test_options_win_over_everything(
    tambo: Tambo, served: list[Loaded], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("UPSTREAM_URL", "http://env")
    monkeypatch.setenv("PORT", "1")
    (folder / "a.toml").write_text('[store]\nmemory = "2MiB"\n[log]\nlevel = "error"')
    options = ["--upstream", "http://h", "--port", "2", "--set", "store.memory=1MiB", "--set", "defaults.ttl=1d"]
    said = tambo("run", "--config", "a.toml", *options)
    assert (said.code, said.err) == (0, "")
    (loaded,) = served
    assert loaded.config.upstream.url == "http://h"
    assert loaded.config.listen.port == 2
    assert loaded.config.store.memory == 1024**2
    assert loaded.config.defaults.ttl == 86_400
    assert loaded.config.log.level == "error"
    assert loaded.source_of("listen.port") == "--port"


def test_a_wrong_configuration_is_not_served(tambo: Tambo, served: list[Loaded]) -> None:
    said = tambo("run", "--port", "x", "--set", "stor.x=1")
    assert (said.code, said.out, served) == (3, "", [])
    assert said.err.splitlines() == [
        "tambo: --set: stor.x: unknown section \"stor\"; did you mean 'store'?",
        'tambo: --port: listen.port: must be a whole number from 0 to 65535, not "x"',
    ]


def test_nothing_set_says_what_to_set(tambo: Tambo) -> None:
    said = tambo("run")
    assert said.code == 3
    assert said.err.startswith("tambo: upstream.url: is not set: say which API to stand in front of")
    assert said.err.count("\n") == 1


def test_what_only_the_application_can_tell_is_a_configuration_error_too(
    tambo: Tambo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Loaded, read: object) -> int:
        raise ConfigError("store.data_dir", "is used by another Tambo")

    monkeypatch.setattr("proxy.app.run.run", refuse)
    said = tambo("run", "--upstream", "http://h")
    assert (said.code, said.err) == (3, "tambo: store.data_dir: is used by another Tambo\n")
