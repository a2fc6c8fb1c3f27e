"""One stored response through all its life before an upstream that is gone: which window serves, and what it saves."""

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import Exchanged
from proxy.policy.disposition import StaleReason
from proxy.policy.reuse import keep_for
from proxy.telemetry.counters import Counters
from tests.support.builders import a_request
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Got, Scenario, a_route, settle

DOWN = Reply(failure=UpstreamError(Failure.UNREACHABLE, "refused by the test"))
COST = 30.0
ROUTE = a_route(ttl=100.0, stale_while_revalidate=200.0, stale_if_error=300.0, archive=400.0)


async def stored(*then: Reply, hold_off: float = 0.0) -> Scenario:
    """A play in which ``/a`` has just been stored, and took half a minute."""
    gate = asyncio.Event()
    first = Reply(gate=gate)
    play = Scenario(ScriptedUpstream(first, *(then or (DOWN,))), (replace(ROUTE, hold_off=hold_off),))
    asking = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    play.clock.advance(COST)
    gate.set()
    await asking
    return play


def saved(play: Scenario, *answers: Got) -> dict[tuple[str, str], float]:
    """The counter, after these answers."""
    counters = Counters()
    for got in answers:
        answer = got.answer
        counters.exchanged(
            Exchanged(
                a_request(), answer.route, answer.disposition, got.status, 0.0, saved_seconds=answer.saved_seconds
            )
        )
    return dict(counters.saved_seconds)


@pytest.mark.parametrize(
    ("age", "x_cache", "detail", "by"),
    [
        pytest.param(99, "HIT", None, "hit", id="fresh"),
        pytest.param(101, "STALE", "swr", "stale", id="refreshed behind"),
        pytest.param(299, "STALE", "swr", "stale", id="to the end of that window"),
        pytest.param(301, "STALE", "sie", "stale", id="stands in"),
        pytest.param(399, "STALE", "sie", "stale", id="to the end of that one"),
        pytest.param(401, "ARCHIVE", "archive", "stale", id="the last good answer"),
        pytest.param(499, "ARCHIVE", "archive", "stale", id="to the end of all"),
    ],
)
async def test_each_window_in_its_turn(age: float, x_cache: str, detail: str | None, by: str) -> None:
    play = await stored()
    play.clock.advance(age)
    got = await play.get()
    assert (got.status, got.x_cache) == (200, x_cache)
    assert got.cache_status == f"hit; ttl={100 - age}" + (f"; detail={detail}" if detail else "")
    assert saved(play, got) == {("default", by): COST}
    assert play.observer.stale == ([StaleReason(detail)] if detail else [])
    await settle()


async def test_after_the_last_window_nothing_is_served_and_nothing_is_kept() -> None:
    play = await stored()
    (only,) = play.store.entries["/a"]
    assert keep_for(only) == 100 + 400
    play.clock.advance(501)
    assert (await play.get()).status == 502


async def test_an_outage_through_all_windows_fails_nobody_and_asks_seldom() -> None:
    play = await stored(hold_off=60.0)
    play.clock.advance(101)
    answers = []
    for _ in range(397):
        answers.append(await play.get())
        await settle()
        play.clock.advance(1)
    assert {got.status for got in answers} == {200}
    assert {got.x_cache for got in answers} == {"STALE", "ARCHIVE"}
    assert len(play.origin.requests) <= 1 + 6 + 400 // 60 + 1


async def test_who_joined_a_fetch_saved_one() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(gate=gate)))
    asking = play.together(3)
    await play.origin.arrived.wait()
    play.clock.advance(COST)
    gate.set()
    assert saved(play, *await asyncio.gather(*asking)) == {("default", "coalesced"): 2 * COST}


async def test_what_a_304_freshened_is_worth_what_it_cost_to_fetch() -> None:
    lines = {"Content-Type": "application/json", "ETag": '"v1"'}
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=lines, gate=gate), Reply(304, {"ETag": '"v1"'}, ())))
    asking = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    play.clock.advance(COST)
    gate.set()
    await asking
    play.clock.advance(70)
    assert (await play.get()).x_cache == "REVALIDATED"
    assert saved(play, await play.get()) == {("default", "hit"): COST}


async def test_a_bulk_import_does_not_expire_together() -> None:
    """What was fetched in the same second with the same lifetime ends over a tenth of it."""
    day = 86_400.0
    play = Scenario(routes=(a_route(ttl=7 * day, jitter=0.1),))
    for number in range(300):
        await play.get(f"/{number}")
    ends = [stored.freshness_lifetime for (stored,) in play.store.entries.values()]
    assert 6.3 * day <= min(ends) < max(ends) <= 7 * day
    hours = Counter(int(end // 3600) for end in ends)
    assert max(hours.values()) <= 30, "a tenth of them in one hour of the seventeen"
