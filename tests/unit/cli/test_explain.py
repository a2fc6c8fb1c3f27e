"""``tambo explain`` against a real admin listener: whole transcripts."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.edge.admin.explain import Explain
from proxy.edge.admin.gatekeeper import gatekeeper
from proxy.exchange.explaining import Explainer
from proxy.exchange.operating import ModeSwitch, OperatingMode
from tests.support.scenario import Scenario, a_route
from tests.unit.cli.conftest import Tambo, Transcript

MISS = """GET /a?x=1

Would:  fetch it from the upstream (X-Cache: MISS)
  - Nothing is stored under this key. [RFC 9111 §4]
  - It would be fetched from the upstream, and whoever asks meanwhile waits for the same fetch.
    [RFC 9111 §4]
  - Its answer would be kept as long as its headers say; JSON without a word on that for 1m.
    [RFC 9111 §4.2.1, defaults.ttl]
  - If the upstream does not answer, nothing stored may stand in: it would be 502 or 504.
    [RFC 9111 §4.2.4]

Route:  default
  - No route of the configuration takes it, so the built-in last one does. [defaults]

Key:    /a?x=1
  - The key is the raw path and query, as they came. [RFC 9111 §2]

Stored: nothing
"""
HIT = """GET /a

Would:  answer from the store (X-Cache: HIT)
  - 1 response is stored under this key, and it may answer this request. [RFC 9111 §4]
  - It is 12s old; the route makes it fresh for 1m. [RFC 9111 §4.2, defaults.ttl]
  - It stays fresh for 48s more. [RFC 9111 §4.2]
  - It would be answered from the store at once: a hit. [RFC 9111 §4]

Route:  default
  - No route of the configuration takes it, so the built-in last one does. [defaults]

Key:    /a
  - The key is the raw path and query, as they came. [RFC 9111 §2]

Stored:
  * 200 fresh, 12s old
      ttl until 2023-11-14T22:14:20Z
"""
PASSED = """GET /a

Would:  pass it on to the upstream (X-Cache: BYPASS)
  - It carries a Cookie, so its answer may be its client's own: nothing is looked up, and what comes
    is not stored. [routes.default.cookies]
  - It would go to the upstream by itself, and wait for nobody else's fetch.

Route:  default
  - No route of the configuration takes it, so the built-in last one does. [defaults]
"""


@dataclass
class Desk:
    """A listener, and the command line."""

    play: Scenario
    switch: ModeSwitch
    call: Tambo

    async def tambo(self, *arguments: str) -> Transcript:
        return await asyncio.to_thread(self.call, "explain", *arguments)


@pytest.fixture
async def desk(tambo: Tambo, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    play = Scenario(routes=(a_route(),))
    switch = ModeSwitch(play.clock)
    explainer = Explainer(switch, play.clock)
    explainer.follow(play.exchange)
    app = web.Application(middlewares=[gatekeeper(None)])
    Explain(explainer, lambda: ()).add_to(app)
    server = TestServer(app)
    await server.start_server()
    monkeypatch.setenv("ADMIN_PORT", str(server.port))
    yield Desk(play, switch, tambo)
    await server.close()


async def test_a_miss(desk: Desk) -> None:
    assert await desk.tambo("GET", "/a?x=1") == Transcript(0, MISS, "")


async def test_a_hit(desk: Desk) -> None:
    await desk.play.get("/a")
    desk.play.clock.advance(12)
    said = await desk.tambo("GET", "http://api.example/a")
    assert (said.code, said.out) == (0, HIT)


async def test_a_header_makes_a_difference(desk: Desk) -> None:
    assert await desk.tambo("GET", "/a", "-H", "Cookie: sid=1", "-H", "X: y") == Transcript(0, PASSED, "")


async def test_the_mode_is_said(desk: Desk) -> None:
    desk.switch.set(OperatingMode.OFFLINE)
    said = await desk.tambo("GET", "/a")
    assert said.out.startswith("GET /a\n\nWould:  refuse it (X-Cache: MISS)\n")
    assert said.out.endswith("\nMode:   offline\n")


async def test_json_is_the_apis_answer(desk: Desk) -> None:
    told = json.loads((await desk.tambo("GET", "/a", "--json")).out)
    assert told["would"]["act"] == "fetch"


async def test_wrong_words(desk: Desk) -> None:
    said = await desk.tambo("GET", "/a", "-H", "Cookie")
    assert said == Transcript(
        2, "", "tambo: explain: -H 'Cookie' must be 'Name: value', as in -H 'Accept-Language: es'\n"
    )
    said = await desk.tambo("GET", "a")
    assert said == Transcript(1, "", "tambo: explain: 'a' is neither an absolute URL nor a path that begins with '/'\n")
