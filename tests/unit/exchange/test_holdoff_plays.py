"""Plays about keys whose fetches fail: who is answered with what, and how often the upstream is asked."""

import asyncio
from typing import Any

import jmespath
import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.guard import GuardSettings
from proxy.policy.disposition import Verdict
from proxy.policy.route import Mode, VerdictRule
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route, settle

JSON = {"Content-Type": "application/json"}
DOWN = Reply(failure=UpstreamError(Failure.UNREACHABLE, "refused by the test"))
GOOD = Reply(chunks=(b'{"a":2}',))
FAULT = VerdictRule("fault", jmespath.compile("fault"), Verdict.FAILURE)


async def gone_bad(*replies: Reply, **route: Any) -> Scenario:
    """A play in which ``/a`` was stored and has gone stale, and the next fetch of it fails."""
    settings = {"stale_if_error": 1000.0, "hold_off": 60.0, **route}
    play = Scenario(ScriptedUpstream(Reply(), *replies), (a_route(**settings),))
    await play.get()
    play.clock.advance(70)
    return play


async def test_after_a_failure_stale_is_served_without_asking() -> None:
    play = await gone_bad(DOWN)
    told = [(await play.get()).cache_status for _ in range(5)]
    assert told == ["hit; ttl=-10; detail=sie"] + ["hit; ttl=-10; detail=holdoff"] * 4
    assert len(play.origin.requests) == 2
    assert play.hold_off.held() == {"default": 1}


async def test_when_the_pause_is_over_it_is_tried_behind_and_nobody_waits() -> None:
    gate = asyncio.Event()
    play = await gone_bad(DOWN, Reply(chunks=(b'{"a":2}',), gate=gate))
    await play.get()
    play.clock.advance(1.5)
    told = [(await play.get()).cache_status for _ in range(3)]
    assert told == ["hit; ttl=-12; detail=holdoff"] * 3
    await settle()
    assert len(play.origin.requests) == 3, "one probe, however many ask"
    gate.set()
    await settle()
    assert ((await play.get()).x_cache, (await play.get()).body) == ("HIT", b'{"a":2}')
    assert play.hold_off.held() == {}


async def test_an_outage_costs_a_handful_of_probes_and_no_failed_request() -> None:
    play = await gone_bad(*[DOWN] * 6, GOOD)
    answers = []
    for _ in range(620):
        answers.append(await play.get())
        await settle()
        play.clock.advance(0.1)
    assert {got.status for got in answers} == {200}
    assert len(play.origin.requests) == 1 + 6, "the first, and one after 1, 3, 7, 15, 31 seconds"
    play.clock.advance(3)
    await play.get()
    await settle()
    assert (await play.get()).body == b'{"a":2}', "the first good answer replaces the stale one"


async def test_a_refresh_that_fails_behind_is_not_repeated_by_every_request() -> None:
    play = await gone_bad(DOWN, stale_while_revalidate=1000.0)
    first = await play.get()
    await settle()
    later = [(await play.get()).cache_status for _ in range(3)]
    assert (first.cache_status, later) == ("hit; ttl=-10; detail=swr", ["hit; ttl=-10; detail=holdoff"] * 3)
    await settle()
    assert len(play.origin.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(503, JSON), id="503"),
        pytest.param(Reply(429, JSON), id="429"),
        pytest.param(Reply(500, {**JSON, "Set-Cookie": "a=1"}), id="somebody's own 500"),
        pytest.param(Reply(chunks=(b'{"fault":1}',)), id="a verdict"),
        pytest.param(Reply(lines=JSON, breaks=UpstreamError(Failure.PROTOCOL, "reset")), id="a body that breaks off"),
    ],
)
async def test_what_counts_as_a_failure(reply: Reply) -> None:
    play = await gone_bad(reply, mode=Mode.OVERRIDE, verdicts=(FAULT,))
    assert [(await play.get()).status for _ in range(3)] == [200] * 3
    assert len(play.origin.requests) == 2


async def test_what_the_upstream_asks_for_is_obeyed() -> None:
    play = await gone_bad(Reply(503, {**JSON, "Retry-After": "300"}), GOOD)
    await play.get()
    play.clock.advance(299)
    await play.get()
    await settle()
    assert len(play.origin.requests) == 2
    play.clock.advance(2)
    await play.get()
    await settle()
    assert len(play.origin.requests) == 3


async def test_with_nothing_to_serve_the_upstream_is_asked_each_time() -> None:
    play = Scenario(ScriptedUpstream(DOWN), (a_route(hold_off=60.0),))
    assert [(await play.get()).status for _ in range(3)] == [502] * 3
    assert len(play.origin.requests) == 3


async def test_what_may_not_be_served_stale_is_asked_for_each_time() -> None:
    strict = {**JSON, "Cache-Control": "max-age=60, must-revalidate"}
    play = Scenario(ScriptedUpstream(Reply(lines=strict), DOWN), (a_route(hold_off=60.0, stale_if_error=1000.0),))
    await play.get()
    play.clock.advance(70)
    assert [(await play.get()).status for _ in range(3)] == [504] * 3
    assert len(play.origin.requests) == 4


async def test_the_archive_stays_marked() -> None:
    play = await gone_bad(DOWN, stale_if_error=1.0, archive=1000.0)
    assert [(await play.get()).x_cache for _ in range(3)] == ["ARCHIVE"] * 3
    assert len(play.origin.requests) == 2


async def test_being_refused_a_place_says_nothing_of_the_key() -> None:
    gate = asyncio.Event()
    play = Scenario(
        ScriptedUpstream(Reply(), Reply(gate=gate)),
        (a_route(stale_if_error=100.0, hold_off=60.0),),
        GuardSettings(1, queue=0),
    )
    await play.get()
    play.clock.advance(70)
    other = asyncio.ensure_future(play.get("/b"))
    await settle()
    assert (await play.get()).cache_status == "hit; ttl=-10; detail=shed"
    gate.set()
    await other
    assert (await play.get()).x_cache == "EXPIRED"


async def test_off_asks_each_time() -> None:
    play = await gone_bad(DOWN, hold_off=0.0)
    assert [(await play.get()).cache_status for _ in range(3)] == ["hit; ttl=-10; detail=sie"] * 3
    assert len(play.origin.requests) == 4
