"""The observer's counters: plain numbers that are added to, and read when somebody scrapes. Formats nothing."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from weakref import ref

from proxy.clock import Clock, SystemClock
from proxy.exchange.ports import Exchanged, Fetched, Filled
from proxy.exchange.tallies import SHORT, HitKind, Tally
from proxy.policy.disposition import NotStoredReason, Result, StaleReason, Verdict
from proxy.telemetry.keys import KeyTable

REQUEST_BUCKETS = (SHORT, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
UPSTREAM_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 90, 120)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "QUERY"})
"""What the ``method`` label may say; everything else is ``other``, so that clients cannot grow it."""

_LEAST_ROOM: Final = 10_000
"""Tallies that may come together before those whose owners have gone are let go of."""
_SAVED_BY = {
    Result.HIT: "hit",
    Result.COALESCED: "coalesced",
    Result.STALE_REVALIDATE: "stale",
    Result.STALE_ERROR: "stale",
    Result.ARCHIVE: "stale",
    Result.OFFLINE: "stale",
}


class Histogram:
    """Counts of seconds by upper bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float], counts: Sequence[int] | None = None, total: float = 0.0) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1) if counts is None else list(counts)
        self.total = total

    def add(self, seconds: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class Counters:
    """Everything that is counted, by its labels' values in the order in which the metric names them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.requests: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
        self.request_seconds: dict[tuple[str, str], Histogram] = {}
        self.upstream_requests: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self.upstream_seconds: dict[str, Histogram] = {}
        self.queue_seconds = Histogram(UPSTREAM_BUCKETS)
        self.saved_seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self.coalesced: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.not_stored_by_reason: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.verdicts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.stale_by_reason: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.purges: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.purged_entries = 0
        self.keys = KeyTable(clock or SystemClock())
        self._tallies: list[tuple[ref[object], HitKind, Tally]] = []
        self._room = _LEAST_ROOM

    def tally(self, owner: object, kind: HitKind) -> Tally:
        """Where ``owner`` may count hits of this kind by itself; ``settle`` brings them in, the last ones after it has
        gone."""
        if len(self._tallies) >= self._room:
            self.settle()
            self._room = max(_LEAST_ROOM, 2 * len(self._tallies))
        tally = Tally(self._histogram(kind.route, kind.result))
        self._tallies.append((ref(owner), kind, tally))
        return tally

    def settle(self) -> None:
        """Bring in what was tallied. To be called before anything here is read."""
        for _, kind, tally in self._tallies:
            if tally.count or tally.longer:
                self._bring_in(kind, tally)
        self._tallies = [each for each in self._tallies if each[0]() is not None]

    def _bring_in(self, kind: HitKind, tally: Tally) -> None:
        route, result = kind.route, kind.result
        self._histogram(route, result).counts[0] += tally.count  # the longer ones stand where they belong
        total = tally.count + tally.longer
        self.requests[route, kind.method, result, f"{kind.status // 100}xx"] += total
        if kind.saved and (by := _SAVED_BY.get(result)) is not None:
            self.saved_seconds[route, by] += kind.saved * total
        self.keys.record(kind.key, route).requests += total
        tally.count = tally.longer = 0

    def _histogram(self, route: str, result: str) -> Histogram:
        histogram = self.request_seconds.get((route, result))
        if histogram is None:
            histogram = self.request_seconds[route, result] = Histogram(REQUEST_BUCKETS)
        return histogram

    def exchanged(self, event: Exchanged) -> None:
        """Count a request that is over."""
        result = event.disposition.result
        method = event.request.method if event.request.method in METHODS else "other"
        self.requests[event.route, method, result, f"{event.status // 100}xx"] += 1
        self._histogram(event.route, result).add(event.seconds)
        if result is Result.COALESCED:
            scope = "fleet" if event.disposition.is_elsewhere else "process"
            self.coalesced[event.route, scope] += 1
        if event.key:
            self.keys.record(event.key, event.route).requests += 1
        if event.saved_seconds and (by := _SAVED_BY.get(result)) is not None:
            self.saved_seconds[event.route, by] += event.saved_seconds

    def fetched(self, event: Fetched) -> None:
        """Count a request to the upstream."""
        self.upstream_requests[event.route, event.cause, event.outcome] += 1
        histogram = self.upstream_seconds.get(event.route)
        if histogram is None:
            histogram = self.upstream_seconds[event.route] = Histogram(UPSTREAM_BUCKETS)
        histogram.add(event.seconds)

    def filled(self, event: Filled) -> None:
        """Count a fetch by its key."""
        record = self.keys.record(event.key, event.route)
        record.fetches += 1
        record.seconds += event.seconds
        record.worst = max(record.worst, event.seconds)
        if event.failure is not None:
            record.failures += 1
            record.failure = event.failure

    def waited(self, seconds: float) -> None:
        """Count a wait in the queue before the upstream."""
        self.queue_seconds.add(seconds)

    def not_stored(self, route: str, reason: NotStoredReason) -> None:
        """Count an answer that was not kept."""
        self.not_stored_by_reason[route, reason] += 1

    def judged(self, route: str, verdict: Verdict) -> None:
        """Count a verdict."""
        self.verdicts[route, verdict] += 1

    def stale_served(self, route: str, reason: StaleReason) -> None:
        """Count a stale answer."""
        self.stale_by_reason[route, reason] += 1

    def purged(self, kind: str, mode: str, count: int | None) -> None:
        """Count a purge, and what it is known to have removed or ended."""
        self.purges[kind, mode] += 1
        self.purged_entries += count or 0

    def carried_out(self, count: int) -> None:
        """Count what a purge removed or ended that could not be counted when it was asked for."""
        self.purged_entries += count

    def requests_of(self, keys: Sequence[str]) -> list[int | None]:
        """How often each key was answered lately; None where that is not known."""
        self.settle()
        return [self.keys.requests_of(key) for key in keys]
