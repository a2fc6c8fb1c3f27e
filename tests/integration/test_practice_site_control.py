"""The control API of the practice site, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from scraper_backend.practice_site.app import make_app
from scraper_backend.practice_site.markup import HOME
from scraper_backend.practice_site.settings import Settings
from scraper_backend.practice_site.switches import parse_switches
from tests.support.practice_site import RUC, TOKEN, Client, Clients, Hands, ask, log, switch

pytestmark = pytest.mark.integration

Servers = Callable[..., Awaitable[TestServer]]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def site(aiohttp_client: Clients, hands: Hands) -> Client:
    return await aiohttp_client(make_app(Settings(delay=0), hands.world))


async def test_switches_are_put_added_shown_and_taken_back(aiohttp_client: Clients, hands: Hands) -> None:
    start = parse_switches([{"switch": "maintenance", "times": 1}])
    site = await aiohttp_client(make_app(Settings(delay=0, switches=start), hands.world))
    assert "mantenimiento" in await ask(site)
    await switch(site, {"switch": "contabilidiad"})
    async with site.post("/_practice/switches", json={"switch": "reset", "nth": 2}) as answer:
        assert [one["switch"] for one in (await answer.json())["switches"]] == ["contabilidiad", "reset"]
    assert "Contabilidiad" in await ask(site)
    async with site.get("/_practice/switches") as answer:
        assert (await answer.json())["switches"][1] == {"switch": "reset", "nth": 2, "seen": 1, "fired": 0}
    async with site.delete("/_practice/switches") as answer:
        assert [one["switch"] for one in (await answer.json())["switches"]] == ["maintenance"]
    assert "mantenimiento" in await ask(site)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('[{"switch": "restet"}]', "switch 1: unknown switch 'restet'; the nearest known one is 'reset'"),
        ("[", "the body is not JSON"),
        ("\xff", "the body is not JSON"),
        ("{}", "expected"),
    ],
)
async def test_a_wrong_switch_is_named_and_nothing_changes(site: Client, body: str, says: str) -> None:
    await switch(site, {"switch": "contabilidiad"})
    async with site.put("/_practice/switches", data=body.encode("latin-1")) as answer:
        assert answer.status == 400
        assert says in (await answer.json())["error"]
    assert "Contabilidiad" in await ask(site)


async def test_the_log_is_filtered_and_forgotten(site: Client) -> None:
    await ask(site)
    await ask(site, "20999999027")
    assert [entry["ruc"] for entry in await log(site, ruc="20999999027")] == ["20999999027"]
    assert await log(site, step="workers") == []
    entry = (await log(site))[0]
    assert (entry["number"], entry["method"], entry["answer"], entry["delay"]) == (1, "POST", "page", 0)
    assert isinstance(entry["fields"], dict)
    assert entry["fields"]["token"] == TOKEN
    async with site.delete("/_practice/requests") as answer:
        assert answer.status == 204
    assert await log(site) == []


async def test_the_log_keeps_the_last_thousand_and_counts_all(site: Client) -> None:
    for _ in range(1005):
        async with site.get(HOME):
            pass
    async with site.get("/_practice/requests") as answer:
        report = await answer.json()
    assert (report["received"], len(report["requests"]), report["requests"][0]["number"]) == (1005, 1000, 6)
    assert report["most_at_once"] == 1


async def test_the_taxpayers_are_listed(site: Client) -> None:
    async with site.get("/_practice/taxpayers") as answer:
        assert RUC in [one["ruc"] for one in (await answer.json())["taxpayers"]]


async def test_the_log_says_that_a_client_left(aiohttp_server: Servers, hands: Hands) -> None:
    asleep = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    server = await aiohttp_server(make_app(Settings(delay=1), replace(hands.world, sleep=sleep)))
    async with aiohttp.ClientSession() as session:
        visit = asyncio.ensure_future(session.get(server.make_url(HOME)))
        await asleep.wait()
        visit.cancel()
        answer = "in flight"
        while answer == "in flight":
            async with session.get(server.make_url("/_practice/requests")) as report:
                answer = (await report.json())["requests"][0]["answer"]
    assert answer == "client left"
