"""What the operator's modes make of requests, and how they end."""

from typing import Any

import pytest

from proxy.exchange.entrance import Entrance
from proxy.exchange.operating import ModeSwitch, Operating, OperatingMode
from proxy.policy.messages import Fields, RequestHead
from tests.support.scenario import Got, Scenario, a_route


class Place:
    """A scenario with an entrance."""

    def __init__(self, **route: Any) -> None:
        self.play = Scenario(routes=(a_route(**route),))
        self.switch = ModeSwitch(self.play.clock)
        self.entrance = Entrance(self.play.exchange, self.switch, self.play.observer, self.play.clock)

    async def ask(self, target: str = "/a", method: str = "GET", **lines: str) -> Got:
        request = RequestHead(method, target, Fields(lines.items()), authority="tambo.test")
        return await Got.of(await self.entrance.answer(request, None))

    @property
    def asked(self) -> int:
        return len(self.play.origin.requests)


async def test_offline_answers_of_any_age_and_fetches_nothing() -> None:
    place = Place()
    first = await place.ask()
    place.switch.set(OperatingMode.OFFLINE)
    assert (await place.ask()).answer.head.fields.joined("x-cache") == "HIT"
    place.play.clock.advance(1_000_000)
    again = await place.ask()
    assert again.body == first.body
    assert again.answer.head.fields.joined("x-cache") == "OFFLINE"
    assert again.cache_status == "hit; ttl=-999940; detail=mode"
    for method, target in (("GET", "/b"), ("POST", "/a"), ("DELETE", "/a"), ("QUERY", "/a")):
        refused = await place.ask(target, method)
        assert (refused.status, refused.cache_status) == (503, "fwd=bypass; detail=mode")
        assert "retry-after" not in refused.answer.head.fields
    assert place.asked == 1


async def test_offline_gives_nobody_what_is_not_meant_for_it() -> None:
    place = Place()
    await place.ask()
    place.switch.set(OperatingMode.OFFLINE)
    for lines in ({"Authorization": "Basic eA=="}, {"Cookie": "a=b"}):
        assert (await place.ask(**lines)).status == 503


async def test_offline_with_a_store_that_is_down() -> None:
    place = Place()
    place.play.store.is_down = True
    place.switch.set(OperatingMode.OFFLINE, 90.5)
    refused = await place.ask()
    assert refused.status == 503
    assert refused.answer.head.fields.joined("retry-after") == "91"


async def test_bypass_looks_nothing_up_and_stores_nothing() -> None:
    place = Place()
    await place.ask()
    place.switch.set(OperatingMode.BYPASS)
    for _ in range(2):
        assert (await place.ask()).cache_status == "fwd=bypass; detail=mode"
    assert place.asked == 3
    place.switch.set(OperatingMode.NORMAL)
    assert (await place.ask()).cache_status.startswith("hit")
    assert place.asked == 3


async def test_what_is_unsafe_invalidates_in_bypass_too() -> None:
    place = Place()
    await place.ask()
    place.switch.set(OperatingMode.BYPASS)
    await place.ask(method="POST")
    place.switch.set(OperatingMode.NORMAL)
    assert (await place.ask()).cache_status.startswith("fwd=uri-miss")


@pytest.mark.parametrize("mode", [OperatingMode.OFFLINE, OperatingMode.BYPASS])
async def test_it_ends_by_itself(mode: OperatingMode) -> None:
    place = Place()
    await place.ask()
    place.switch.set(mode, 30)
    place.play.clock.advance(29.5)
    assert place.switch.now == Operating(mode, 0.5)
    assert not (place.switch.is_normal)
    place.play.clock.advance(0.5)
    assert (await place.ask()).cache_status.startswith("hit; ttl=30")
    assert place.switch.is_normal
    assert place.switch.now == Operating(OperatingMode.NORMAL)


def test_normal_has_no_end() -> None:
    place = Place()
    place.switch.set(OperatingMode.NORMAL, 30)
    assert place.switch.now == Operating(OperatingMode.NORMAL)
