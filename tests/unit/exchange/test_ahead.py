"""Plays about what is asked for a lot and soon expires: when it is refreshed, and when it is let be."""

import asyncio
from typing import Any

import pytest

from proxy.exchange.ahead import Ahead
from proxy.exchange.causes import Cause
from proxy.exchange.guard import GuardSettings
from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.replies import Replies
from proxy.exchange.residence import Residence
from proxy.exchange.standing import Standings
from proxy.policy.messages import StoredResponse
from proxy.policy.route import RoutePolicy
from tests.support.builders import T0, a_request, a_stored
from tests.support.clock import FakeClock
from tests.support.observer import RecordingObserver
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route, settle

SURE = 0.999


async def stored(*replies: Reply, draw: float = SURE, cost: float = 30.0, **more: Any) -> Scenario:
    """A play in which ``/a`` is stored for 1000 s and took ``cost`` seconds to fetch."""
    gate = asyncio.Event()
    route = a_route(ttl=1000.0, refresh_ahead=5)
    play = Scenario(
        ScriptedUpstream(Reply(gate=gate), *(replies or (Reply(chunks=(b'{"a":2}',)),))), (route,), draw=draw, **more
    )
    first = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    play.clock.advance(cost)
    gate.set()
    await first
    return play


async def hit(play: Scenario, times: int, every: float = 1.0) -> list[str | None]:
    told = []
    for _ in range(times):
        told.append((await play.get()).x_cache)
        await settle()
        play.clock.advance(every)
    return told


async def test_what_is_hot_and_soon_expires_is_refreshed_before_it_does() -> None:
    play = await stored()
    play.clock.advance(980)
    told = await hit(play, 4)
    assert told == ["HIT"] * 4
    assert [fetch.cause for fetch in play.observer.fetches] == [Cause.MISS, Cause.AHEAD]
    assert (await play.get()).body == b'{"a":2}'
    play.clock.advance(100)
    assert (await play.get()).x_cache == "HIT", "it has a life of its own now"


async def test_what_is_seldom_asked_for_is_not() -> None:
    play = await stored()
    play.clock.advance(980)
    await hit(play, 2)
    assert len(play.origin.requests) == 1


async def test_many_hits_in_one_second_are_one_look() -> None:
    play = await stored()
    play.clock.advance(980)
    await hit(play, 50, every=0.001)
    assert len(play.origin.requests) == 1


async def test_long_before_its_end_nothing_is_looked_at() -> None:
    play = await stored()
    play.clock.advance(600)
    await hit(play, 20)
    assert len(play.origin.requests) == 1


async def test_without_the_luck_of_the_draw_it_waits() -> None:
    play = await stored(draw=0.0)
    play.clock.advance(980)
    await hit(play, 10)
    assert len(play.origin.requests) == 1


async def test_it_is_fetched_once_however_many_ask() -> None:
    gate = asyncio.Event()
    play = await stored(Reply(gate=gate))
    play.clock.advance(980)
    await hit(play, 10)
    assert len(play.origin.requests) == 2
    gate.set()


async def test_while_clients_queue_nothing_is_fetched_early() -> None:
    gate = asyncio.Event()
    play = await stored(Reply(gate=gate), guard_settings=GuardSettings(1, queue=10))
    waiting = [asyncio.ensure_future(play.get(f"/{n}")) for n in range(2)]
    await settle()
    play.clock.advance(980)
    await hit(play, 5)
    assert play.guard.queue_depth == 1
    gate.set()
    await asyncio.gather(*waiting)
    assert [request.target for request in play.origin.requests] == ["/a", "/0", "/1"]


async def test_a_route_spends_no_more_than_its_day_allows() -> None:
    play = await stored(Reply(status=503))
    play.clock.advance(950)
    told = await hit(play, 40)
    assert told == ["HIT"] * 40
    assert len(play.origin.requests) == 1 + 5
    assert play.observer.fetches[-1].cause is Cause.AHEAD


async def test_off_by_default() -> None:
    play = await stored()
    play.exchange.routes = (a_route(ttl=1000.0),)
    play.clock.advance(980)
    await hit(play, 10)
    assert len(play.origin.requests) == 1


@pytest.mark.parametrize("every", [86_400.0, 200_000.0])
def test_the_budget_is_a_days(every: float) -> None:
    clock = FakeClock()
    ahead = Ahead(Scenario().guard, clock, lambda: SURE)
    route = a_route(refresh_ahead=1)
    assert due(ahead, clock, route)
    ahead.spend(route)
    assert not due(ahead, clock, route)
    clock.advance(every)
    assert due(ahead, clock, route)


def due(ahead: Ahead, clock: FakeClock, route: RoutePolicy) -> bool:
    """Whether a key that is looked at often enough would be refreshed."""
    response = soon_over(clock)
    answers = []
    for _ in range(3):
        answers.append(ahead.is_due("/a", response, route))
        clock.advance(1)
    return answers[-1]


def soon_over(clock: FakeClock, left: float = 10.0) -> StoredResponse:
    return a_stored(cost=30.0, freshness_lifetime=1000.0, response_time=clock.now() - 1000 + left)


def test_it_remembers_so_many_keys() -> None:
    clock = FakeClock()
    ahead = Ahead(Scenario().guard, clock, lambda: SURE, most_keys=3)
    for number in range(10):
        ahead.is_due(f"/{number}", soon_over(clock), a_route(refresh_ahead=1))
    assert len(ahead._looks) == 3


class Resident:
    """A store whose memory holds one response under every key."""

    def __init__(self, response: StoredResponse) -> None:
        self.variants = (response,)
        self.residence = Residence()

    def resident(self, _key: object) -> tuple[StoredResponse, ...]:
        return self.variants

    def at_hand(self, key: object, known: object) -> None:
        return None

    def seek(self, _key: object, _known: object, _then: object) -> bool:
        return False

    def seal(self, _key: object, _variants: object) -> None:
        return None


def test_on_the_short_way_a_hit_holds_until_it_is_to_be_looked_at() -> None:
    clock = FakeClock()
    route = a_route(refresh_ahead=5)
    response = a_stored(cost=30.0, freshness_lifetime=1000.0, response_time=T0)
    ahead = Ahead(Scenario().guard, clock, lambda: SURE)
    replies = Replies(clock, RecordingObserver())
    standings = Standings((route,), Resident(response), Keys(), ModeSwitch(clock), replies, ahead)
    ask = standings.question(a_request())
    assert ask is not None
    variants = standings.resident(ask.key)
    assert variants is not None
    standing = standings.stand(ask, variants)
    assert standing is not None
    assert standing.until == T0 + 750
    clock.advance(900)
    assert standings.stand(ask, variants) is None, "this one takes the long way, once a second"
    ahead.is_due("/a", response, route)
    standing = standings.stand(ask, variants)
    assert standing is not None
    assert standing.until == T0 + 901
