"""Answers to POST on their way: kept when they came whole, and only where no purge could have meant them."""

import asyncio

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.disposition import NotStoredReason
from tests.support.builders import a_request
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route

LINES = {"Content-Type": "text/plain", "Cache-Control": "max-age=60", "Content-Location": "/a"}


def posted(*more: Reply) -> Scenario:
    """A route that names POST, and an upstream whose first answer may be kept."""
    reply = Reply(200, LINES, (b"he", b"llo"))
    return Scenario(ScriptedUpstream(reply, *more), (a_route(methods=frozenset({"GET", "HEAD", "POST"})),))


async def test_it_answers_gets() -> None:
    play = posted()
    got = await play.get(method="POST")
    assert (got.body, got.cache_status) == (b"hello", "fwd=method")
    again = await play.get()
    assert (again.body, again.x_cache) == (b"hello", "HIT")
    assert play.guard.inflight == 0
    assert len(play.origin.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(200, {**LINES, "Cache-Control": "private, max-age=9"}, (b"hello",)), id="5.2.2.7 private"),
        pytest.param(Reply(200, {**LINES, "Content-Location": "/b"}, (b"hello",)), id="9.3.3 of another URL"),
        pytest.param(Reply(200, LINES, (b"x" * 9 * 1024 * 1024,)), id="too large"),
    ],
)
async def test_what_is_not_kept(reply: Reply) -> None:
    play = Scenario(ScriptedUpstream(reply), (a_route(methods=frozenset({"GET", "POST"})),))
    assert (await play.get(method="POST")).status == 200
    assert play.store.entries == {}
    assert play.guard.inflight == 0


async def test_what_breaks_off_is_not_kept() -> None:
    reply = Reply(200, LINES, (b"hello",), breaks=UpstreamError(Failure.PROTOCOL, "reset"))
    play = Scenario(ScriptedUpstream(reply), (a_route(methods=frozenset({"GET", "POST"})),))
    with pytest.raises(UpstreamError):
        await play.get(method="POST")
    assert play.store.entries == {}
    assert play.guard.inflight == 0


async def test_a_client_that_leaves_leaves_nothing() -> None:
    play = posted()
    answer = await play.exchange.answer(a_request(method="POST"), None)
    assert not isinstance(answer.body, bytes)
    assert await anext(aiter(answer.body)) == b"he"
    await answer.body.aclose()
    assert play.store.entries == {}
    assert play.guard.inflight == 0


async def test_what_it_displaced_is_gone_and_it_is_not_kept_itself() -> None:
    """Its own purge cannot be told from another's."""
    play = posted(Reply(200, LINES, (b"second",)))
    await play.get(method="POST")
    await play.get(method="POST")
    assert play.store.entries == {}
    assert play.observer.reasons[-1] is NotStoredReason.PURGED_IN_FLIGHT


async def test_a_purge_while_it_is_under_way_wins() -> None:
    play = posted()
    answer = await play.exchange.answer(a_request(method="POST"), None)
    await play.store.purge(Purge(PurgeKind.ALL, "", PurgeMode.HARD))
    assert not isinstance(answer.body, bytes)
    assert b"".join([chunk async for chunk in answer.body]) == b"hello"
    assert play.store.entries == {}


async def test_another_unsafe_request_that_succeeds_meanwhile_wins() -> None:
    """Nothing was stored when it succeeded, and still nothing may be kept that is older."""
    gate = asyncio.Event()
    reply = Reply(200, LINES, (b"old",), body_gate=gate)
    play = Scenario(ScriptedUpstream(reply, Reply(204, {}, ())), (a_route(methods=frozenset({"GET", "POST"})),))
    answer = await play.exchange.answer(a_request(method="POST"), None)
    assert (await play.get(method="DELETE")).status == 204
    gate.set()
    assert not isinstance(answer.body, bytes)
    assert b"".join([chunk async for chunk in answer.body]) == b"old"
    assert play.store.entries == {}
    before = len(play.store.purges)
    await play.get(method="DELETE")
    assert len(play.store.purges) == before, "what is over is waited for no more"


async def test_a_store_that_is_down_costs_nobody_anything() -> None:
    play = posted()
    play.store.is_down = True
    async with asyncio.timeout(5):
        assert (await play.get(method="POST")).body == b"hello"
