"""How a warm job looks while it runs and at its end."""

import io
import sys
from typing import Any

import pytest

from proxy.cli.warm_report import report, shower


def a_job(**changes: Any) -> dict[str, Any]:
    job: dict[str, Any] = {"id": "a", "state": "running", "waiting_for": None, "total": 100, "done": 0, "fetched": 0}
    job |= {"fresh": 0, "failed": 0, "eta_seconds": None, "failures": [], "failures_left_out": 0}
    return job | changes


def test_a_pipe_gets_a_line_with_every_tenth_and_when_it_waits(capsys: pytest.CaptureFixture[str]) -> None:
    with shower(quiet=False) as show:
        show(a_job(state="queued"))
        for done in range(0, 31):
            show(a_job(done=done, eta_seconds=(100 - done) * 15))
        show(a_job(done=30, waiting_for="the upstream is busy", failed=2))
    assert capsys.readouterr().err.splitlines() == [
        "0 of 100 waits for its turn",
        "0 of 100 about 25m left",
        "10 of 100 about 22m30s left",
        "20 of 100 about 20m left",
        "30 of 100 about 17m30s left",
        "30 of 100 2 failed, waits: the upstream is busy",
    ]


def test_who_wants_json_gets_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with shower(quiet=True) as show:
        show(a_job(done=50))
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with shower(quiet=False) as show:
        show(a_job(done=40, eta_seconds=900))
    assert "40/100" in terminal.getvalue()
    assert "about 15m left" in terminal.getvalue()


def test_the_end_tells_what_failed_and_how_many_more() -> None:
    failures = [{"url": "/a", "why": "timeout: no answer"}]
    job = a_job(state="done", done=100, fetched=90, fresh=5, failed=5, failures=failures, failures_left_out=4)
    assert report(job).splitlines() == [
        "Warmed 100 of 100: 90 fetched, 5 were fresh, 5 failed.",
        "  /a: timeout: no answer",
        "  and 4 more",
        "Run it again to try those that failed: what is fresh is left alone.",
    ]
    cancelled = a_job(state="cancelled", done=3, fetched=3)
    assert report(cancelled) == "Cancelled after 3 of 100: 3 fetched, 0 were fresh, 0 failed."
