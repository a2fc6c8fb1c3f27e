"""The command line called in this process, in an empty folder and an empty environment."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.cli.main import main


@dataclass(frozen=True)
class Transcript:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Tambo = Callable[..., Transcript]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called: nothing is there, and nothing of Tambo's is set."""
    for name in list(os.environ):
        if name.startswith("TAMBO_") or name in {
            "HOST",
            "PORT",
            "LOG_LEVEL",
            "LOG_FORMAT",
            "UPSTREAM_URL",
            "REDIS_URL",
        }:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tambo(folder: Path, capsys: pytest.CaptureFixture[str]) -> Tambo:
    """Calls ``tambo`` with arguments."""

    def call(*arguments: str) -> Transcript:
        code = main(arguments)
        printed = capsys.readouterr()
        return Transcript(code, printed.out, printed.err)

    return call
