"""The counters and gauges of one process as one JSON object for people, and those of several as one. Counts nothing.

What is summed is kept as sums, and every ratio is made of sums: so objects can be merged, and merged again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from proxy.telemetry.counters import UPSTREAM_BUCKETS, Counters, Histogram
from proxy.telemetry.metrics import Sources, TierGauges

FROM_STORE: Final = frozenset({"hit", "stale_revalidate", "stale_error", "archive", "offline", "coalesced"})
"""Results that needed no fetch of their own: what the hit rate counts, here and in rules.yml."""
ADMIN: Final = "admin"
"""The route as which requests for the admin listener are counted: no client's, and so no part of the totals."""
_BREAKER: Final = ("closed", "half-open", "open")
_GOOD: Final = frozenset({"1xx", "2xx", "3xx", "4xx", "cancelled"})
"""Outcomes that do not speak against the upstream, here and in rules.yml: a 101, and a client that left, are none."""
_SHARED: Final = frozenset({"disk", "redis"})
"""Tiers that all processes of one machine have in common: what each tells of them is the same."""


def statistics(counters: Counters, sources: Sources, uptime: float) -> dict[str, Any]:
    """``uptime``: seconds."""
    counters.settle()
    upstream = sources.upstream()
    return {
        "workers": 1,
        "version": sources.version,
        "generation": sources.generation(),
        "uptime": round(uptime, 1),
        "requests": _requests(
            (result, count) for (route, _, result, _), count in counters.requests.items() if route != ADMIN
        ),
        "routes": _routes(counters),
        "upstream": {
            "inflight": upstream.inflight,
            "queue_depth": upstream.queue_depth,
            "shed": dict(upstream.shed),
            "breaker": None if upstream.breaker is None else _BREAKER[upstream.breaker],
            "held": {route: count for route, count in upstream.held.items() if count},
            **_asked((outcome, count) for (_, _, outcome), count in counters.upstream_requests.items()),
            "latency": _latency(counters.upstream_seconds.values()),
            "queue_wait": _latency([counters.queue_seconds]),
        },
        "saved_seconds": _saved((by, seconds) for (_, by), seconds in counters.saved_seconds.items()),
        "not_stored": _summed((reason, count) for (_, reason), count in counters.not_stored_by_reason.items()),
        "tiers": {name: _tier(gauges) for name, gauges in sources.tiers().items()},
    }


def _summed(pairs: Iterable[tuple[str, float]]) -> dict[str, Any]:
    sums: dict[str, float] = {}
    for name, count in pairs:
        sums[str(name)] = sums.get(str(name), 0) + count
    return sums


def _requests(pairs: Iterable[tuple[str, float]]) -> dict[str, Any]:
    by_result = _summed(pairs)
    total = sum(by_result.values())
    served = sum(count for result, count in by_result.items() if result in FROM_STORE)
    rate = round(served / total, 4) if total else None
    return {"total": total, "from_store": served, "hit_rate": rate, "by_result": by_result}


def _asked(pairs: Iterable[tuple[str, float]]) -> dict[str, Any]:
    by_outcome = _summed(pairs)
    failed = sum(count for outcome, count in by_outcome.items() if outcome not in _GOOD)
    return {"requests": sum(by_outcome.values()), "failed": failed, "by_outcome": by_outcome}


def _saved(pairs: Iterable[tuple[str, float]]) -> dict[str, Any]:
    by = {"hit": 0.0, "coalesced": 0.0, "stale": 0.0} | _summed(pairs)
    return {"total": round(sum(by.values()), 3), "by": {name: round(seconds, 3) for name, seconds in by.items()}}


def _routes(counters: Counters) -> dict[str, Any]:
    names = dict.fromkeys(route for route, _, _, _ in counters.requests)
    return {
        name: _requests((result, count) for (route, _, result, _), count in counters.requests.items() if route == name)
        for name in names
    }


def _tier(gauges: TierGauges) -> dict[str, Any]:
    return {
        "up": gauges.is_up,
        "bytes": gauges.bytes,
        "entries": gauges.entries,
        "evictions": gauges.evictions,
        "hits": gauges.operations.get(("get", "hit"), 0),
        "misses": gauges.operations.get(("get", "miss"), 0),
    }


# Latency ---------------------------------------------------------------------------------------------------------


def _latency(histograms: Iterable[Histogram]) -> dict[str, Any]:
    counts = [0] * (len(UPSTREAM_BUCKETS) + 1)
    total = 0.0
    for histogram in histograms:
        counts = [have + more for have, more in zip(counts, histogram.counts, strict=True)]
        total += histogram.total
    return _shown_latency(counts, total)


def _shown_latency(counts: Sequence[int], total: float) -> dict[str, Any]:
    count = sum(counts)
    return {
        "count": count,
        "sum": round(total, 3),
        "mean": round(total / count, 3) if count else None,
        "p50": _quantile(counts, 0.5),
        "p95": _quantile(counts, 0.95),
        "counts": list(counts),
        "bounds": list(UPSTREAM_BUCKETS),
    }


def _quantile(counts: Sequence[int], part: float) -> float | None:
    """As Prometheus estimates it: evenly spread within a bucket; in the last one, its lower end."""
    rank, below = part * sum(counts), 0
    for at, count in enumerate(counts):
        if count and below + count >= rank:
            if at == len(UPSTREAM_BUCKETS):
                return UPSTREAM_BUCKETS[-1]
            start = UPSTREAM_BUCKETS[at - 1] if at else 0.0
            return round(start + (UPSTREAM_BUCKETS[at] - start) * (rank - below) / count, 3)
        below += count
    return None


# Several processes -----------------------------------------------------------------------------------------------


def merge_statistics(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of all processes of one Tambo: sums, and where all see the same, the worst. ``parts`` is not empty; of who has
    ended, it has what ``counts_of`` left, behind the others."""
    asked = [part["upstream"] for part in parts]
    others = {name: parts[0][name] for name in ("mode", "health") if name in parts[0]}  # the same in every process
    return others | {
        "workers": sum(part["workers"] for part in parts),
        "version": parts[0]["version"],
        "generation": min((part["generation"] for part in parts if part["workers"]), default=parts[0]["generation"]),
        "uptime": max(part["uptime"] for part in parts),
        "requests": _requests(_pairs(part["requests"]["by_result"] for part in parts)),
        "routes": {
            name: _requests(_pairs(part["routes"].get(name, {}).get("by_result", {}) for part in parts))
            for name in dict.fromkeys(name for part in parts for name in part["routes"])
        },
        "upstream": {
            "inflight": sum(each["inflight"] for each in asked),
            "queue_depth": sum(each["queue_depth"] for each in asked),
            "shed": _summed(_pairs(each["shed"] for each in asked)),
            "breaker": max((each["breaker"] for each in asked), key=_badness),
            "held": _highest(each["held"] for each in asked),
            **_asked(_pairs(each["by_outcome"] for each in asked)),
            "latency": _merged_latency([each["latency"] for each in asked]),
            "queue_wait": _merged_latency([each["queue_wait"] for each in asked]),
        },
        "saved_seconds": _saved(_pairs(part["saved_seconds"]["by"] for part in parts)),
        "not_stored": _summed(_pairs(part["not_stored"] for part in parts)),
        "tiers": {
            name: _merged_tier(name, [part["tiers"][name] for part in parts if name in part["tiers"]])
            for name in dict.fromkeys(name for part in parts for name in part["tiers"])
        },
    }


def counts_of(part: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of a process that has ended: what it counted, and nothing of how it stood."""
    tiers = {name: {**tier, "up": True, "bytes": None, "entries": None} for name, tier in part["tiers"].items()}
    upstream = {**part["upstream"], "inflight": 0, "queue_depth": 0, "breaker": None, "held": {}}
    return {**part, "workers": 0, "uptime": 0.0, "upstream": upstream, "tiers": tiers}


def _pairs(tables: Iterable[Mapping[str, float]]) -> Iterable[tuple[str, float]]:
    return (pair for table in tables for pair in table.items())


def _badness(state: str | None) -> int:
    return -1 if state is None else _BREAKER.index(state)


def _highest(tables: Iterable[Mapping[str, float]]) -> dict[str, float]:
    highest: dict[str, float] = {}
    for name, value in _pairs(tables):
        highest[name] = max(value, highest.get(name, 0))
    return highest


def _merged_latency(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    parts = [part for part in parts if part["bounds"] == parts[0]["bounds"]]  # another release's may be others
    counts = [sum(each) for each in zip(*(part["counts"] for part in parts), strict=True)]
    return _shown_latency(counts, sum(part["sum"] for part in parts))


def _merged_tier(name: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    is_shared = name in _SHARED

    def level(key: str) -> int | None:
        known = [part[key] for part in parts if part[key] is not None]
        return (max(known) if is_shared else sum(known)) if known else None

    return {
        "up": all(part["up"] for part in parts),
        "bytes": level("bytes"),
        "entries": level("entries"),
        **{key: sum(part[key] for part in parts) for key in ("evictions", "hits", "misses")},
    }
