"""Hits counted by whoever answers them, and brought in when somebody reads the counters. Knows no metric."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct

from proxy.policy.disposition import Result

DURATIONS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Seconds: the ends of the buckets that answers' durations are counted in."""
SHORT: Final = DURATIONS[0]


class Tally(Struct):
    """Hits of one kind, counted together: the seconds they took, and the seconds of upstream time they saved."""

    count: int = 0
    """Those that took no more than ``SHORT`` seconds each."""
    seconds: float = 0.0
    saved: float = 0.0
    longer: dict[int, int] | None = None
    """How many of the others ended in which bucket of ``DURATIONS``."""

    def add(self, seconds: float, saved: float) -> None:
        """Count one hit."""
        self.seconds += seconds
        self.saved += saved
        if seconds <= SHORT:
            self.count += 1
            return
        if self.longer is None:
            self.longer = {}
        place = bisect_left(DURATIONS, seconds)
        self.longer[place] = self.longer.get(place, 0) + 1


class HitKind(Struct, frozen=True):
    """What hits have in common that are counted together."""

    route: str
    method: str
    result: Result
    status: int
    key: str


Tallies: TypeAlias = Callable[[object, HitKind], Tally]
"""Where hits of a kind are counted, for as long as their owner is there; it can be weakly referred to."""
