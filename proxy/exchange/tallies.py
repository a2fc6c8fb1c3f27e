"""Hits counted by whoever answers them, and brought in when somebody reads the counters. Knows no metric.

What is touched for each hit is kept small, and what many answers can share is shared: with a thousand answers asked for
in turn, most of what counting costs is the processor's waiting for memory.
"""

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from proxy.policy.disposition import Result

SHORT: Final = 0.0005
"""Seconds: the end of the first bucket that answers' durations are counted in."""


class Spent(Protocol):
    """Where the seconds go that hits took: one for many tallies."""

    total: float
    """Of hits that took no more than ``SHORT`` seconds each, and of those that were added."""

    def add(self, seconds: float) -> None:
        """Count one that took longer."""
        ...


class Tally(Struct, eq=False, gc=False):
    """Hits of one kind, counted together."""

    spent: Spent
    count: int = 0
    """Those that took no more than ``SHORT`` seconds each."""
    longer: int = 0
    """The others."""

    def add(self, seconds: float) -> None:
        """Count one hit."""
        if seconds <= SHORT:
            self.count += 1
            self.spent.total += seconds
        else:
            self.longer += 1
            self.spent.add(seconds)


class HitKind(Struct, frozen=True):
    """What hits have in common that are counted together."""

    route: str
    method: str
    result: Result
    status: int
    key: str
    saved: float = 0.0
    """Seconds of upstream time that each of them saves."""


Tallies: TypeAlias = Callable[[object, HitKind], Tally]
"""Where hits of a kind are counted, for as long as their owner is there; it can be weakly referred to."""
