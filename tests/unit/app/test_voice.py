"""Log lines as configured."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.app.voice import set_up_logs
from proxy.config.load import load
from proxy.telemetry.logs import ConsoleFormatter, JsonFormatter


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """Tambo's logger, left as it was found."""
    root = logging.getLogger("tambo")
    before = root.handlers[:], root.level, root.propagate
    yield root
    root.handlers[:], root.propagate = before[0], before[2]
    root.setLevel(before[1])


@pytest.mark.parametrize(
    ("said", "kind"), [("json", JsonFormatter), ("console", ConsoleFormatter), (None, JsonFormatter)]
)
def test_the_form_and_the_level_are_the_configured_ones(
    tmp_path: Path, root: logging.Logger, said: str | None, kind: type[logging.Formatter]
) -> None:
    environ = {"UPSTREAM_URL": "http://h", "LOG_LEVEL": "error"} | ({} if said is None else {"LOG_FORMAT": said})
    set_up_logs(load(environ, folder=tmp_path).config)
    assert isinstance(root.handlers[0].formatter, kind)
    assert root.level == logging.ERROR
