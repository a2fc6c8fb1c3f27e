"""``tambo stats`` and ``tambo top`` against a real admin listener: whole transcripts."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.edge.admin.figures import Figures
from proxy.edge.admin.gatekeeper import gatekeeper
from tests.unit.cli.conftest import Tambo, Transcript
from tests.unit.telemetry.test_statistics import told

STATS = """\
tambo       1.2.3, up 12s, 1 worker
health      healthy, redis embedded
mode        offline for 1m30s more
hit rate    90.0% of 10 requests
requests    hit 9, miss 1
upstream    3 requests, 1 failed; half within 7.5 s, 95% within 120 s
now         2 in flight, 5 waiting
shed        queue-full 1
breaker     open
left alone  ruc 3
time saved  1m30s of the upstream's (hit 1m30s)
memory      up, 2 entries, 100B, 1 eviction
disk        up, 9 entries, 900B, 0 evictions
"""
TOP = """\
KEY                    ROUTE  REQUESTS  FETCHES     MEAN  SLOWEST  FAILED  LAST FAILURE
sunat:ruc:20999999019  ruc          12        2  6.250 s  7.500 s       1  timeout
/a                     rest          1        0        -        -       0  -
Of the last 15m.
"""
ROW = {
    "key": "sunat:ruc:20999999019",
    "route": "ruc",
    "requests": 12,
    "fetches": 2,
    "mean": 6.25,
    "worst": 7.5,
    "failures": 1,
    "failure": "timeout",
}
NONE = {
    "key": "/a",
    "route": "rest",
    "requests": 1,
    "fetches": 0,
    "mean": None,
    "worst": None,
    "failures": 0,
    "failure": None,
}


@dataclass
class Desk:
    """A listener, and the command line."""

    call: Tambo
    keys: list[dict[str, Any]] = field(
        default_factory=lambda: [{"key": "sunat:ruc:20999999019"} | ROW, {"key": "/a"} | NONE]
    )

    async def tambo(self, *arguments: str) -> Transcript:
        said = await asyncio.to_thread(self.call, *arguments)
        return Transcript(said.code, "".join(f"{line.rstrip()}\n" for line in said.out.splitlines()), said.err)

    def top(self, order: str) -> dict[str, Any]:
        return {"order": order, "seconds": 900, "keys": self.keys}


@pytest.fixture
async def desk(tambo: Tambo, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    made = Desk(tambo)
    extra = {"mode": {"mode": "offline", "seconds_left": 90}, "health": {"status": "healthy", "redis": "embedded"}}
    app = web.Application(middlewares=[gatekeeper(None)])
    Figures(lambda: told() | extra, made.top).add_to(app)
    server = TestServer(app)
    await server.start_server()
    monkeypatch.setenv("ADMIN_PORT", str(server.port))
    yield made
    await server.close()


async def test_stats(desk: Desk) -> None:
    assert await desk.tambo("stats") == Transcript(0, STATS, "")
    assert json.loads((await desk.tambo("stats", "--json")).out)["requests"]["total"] == 10


async def test_top(desk: Desk) -> None:
    assert await desk.tambo("top") == Transcript(0, TOP, "")
    assert json.loads((await desk.tambo("top", "slow", "--json")).out)["order"] == "slow"


async def test_no_key_is_exit_4(desk: Desk) -> None:
    desk.keys = []
    assert await desk.tambo("top", "failing") == Transcript(
        4, "", "tambo: top: no key to show; the figures are of the last 15m\n"
    )


def test_wrong_words(tambo: Tambo) -> None:
    said = tambo("top", "fast")
    assert said == Transcript(2, "", "tambo: top: there is no order 'fast'; the orders are hits, slow, failing\n")
    assert tambo("top", "hit").err == "tambo: top: there is no order 'hit'; did you mean 'hits'?\n"
