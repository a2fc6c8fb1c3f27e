"""What is foretold is what then happens: each row asks what would become of a request, and then sends it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.breaker import BreakerSettings
from proxy.exchange.entrance import Entrance
from proxy.exchange.explaining import Explainer
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.outlook import Act, Outlook, foresee
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.messages import Fields, RequestHead
from tests.support.origin import Reply
from tests.support.scenario import Got, Scenario, a_route, settle


class Place:
    """A scenario with an entrance and somebody who explains it."""

    def __init__(self, breaker: BreakerSettings | None = None, **route: Any) -> None:
        self.play = Scenario(routes=(a_route(**route),), breaker=breaker)
        self.switch = ModeSwitch(self.play.clock)
        self.entrance = Entrance(self.play.exchange, self.switch, self.play.observer, self.play.clock)
        self.explainer = Explainer(self.switch, self.play.clock)
        self.explainer.follow(self.play.exchange)

    async def ask(self, method: str = "GET", **lines: str) -> Got:
        return await Got.of(await self.entrance.answer(self._request(method, lines), None))

    async def explain(self, method: str = "GET", **lines: str) -> Outlook:
        return foresee(await self.explainer.facts(self._request(method, lines)))

    @staticmethod
    def _request(method: str, lines: dict[str, str]) -> RequestHead:
        fields = Fields((name.replace("_", "-"), value) for name, value in lines.items())
        return RequestHead(method, "/a", fields, authority="tambo.test")

    def fails(self) -> None:
        """The upstream cannot be reached from now on."""
        self.play.origin.replies = deque([Reply(failure=UpstreamError(Failure.UNREACHABLE, "refused"))])


async def stored(place: Place) -> None:
    await place.ask()


async def stale(place: Place) -> None:
    await place.ask()
    place.play.clock.advance(100)


async def failed(place: Place) -> None:
    await stale(place)
    place.fails()
    await place.ask()


async def failed_behind(place: Place) -> None:
    await stale(place)
    place.fails()
    await place.ask()
    await settle()


async def broken(place: Place) -> None:
    place.fails()
    await place.ask()


async def stale_and_broken(place: Place) -> None:
    await stale(place)
    await broken(place)


async def out(place: Place) -> None:
    await place.ask()
    place.play.store.is_down = True


async def nothing(_: Place) -> None:
    pass


def mode(wanted: OperatingMode, before: Callable[[Place], Awaitable[None]]) -> Callable[[Place], Awaitable[None]]:
    async def prepare(place: Place) -> None:
        await before(place)
        place.switch.set(wanted)

    return prepare


@dataclass
class Row:
    """A state, a request, and what becomes of it."""

    before: Callable[[Place], Awaitable[None]]
    act: Act
    route: dict[str, Any]
    lines: dict[str, str]
    method: str = "GET"
    breaker: BreakerSettings | None = None


AT_ONCE = BreakerSettings(min_requests=1)
ROWS = {
    "nothing is stored": Row(nothing, Act.FETCH, {}, {}),
    "a HEAD, and nothing is stored": Row(nothing, Act.FETCH, {}, {}, "HEAD"),
    "fresh": Row(stored, Act.REUSE, {}, {}),
    "a HEAD, and a GET is stored": Row(stored, Act.REUSE, {}, {}, "HEAD"),
    "the client reloads": Row(stored, Act.VALIDATE, {"client_directives": True}, {"Cache_Control": "no-cache"}),
    "the client takes stale": Row(
        stale, Act.REUSE, {"client_directives": True, "stale_if_error": 0.0}, {"Cache_Control": "max-stale"}
    ),
    "stale while revalidating": Row(stale, Act.REUSE_AND_REFRESH, {"stale_while_revalidate": 1000.0}, {}),
    "stale": Row(stale, Act.VALIDATE, {}, {}),
    "stale, and its fetch has failed": Row(failed, Act.STAND_IN, {"stale_if_error": 1000.0, "hold_off": 60.0}, {}),
    "its refresh has failed": Row(
        failed_behind, Act.STAND_IN, {"stale_while_revalidate": 1000.0, "hold_off": 60.0}, {}
    ),
    "archive": Row(failed, Act.STAND_IN, {"archive": 1000.0, "stale_if_error": 1.0, "hold_off": 60.0}, {}),
    "breaker open": Row(broken, Act.REFUSE, {}, {}, breaker=AT_ONCE),
    "breaker open, stale stored": Row(stale_and_broken, Act.STAND_IN, {"stale_if_error": 1000.0}, {}, breaker=AT_ONCE),
    "POST": Row(stored, Act.PASS, {}, {}, "POST"),
    "cookie": Row(stored, Act.PASS, {}, {"Cookie": "a=1"}),
    "route off": Row(nothing, Act.PASS, {"cache": False}, {}),
    "only-if-cached": Row(nothing, Act.REFUSE, {}, {"Cache_Control": "only-if-cached"}),
    "only-if-cached on a route that is off": Row(
        nothing, Act.REFUSE, {"cache": False}, {"Cache_Control": "only-if-cached"}
    ),
    "credentials": Row(stored, Act.FETCH, {}, {"Authorization": "Basic x"}),
    "the store is out": Row(out, Act.FETCH, {}, {}),
    "offline, stale": Row(mode(OperatingMode.OFFLINE, stale), Act.REUSE, {}, {}),
    "offline, fresh": Row(mode(OperatingMode.OFFLINE, stored), Act.REUSE, {}, {}),
    "offline, nothing": Row(mode(OperatingMode.OFFLINE, nothing), Act.REFUSE, {}, {}),
    "bypass": Row(mode(OperatingMode.BYPASS, stored), Act.PASS, {}, {}),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_what_is_foretold_happens(row: Row) -> None:
    place = Place(row.breaker, **row.route)
    await row.before(place)
    asked, entries = len(place.play.origin.requests), dict(place.play.store.entries)
    outlook = await place.explain(row.method, **row.lines)
    assert outlook.act is row.act
    assert (len(place.play.origin.requests), place.play.store.entries) == (asked, entries)
    got = await place.ask(row.method, **row.lines)
    assert got.answer.disposition.x_cache in {each.x_cache for each in outlook.dispositions} or (
        row.act is Act.FETCH and got.x_cache == "BYPASS"  # what comes turned out to be its client's own
    )
    if len(outlook.dispositions) == 1 and row.act not in {Act.FETCH, Act.PASS}:
        assert got.answer.disposition == outlook.dispositions[0]


async def test_a_fetch_under_way_is_joined() -> None:
    place = Place()
    gate = asyncio.Event()
    place.play.origin.replies = deque([Reply(gate=gate)])
    leading = asyncio.ensure_future(place.ask())
    await settle()
    outlook = await place.explain()
    assert (outlook.act, outlook.dispositions[0].x_cache) == (Act.JOIN, "COALESCED")
    following = asyncio.ensure_future(place.ask())
    await settle()
    gate.set()
    assert (await leading).x_cache == "MISS"
    assert (await following).answer.disposition == outlook.dispositions[0]


async def test_what_would_stand_in_if_it_fails() -> None:
    place = Place(stale_if_error=1000.0)
    await stale(place)
    outlook = await place.explain()
    assert outlook.fallback is not None
    place.fails()
    assert (await place.ask()).answer.disposition.detail == outlook.fallback.reason


async def test_the_content_of_a_query_is_part_of_its_key() -> None:
    place = Place(methods=frozenset({"GET", "QUERY"}))
    assert (await place.explain("QUERY")).act is Act.DEPENDS


async def test_a_purge_is_known_of() -> None:
    place = Place()
    await stored(place)
    await place.play.store.purge(Purge(PurgeKind.ALL, "", PurgeMode.HARD))
    assert (await place.explain()).act is Act.FETCH
