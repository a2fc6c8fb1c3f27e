"""What the workers have counted: the latest of each who is there, and the sums of those who have gone. Asks nobody."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from prometheus_client.core import Metric

from proxy.app.workers.messages import Counted
from proxy.clock import Clock
from proxy.telemetry.merging import Ledger
from proxy.telemetry.statistics import counts_of, merge_statistics

Figures: TypeAlias = Mapping[str, Any]


class Books:
    """Of one run; workers go by their numbers, which nobody has twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._ledger = Ledger()
        self._here: set[int] = set()
        self._present: dict[int, Figures] = {}
        self._gone: Figures | None = None

    def come(self, number: int) -> None:
        """A worker serves."""
        self._here.add(number)

    def note(self, number: int, metrics: bytes, figures: bytes) -> None:
        """What a worker tells now. Raises ValueError where it cannot be read."""
        self._note_metrics([(number, metrics)])
        self._note_figures([(number, json.loads(figures))])

    def _note_metrics(self, told: Iterable[tuple[int, bytes]]) -> None:
        for number, text in told:
            if number in self._here:  # who ended meanwhile has told its last numbers by itself
                self._ledger.note(number, text.decode())

    def _note_figures(self, told: Iterable[tuple[int, Figures]]) -> None:
        self._present |= {number: each for number, each in told if number in self._here}

    def depart(self, number: int, last: Counted | None = None) -> None:
        """It has ended, and this was its last word: what it counted stays counted. Idempotent."""
        if number not in self._here:
            return
        self._here.discard(number)
        if last is not None:
            self._ledger.note(number, last.metrics)
            if last.figures:
                self._present[number] = last.figures
        self._ledger.depart(number)
        told = self._present.pop(number, None)
        if told is not None:
            gone = counts_of(told)
            self._gone = gone if self._gone is None else merge_statistics([self._gone, gone])

    def exposition(self, told: Iterable[tuple[int, bytes]], more: Iterable[Metric]) -> bytes:
        """Everybody's metrics, of what some tell now, with ``more`` of the supervisor's own."""
        self._note_metrics(told)
        return self._ledger.exposition(more)

    def figures(self, told: Sequence[tuple[int, Figures]]) -> dict[str, Any]:
        """Everybody's figures, of what some tell now: not empty. Who has gone since is in the sums already."""
        self._note_figures(told)
        fresh = {number: each for number, each in told if number in self._here}
        late = [each for number, each in self._present.items() if number not in fresh]
        gone = [] if self._gone is None else [self._gone]
        merged = merge_statistics([*fresh.values(), *late, *gone] or [each for _, each in told])
        return merged | {"uptime": round(self._clock.monotonic() - self._began, 1)}
