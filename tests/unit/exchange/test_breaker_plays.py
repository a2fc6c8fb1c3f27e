"""Plays about an upstream that fails for all: when it is left alone, what everybody is told, how it comes back."""

import asyncio
from collections import deque
from dataclasses import replace
from typing import Any

import jmespath
import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.breaker import BreakerSettings, State
from proxy.exchange.guard import GuardSettings
from proxy.policy.disposition import Verdict
from proxy.policy.route import Mode, VerdictRule
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route, settle

JSON = {"Content-Type": "application/json"}
DOWN = Reply(failure=UpstreamError(Failure.UNREACHABLE, "refused by the test"))
SETTINGS = BreakerSettings(window=60.0, failure_ratio=0.5, min_requests=2, open=30.0)
FAULT = VerdictRule("fault", jmespath.compile("fault"), Verdict.FAILURE)


def a_play(*replies: Reply, guard: GuardSettings | None = None, **route: Any) -> Scenario:
    return Scenario(
        ScriptedUpstream(*replies), (a_route(**route),), guard or GuardSettings(), breaker=SETTINGS, max_flights=1000
    )


async def opened(*replies: Reply, **more: Any) -> Scenario:
    """A play whose breaker has opened: one answer was good and stored, then two fetches failed."""
    play = a_play(Reply(), DOWN, DOWN, *(replies or (DOWN,)), **more)
    await play.get("/stored")
    play.clock.advance(70)
    for name in ("/1", "/2"):
        await play.get(name)
    assert play.guard.state is State.OPEN
    return play


async def test_open_it_refuses_at_once_and_says_when_to_come_again() -> None:
    play = await opened()
    play.clock.advance(10)
    got = await play.get("/3")
    assert (got.status, got.field("retry-after"), got.cache_status) == (503, "20", "fwd=uri-miss; detail=breaker")
    assert b"left alone" in got.body
    assert len(play.origin.requests) == 3
    assert play.guard.shed["breaker"] == 1


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
async def test_other_methods_are_refused_too(method: str) -> None:
    play = await opened()
    assert (await play.get("/3", method=method)).status == 503
    assert len(play.origin.requests) == 3


async def test_open_it_serves_what_is_stale() -> None:
    play = await opened(stale_if_error=1000.0)
    got = await play.get("/stored")
    assert (got.status, got.cache_status, got.x_cache) == (200, "hit; ttl=-10; detail=breaker", "STALE")


async def test_open_it_begins_no_refresh() -> None:
    play = await opened(stale_while_revalidate=1000.0)
    got = await play.get("/stored")
    await settle()
    assert got.cache_status == "hit; ttl=-10; detail=breaker"
    assert len(play.origin.requests) == 3


async def test_what_must_be_validated_is_a_503_like_the_rest() -> None:
    strict = Reply(lines={**JSON, "Cache-Control": "max-age=60, must-revalidate"})
    play = a_play(strict, DOWN)
    await play.get("/stored")
    play.clock.advance(70)
    for name in ("/1", "/2"):
        await play.get(name)
    assert (await play.get("/stored")).status == 503


async def test_then_one_request_finds_out_and_the_others_are_refused_meanwhile() -> None:
    gate = asyncio.Event()
    play = await opened(Reply(gate=gate))
    play.clock.advance(30)
    probe = asyncio.ensure_future(play.get("/3"))
    await settle()
    assert [(await play.get(f"/{n}")).status for n in (4, 5)] == [503, 503]
    gate.set()
    assert (await probe).status == 200
    assert play.guard.state is State.CLOSED
    assert (await play.get("/6")).status == 200


async def test_each_change_is_told_once() -> None:
    play = await opened(Reply())
    assert play.changes == [State.OPEN]
    play.clock.advance(30)
    for number in range(3, 6):
        await play.get(f"/{number}")
    assert play.changes == [State.OPEN, State.CLOSED]


async def test_a_probe_that_fails_keeps_it_shut() -> None:
    play = await opened()
    play.clock.advance(30)
    assert [(await play.get(f"/{n}")).status for n in (3, 4)] == [502, 503]
    assert len(play.origin.requests) == 4


async def test_a_probe_whose_client_leaves_makes_room_for_another() -> None:
    play = await opened(Reply(gate=asyncio.Event()), Reply())
    play.clock.advance(30)
    probe = asyncio.ensure_future(play.get("/3", method="POST"))
    await settle()
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert (await play.get("/4")).status == 200
    assert play.guard.state is State.CLOSED


async def test_who_waits_in_the_queue_when_it_opens_is_told_at_once() -> None:
    gate = asyncio.Event()
    down = replace(DOWN, gate=gate)
    play = a_play(down, Reply(gate=asyncio.Event()), guard=GuardSettings(2, queue=10))
    asking = [asyncio.ensure_future(play.get(f"/{n}", method="POST")) for n in range(8)]
    await settle()
    assert play.guard.queue_depth == 6
    play.origin.replies = deque([DOWN])
    gate.set()
    await settle()
    (hanging,) = (task for task in asking if not task.done())
    assert hanging is asking[1], "the one that was at the upstream already"
    assert [(await task).status for task in asking if task is not hanging] == [502, 502] + [503] * 5
    hanging.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert play.guard.inflight == 0


@pytest.mark.parametrize(
    ("reply", "method"),
    [
        pytest.param(Reply(500, JSON), "GET", id="a 5xx"),
        pytest.param(Reply(503, {**JSON, "Set-Cookie": "a=1"}), "GET", id="somebody's own 5xx"),
        pytest.param(Reply(503, JSON), "POST", id="a 5xx to what is not cached"),
        pytest.param(Reply(chunks=(b'{"fault":1}',)), "GET", id="a verdict"),
        pytest.param(Reply(breaks=UpstreamError(Failure.PROTOCOL, "reset"), chunks=()), "GET", id="broken off"),
    ],
)
async def test_what_counts_as_a_failure(reply: Reply, method: str) -> None:
    play = a_play(reply, mode=Mode.OVERRIDE, verdicts=(FAULT,))
    for name in ("/1", "/2"):
        await play.get(name, method=method)
    assert play.guard.state is State.OPEN


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(404, JSON), id="not found"),
        pytest.param(Reply(501, JSON), id="not implemented"),
        pytest.param(Reply(lines={**JSON, "Cache-Control": "private"}), id="private"),
        pytest.param(Reply(chunks=(b"x" * 1000,)), id="too large to keep"),
    ],
)
async def test_what_does_not(reply: Reply) -> None:
    play = a_play(reply, max_object=100)
    for number in range(5):
        await play.get(f"/{number}")
    assert play.guard.state is State.CLOSED


async def test_a_fetch_that_is_late_counts() -> None:
    play = a_play(Reply(gate=asyncio.Event()))
    play = Scenario(play.origin, breaker=SETTINGS, total=0.02)
    for name in ("/1", "/2"):
        assert (await play.get(name)).status == 504
    assert play.guard.state is State.OPEN


async def test_without_one_nothing_is_refused() -> None:
    play = Scenario(ScriptedUpstream(DOWN))
    assert {(await play.get(f"/{n}")).status for n in range(20)} == {502}
    assert play.guard.state is None
