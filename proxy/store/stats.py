"""What a tier counts: plain integers that telemetry reads on scrape. Knows no metrics library."""

from bisect import bisect_left
from collections import Counter

from msgspec import Struct, field

from proxy.store.codec import BadEntry

BUCKETS = (0.00005, 0.0002, 0.001, 0.005, 0.02, 0.05, 0.2, 1.0)
"""Upper bounds of the duration buckets in seconds; slower ones fall into a last, open bucket."""


class Durations(Struct):
    """How long an operation took: a histogram with the bounds of BUCKETS."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """Per bucket, not cumulative."""
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one operation."""
        self.total += seconds
        self.counts[bisect_left(BUCKETS, seconds)] += 1


class TierStats(Struct):
    """One tier's counters. ``bytes`` and ``entries`` are levels, the others only rise."""

    tier: str
    """``memory``, ``disk`` or ``redis``: a metric label."""
    bytes: int = 0
    entries: int = 0
    evictions: int = 0
    """Stored responses that had to leave for space."""
    operations: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By operation (get, put, remove, purge) and outcome (hit, miss, ok, refused, error)."""
    durations: dict[str, Durations] = field(default_factory=dict)
    bad_entries: Counter[BadEntry] = field(default_factory=Counter)

    def did(self, operation: str, outcome: str, seconds: float) -> None:
        """Count an operation that took ``seconds`` (monotonic)."""
        self.operations[operation, outcome] += 1
        durations = self.durations.get(operation)
        if durations is None:
            durations = self.durations[operation] = Durations()
        durations.add(seconds)
