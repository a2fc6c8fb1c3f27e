"""Plays about requests that are sent again: what the client gets, what is counted, what is closed."""

import asyncio

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.retrying import RetrySettings
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario

JSON = {"Content-Type": "application/json"}
DOWN = Reply(failure=UpstreamError(Failure.UNREACHABLE, "refused by the test"))
BUSY = Reply(503, JSON, (b'"busy"',))
ONCE = RetrySettings(maximum=1)


def a_play(*replies: Reply, retries: RetrySettings = ONCE, total: float = 20.0) -> Scenario:
    return Scenario(ScriptedUpstream(*replies), retries=retries, total=total)


@pytest.mark.parametrize("first", [pytest.param(DOWN, id="no connection"), pytest.param(BUSY, id="503")])
async def test_the_second_try_is_the_answer(first: Reply) -> None:
    play = a_play(first, Reply())
    got = await play.get()
    assert (got.status, got.cache_status) == (200, "fwd=uri-miss; fwd-status=200; stored")
    assert [fetch.outcome for fetch in play.observer.fetches] == [
        "unreachable" if first is DOWN else "5xx",
        "2xx",
    ]
    assert play.guard.inflight == 0


async def test_what_is_not_the_answer_is_closed() -> None:
    play = a_play(BUSY, Reply())
    await play.get()
    assert play.origin.bodies[0].is_closed


async def test_when_both_fail_the_last_one_is_told() -> None:
    play = a_play(DOWN, BUSY)
    got = await play.get()
    assert (got.status, got.body) == (503, b'"busy"')
    assert len(play.origin.requests) == 2


async def test_a_post_is_sent_once() -> None:
    play = a_play(BUSY, Reply())
    assert (await play.get(method="POST")).status == 503
    assert len(play.origin.requests) == 1


async def test_what_passes_through_may_be_repeated_too() -> None:
    play = a_play(DOWN, Reply())
    assert (await play.get(lines={"Cookie": "a=1"})).status == 200
    assert len(play.origin.requests) == 2


async def test_nothing_is_repeated_once_a_byte_was_passed_on() -> None:
    broken = Reply(chunks=(b"[1,",), breaks=UpstreamError(Failure.UNREACHABLE, "gone"))
    play = a_play(broken, Reply())
    with pytest.raises(UpstreamError):
        await play.get()
    assert len(play.origin.requests) == 1


async def test_the_total_deadline_holds_for_all_tries_together() -> None:
    play = a_play(DOWN, Reply(gate=asyncio.Event()), total=0.05)
    assert (await play.get()).status == 504
    play = a_play(DOWN, Reply(gate=asyncio.Event()), total=0.05)
    assert (await play.get(lines={"Cookie": "a=1"})).status == 504
    assert play.guard.inflight == 0


async def test_off_by_default() -> None:
    play = Scenario(ScriptedUpstream(DOWN, Reply()))
    assert (await play.get()).status == 502
    assert len(play.origin.requests) == 1
