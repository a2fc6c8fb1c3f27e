"""How a warm job looks while it runs, and what is said at its end. Asks nobody."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from proxy.config.quantities import show_duration

Show: TypeAlias = Callable[[dict[str, Any]], None]


@contextmanager
def shower(*, quiet: bool) -> Iterator[Show]:
    """What shows a job as it goes: a bar on a terminal, else a line on standard error when something has changed;
    ``quiet``: nothing."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _Lines().show


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None, words="")
        yield lambda job: progress.update(task, total=job["total"], completed=job["done"], words=_words(job))


class _Lines:
    """For a log or a pipe: a line with every tenth of the way, and when it begins to wait for something."""

    def __init__(self) -> None:
        self._said: tuple[object, ...] = ()

    def show(self, job: dict[str, Any]) -> None:
        """Say it, if it is news."""
        news = (job["state"], job["waiting_for"], job["done"] * 10 // max(1, job["total"]))
        if news != self._said:
            self._said = news
            print(f"{job['done']} of {job['total']} {_words(job)}".rstrip(), file=sys.stderr, flush=True)


def _words(job: dict[str, Any]) -> str:
    words = []
    if job["failed"]:
        words.append(f"{job['failed']} failed")
    if job["state"] == "queued":
        words.append("waits for its turn")
    elif job["waiting_for"]:
        words.append(f"waits: {job['waiting_for']}")
    elif job["eta_seconds"]:
        words.append(f"about {show_duration(job['eta_seconds'])} left")
    return ", ".join(words)


def report(job: dict[str, Any]) -> str:
    """What came of it, in words, with what failed and why."""
    said = {"done": "Warmed", "cancelled": "Cancelled after"}[job["state"]]
    counts = f"{job['fetched']} fetched, {job['fresh']} were fresh, {job['failed']} failed"
    lines = [f"{said} {job['done']} of {job['total']}: {counts}."]
    lines += [f"  {failure['url']}: {failure['why']}" for failure in job["failures"]]
    if job["failures_left_out"]:
        lines.append(f"  and {job['failures_left_out']} more")
    if job["failed"]:
        lines.append("Run it again to try those that failed: what is fresh is left alone.")
    return "\n".join(lines)
