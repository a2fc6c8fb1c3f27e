"""RFC 9110 §15.2 in the exchange: interim responses are for the client whose request brought them, and for no other."""

import asyncio

import pytest

from proxy.exchange.ports import OnInterim, UpstreamAnswer, UpstreamRequest
from proxy.policy.messages import Fields, ResponseHead
from tests.support.builders import a_request
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Got, Scenario, a_route, settle

HINT = ResponseHead(103, Fields([("Link", "</a>"), ("Connection", "x-hop"), ("X-Hop", "1")]), "Early Hints")
TOLD = (("Link", "</a>"), ("Via", "1.1 tambo"))


class Ear:
    """What one client heard."""

    def __init__(self) -> None:
        self.heads: list[ResponseHead] = []

    @property
    def statuses(self) -> list[int]:
        return [head.status for head in self.heads]


async def ask(play: Scenario, ear: Ear, method: str = "GET") -> Got:
    return await Got.of(await play.exchange.answer(a_request(method=method), None, ear.heads.append))


def hinting(**changes: object) -> Reply:
    return Reply(interim=(HINT,), **changes)  # type: ignore[arg-type] # fields of Reply


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "BREW"])
async def test_whoever_asked_hears(method: str) -> None:
    play, ear = Scenario(ScriptedUpstream(hinting())), Ear()
    assert (await ask(play, ear, method)).status == 200
    assert [head.fields.lines for head in ear.heads] == [TOLD]


async def test_a_client_without_ears_is_answered_all_the_same() -> None:
    play = Scenario(ScriptedUpstream(hinting()))
    assert (await play.get()).status == 200


async def test_they_are_never_stored() -> None:
    play, ear, later = Scenario(ScriptedUpstream(hinting())), Ear(), Ear()
    await ask(play, ear)
    hit = await ask(play, later)
    assert (hit.x_cache, later.heads, hit.field("link")) == ("HIT", [], None)


async def test_followers_hear_nothing() -> None:
    gate = asyncio.Event()
    play, leader, follower = Scenario(ScriptedUpstream(hinting(gate=gate))), Ear(), Ear()
    asking = [asyncio.ensure_future(ask(play, ear)) for ear in (leader, follower)]
    await settle()
    gate.set()
    assert [got.x_cache for got in await asyncio.gather(*asking)] == ["MISS", "COALESCED"]
    assert (leader.statuses, follower.statuses) == ([103], [])


async def test_a_follower_that_must_ask_by_itself_hears_its_own() -> None:
    gate = asyncio.Event()
    private = {"Cache-Control": "private"}
    play = Scenario(ScriptedUpstream(hinting(lines=private, gate=gate), hinting(lines=private)))
    ears = Ear(), Ear()
    asking = [asyncio.ensure_future(ask(play, ear)) for ear in ears]
    await settle()
    gate.set()
    await asyncio.gather(*asking)
    assert [ear.statuses for ear in ears] == [[103], [103]]
    assert len(play.origin.requests) == 2


class Late(ScriptedUpstream):
    """Hints when it is told to."""

    def __init__(self) -> None:
        super().__init__(Reply(gate=asyncio.Event()))
        self.hint: OnInterim | None = None

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        self.hint = on_interim
        return await super().send(request)


async def test_a_leader_that_left_hears_nothing_more() -> None:
    origin, ear = Late(), Ear()
    play = Scenario(origin)
    asking = asyncio.ensure_future(ask(play, ear))
    await settle()
    assert origin.hint is not None
    origin.hint(HINT)
    asking.cancel()
    await settle()
    origin.hint(HINT)
    assert ear.statuses == [103]


async def test_a_refresh_behind_a_client_tells_it_nothing() -> None:
    play = Scenario(ScriptedUpstream(hinting()), (a_route(stale_while_revalidate=60.0),))
    ear, late = Ear(), Ear()
    await ask(play, ear)
    play.clock.advance(90)
    assert (await ask(play, late)).x_cache == "STALE"
    await settle()
    assert (len(play.origin.requests), late.heads) == (2, [])
