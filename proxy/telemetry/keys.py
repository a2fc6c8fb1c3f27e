"""Which keys are hot, slow or failing: a bounded table of what happened to keys lately. Labels no metric.

Two windows, the present one and the one before it, each of ``WINDOW`` seconds: what is told is of the last one to two
windows. In each at most ``2 * MOST`` keys are held; beyond that those stay that lead in one of the three orders, so
that a key that leads is not crowded out by those that come once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from heapq import nlargest
from typing import Any, Final

from msgspec import Struct

from proxy.clock import Clock

WINDOW: Final = 600.0
MOST: Final = 1500
SHOWN: Final = 100
"""Keys of each order that are told of."""
LONGEST: Final = 500
"""Characters of a key that are told."""


class Order(StrEnum):
    """What keys are ranked by."""

    HITS = "hits"
    SLOW = "slow"
    FAILING = "failing"


class KeyRecord(Struct):
    """What happened to one key."""

    route: str
    requests: int = 0
    """Answered, in any way."""
    fetches: int = 0
    seconds: float = 0.0
    """Of all fetches together."""
    worst: float = 0.0
    failures: int = 0
    failure: str = ""
    """The latest."""

    def absorb(self, other: "KeyRecord") -> None:
        """Count what happened later, too."""
        self.requests += other.requests
        self.fetches += other.fetches
        self.seconds += other.seconds
        self.worst = max(self.worst, other.worst)
        self.failures += other.failures
        self.failure = other.failure or self.failure


_RANKS: Final[Mapping[Order, Callable[[KeyRecord], float]]] = {
    Order.HITS: lambda record: record.requests,
    Order.SLOW: lambda record: record.worst,
    Order.FAILING: lambda record: record.failures,
}


class KeyTable:
    """Counts by key."""

    def __init__(self, clock: Clock, most: int = MOST, window: float = WINDOW) -> None:
        self._clock = clock
        self._most = most
        self._window = window
        self._young: dict[str, KeyRecord] = {}
        self._old: dict[str, KeyRecord] = {}
        self._began = self._before = clock.monotonic()

    def record(self, key: str, route: str) -> KeyRecord:
        """Where to count what happens to a key."""
        found = self._young.get(key)
        if found is None:
            self._turn()
            if len(self._young) >= 2 * self._most:
                self._prune()
            found = self._young[key] = KeyRecord(route)
        return found

    def _turn(self) -> None:
        now = self._clock.monotonic()
        if now - self._began >= self._window:
            is_recent = now - self._began < 2 * self._window
            self._old, self._before = (self._young, self._began) if is_recent else ({}, now)
            self._young, self._began = {}, now

    def _prune(self) -> None:
        kept: dict[str, KeyRecord] = {}
        for rank in _RANKS.values():
            kept.update(nlargest(self._most // len(_RANKS), self._young.items(), key=lambda item: rank(item[1])))
        self._young = kept

    def requests_of(self, key: str) -> int | None:
        """How often a key was answered in the last one to two windows; None: it is not held."""
        self._turn()
        held = [table[key].requests for table in (self._old, self._young) if key in table]
        return sum(held) if held else None

    def top(self, order: Order) -> dict[str, Any]:
        """The leaders, as JSON: ``seconds`` is the time that they are of."""
        self._turn()
        merged: dict[str, KeyRecord] = {}
        for table in (self._old, self._young):
            for key, record in table.items():
                merged.setdefault(key, KeyRecord(record.route)).absorb(record)
        rows = [_row(key, record) for key, record in _leaders(merged.items(), order)]
        return {"order": order.value, "seconds": round(self._clock.monotonic() - self._before, 1), "keys": rows}


def _leaders(items: Iterable[tuple[str, KeyRecord]], order: Order) -> list[tuple[str, KeyRecord]]:
    rank = _RANKS[order]
    return nlargest(SHOWN, (item for item in items if rank(item[1])), key=lambda item: rank(item[1]))


def _row(key: str, record: KeyRecord) -> dict[str, Any]:
    return {
        "key": key if len(key) <= LONGEST else f"{key[:LONGEST]}...",
        "route": record.route,
        "requests": record.requests,
        "fetches": record.fetches,
        "mean": round(record.seconds / record.fetches, 3) if record.fetches else None,
        "worst": round(record.worst, 3) if record.fetches else None,
        "failures": record.failures,
        "failure": record.failure or None,
    }


def merge_tops(tops: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answers of several processes to the same question as one. ``tops`` is not empty."""
    merged: dict[str, KeyRecord] = {}
    for top in tops:
        for row in top["keys"]:
            record = KeyRecord(row["route"], row["requests"], row["fetches"])
            record.seconds = (row["mean"] or 0.0) * row["fetches"]
            record.worst, record.failures, record.failure = row["worst"] or 0.0, row["failures"], row["failure"] or ""
            merged.setdefault(row["key"], KeyRecord(row["route"])).absorb(record)
    order = Order(tops[0]["order"])
    rows = [_row(key, record) for key, record in _leaders(merged.items(), order)]
    return {"order": order.value, "seconds": max(top["seconds"] for top in tops), "keys": rows}
