"""The figures of one process, and of several as one."""

from typing import Any

import pytest
from msgspec.structs import replace

from proxy.edge.admin import passage
from proxy.exchange.causes import Cause
from proxy.exchange.ports import Exchanged, Fetched
from proxy.exchange.tallies import SHORT, HitKind
from proxy.policy import dispositions
from proxy.policy.disposition import NotStoredReason, Result
from proxy.telemetry.counters import Counters
from proxy.telemetry.keys import Order
from proxy.telemetry.metrics import Sources, TierGauges, UpstreamGauges
from proxy.telemetry.statistics import ADMIN, merge_statistics, statistics
from tests.support.builders import a_request

SOURCES = Sources(
    upstream=lambda: UpstreamGauges(2, 5, {"queue-full": 1}, {"ruc": 3, "rest": 0}, 2),
    tiers=lambda: {
        "memory": TierGauges(True, 100, 2, 1, {("get", "hit"): 7, ("get", "miss"): 3}, {}),
        "disk": TierGauges(True, 900, 9, 0, {}, {}),
    },
    bad_entries=dict,
    mode=lambda: "normal",
    generation=lambda: 1,
    loop_lag=lambda: 0.0,
    lines_dropped=lambda: 0,
    version="1.2.3",
)


class Owner:
    """Somebody who counts by itself."""


def counters() -> Counters:
    made = Counters()
    owner = Owner()
    tally = made.tally(owner, HitKind("ruc", "GET", Result.HIT, 200, "/a", 10.0))
    for _ in range(9):
        tally.add(0.0001)
    del owner
    made.requests["ruc", "GET", "miss", "2xx"] += 1
    for seconds, outcome in ((0.2, "2xx"), (7.0, "2xx"), (200.0, "timeout")):
        made.fetched(Fetched("ruc", Cause.MISS, outcome, seconds))
    made.not_stored("ruc", NotStoredReason.COOKIE)
    return made


def told(**changes: Any) -> dict[str, Any]:
    return statistics(counters(), replace(SOURCES, **changes), 12.34)


def test_one_process() -> None:
    said = told()
    assert said["requests"] == {
        "total": 10,
        "from_store": 9,
        "hit_rate": 0.9,
        "by_result": {"hit": 9, "miss": 1},
    }
    assert said["routes"] == {"ruc": said["requests"]}
    assert said["saved_seconds"] == {"total": 90.0, "by": {"hit": 90.0, "coalesced": 0.0, "stale": 0.0}}
    upstream = said["upstream"]
    assert (upstream["inflight"], upstream["queue_depth"], upstream["breaker"], upstream["held"]) == (
        2,
        5,
        "open",
        {"ruc": 3},
    )
    assert (upstream["requests"], upstream["failed"]) == (3, 1)
    assert upstream["latency"]["p95"] == 120
    assert 5.0 < upstream["latency"]["p50"] < 10.0
    assert said["not_stored"] == {"cookie": 1}
    assert said["tiers"]["memory"] == {"up": True, "bytes": 100, "entries": 2, "evictions": 1, "hits": 7, "misses": 3}
    assert (said["workers"], said["uptime"], said["version"], said["generation"]) == (1, 12.3, "1.2.3", 1)


def test_nothing_happened_yet() -> None:
    said = statistics(Counters(), replace(SOURCES, upstream=lambda: UpstreamGauges(0, 0, {}, {})), 0.0)
    assert said["requests"]["hit_rate"] is None
    assert said["upstream"]["breaker"] is None
    assert said["upstream"]["latency"]["p50"] is None


def test_who_asks_the_admin_listener_is_told_apart() -> None:
    assert passage.ROUTE == ADMIN


def test_requests_for_the_admin_listener_are_no_part_of_the_hit_rate() -> None:
    made = counters()
    made.requests[passage.ROUTE, "GET", "bypass", "2xx"] += 90
    said = statistics(made, SOURCES, 12.34)
    assert said["requests"] == told()["requests"]
    assert said["routes"][passage.ROUTE]["total"] == 90
    assert merge_statistics([said, said])["requests"]["hit_rate"] == 0.9


def test_several_processes_are_one() -> None:
    other = told(upstream=lambda: UpstreamGauges(1, 0, {"displaced": 2}, {"ruc": 4}, 0), generation=lambda: 2)
    merged = merge_statistics([told() | {"mode": {"mode": "normal"}}, other])
    assert merged["workers"] == 2
    assert merged["requests"]["by_result"] == {"hit": 18, "miss": 2}
    assert merged["requests"]["hit_rate"] == 0.9
    assert merged["routes"]["ruc"]["total"] == 20
    assert merged["upstream"]["shed"] == {"queue-full": 1, "displaced": 2}
    assert (merged["upstream"]["breaker"], merged["upstream"]["held"]) == ("open", {"ruc": 4})
    assert (merged["upstream"]["inflight"], merged["upstream"]["requests"]) == (3, 6)
    assert merged["upstream"]["latency"]["count"] == 6
    assert merged["tiers"]["memory"]["bytes"] == 200
    assert merged["tiers"]["disk"]["bytes"] == 900
    assert merged["mode"] == {"mode": "normal"}
    assert merged["generation"] == 1


def test_other_buckets_are_not_added_up() -> None:
    """A rolling restart into another release may bring some."""
    other = told()
    other["upstream"]["latency"] = other["upstream"]["latency"] | {"counts": [1, 2], "bounds": [0.5]}
    assert merge_statistics([told(), other])["upstream"]["latency"] == told()["upstream"]["latency"]


def test_one_process_merged_is_itself() -> None:
    assert merge_statistics([told()]) == told()


@pytest.mark.parametrize("times", [1, 3])
def test_tallies_count_for_their_keys_and_go_with_their_owners(times: int) -> None:
    made = Counters()
    owner = Owner()
    tally = made.tally(owner, HitKind("ruc", "GET", Result.HIT, 200, "/a"))
    for _ in range(times):
        tally.count += 2
        made.settle()
    assert made.keys.top(Order.HITS)["keys"][0]["requests"] == 2 * times
    tally.count += 1
    del owner
    made.settle()
    assert made.keys.top(Order.HITS)["keys"][0]["requests"] == 2 * times + 1
    assert made._tallies == []


def test_a_tally_counts_each_hit_in_the_bucket_that_it_took() -> None:
    made, told = Counters(), Counters()
    owner, kind = Owner(), HitKind("ruc", "GET", Result.HIT, 200, "/a", 2.0)
    tally = made.tally(owner, kind)
    for _ in range(2):  # the second time as if nothing had been counted before
        for seconds in (0.0, SHORT / 2, SHORT, 0.0006, 0.7, 0.7, 500.0):
            tally.add(seconds)
            told.exchanged(Exchanged(a_request("/a"), "ruc", dispositions.hit(5), 200, seconds, "/a", 2.0))
        made.settle()
        assert made.request_seconds["ruc", "hit"].counts == told.request_seconds["ruc", "hit"].counts
        assert made.request_seconds["ruc", "hit"].total == pytest.approx(told.request_seconds["ruc", "hit"].total)
        assert made.requests == told.requests
        assert made.saved_seconds == told.saved_seconds
        assert made.requests_of(["/a"]) == told.requests_of(["/a"])


def test_tallies_whose_owners_have_gone_do_not_pile_up() -> None:
    made = Counters()
    for number in range(25_000):
        made.tally(Owner(), HitKind("ruc", "GET", Result.HIT, 200, f"/{number}")).count += 1
    assert len(made._tallies) <= 10_000
    made.settle()
    assert made.requests == {("ruc", "GET", "hit", "2xx"): 25_000}
