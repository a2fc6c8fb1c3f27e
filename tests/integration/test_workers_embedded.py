"""Three workers of one machine over the embedded store: one fetch per key, one cap, and no answer that was purged."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.fleet import SlowApi, all_asking, ask, until
from tests.support.numbered import Numbered
from tests.support.storm import LEASE, ROUTES, Storm
from tests.support.tambo import Tambo, fetch
from tests.support.workers import workers

pytestmark = pytest.mark.integration

WORKERS = 3
CLIENTS = 100
SECONDS = 2.0
CAP = {"TAMBO_UPSTREAM__CONCURRENCY__MAX": "4", "TAMBO_UPSTREAM__CONCURRENCY__QUEUE": "200"}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as it:
        yield it


@pytest.fixture
async def api() -> SlowApi:
    return SlowApi(SECONDS)


@pytest.fixture
async def three(api: SlowApi, tmp_path: Path) -> AsyncIterator[list[Tambo]]:
    async with api.serving() as upstream, workers(WORKERS, tmp_path, upstream) as started:
        yield started


def _urls(tambos: list[Tambo], path: str, each: int = CLIENTS) -> list[str]:
    return [f"{tambo.url}{path}" for tambo in tambos for _ in range(each)]


async def _leader(tambos: list[Tambo], session: aiohttp.ClientSession) -> Tambo:
    for tambo in tambos:
        if b"tambo_upstream_inflight 1.0" in (await fetch(session, f"{tambo.admin}/metrics"))[2]:
            return tambo
    raise AssertionError("nobody asks the upstream")


async def test_a_cold_key_is_fetched_once_for_all_workers(
    three: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    got = [await each for each in all_asking(session, _urls(three, "/cold"))]
    assert {(one.status, one.body) for one in got} == {(200, got[0].body)}
    assert api.asked == {"/cold": 1}
    assert Counter(one.word for one in got) == {"MISS": 1, "COALESCED": WORKERS * CLIENTS - 1}
    again = [await ask(session, f"{tambo.url}/cold") for tambo in three]
    assert [one.word for one in again] == ["HIT"] * WORKERS


async def test_the_leader_dies_and_only_its_own_clients_notice(
    three: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    asking = {tambo.url: all_asking(session, _urls([tambo], "/dies")) for tambo in three}
    await until(lambda: api.asked["/dies"])
    leader = await _leader(three, session)
    leader.process.kill()
    others = [await each for url, all_ in asking.items() if url != leader.url for each in all_]
    assert {one.status for one in others} == {200}
    assert len(others) == 2 * CLIENTS
    assert api.asked["/dies"] in {1, 2}, "one, where it died after its answer was stored"
    for each in asking[leader.url]:
        await each


async def test_what_cannot_be_shared_serialises_nobody(
    three: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    got = [await each for each in all_asking(session, _urls(three, "/private/a", 10))]
    assert {one.status for one in got} == {200}
    assert len({one.body for one in got}) == len(got) == api.asked["/private/a"]
    assert max(one.seconds for one in got) < 2 * SECONDS + 2, "they queued behind each other"


async def test_an_upstream_that_fails_is_not_asked_by_everyone(
    three: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    got = [await each for each in all_asking(session, _urls(three, "/error/a"))]
    assert {one.status for one in got} == {500}
    assert api.asked["/error/a"] <= 2


async def test_a_holder_that_slept_through_its_lease_overwrites_nothing(
    three: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    first = all_asking(session, _urls(three[:1], "/sleeps", 1))
    await until(lambda: api.asked["/sleeps"])
    three[0].signal(signal.SIGSTOP)
    try:
        newer = await ask(session, f"{three[1].url}/sleeps")  # the lease ends, another fetches
    finally:
        three[0].signal(signal.SIGCONT)
    older = await first[0]
    assert older.status == newer.status == 200
    assert older.body != newer.body
    for tambo in (three[2], three[0], three[1]):
        assert (await ask(session, f"{tambo.url}/sleeps")).body == newer.body
    assert api.asked["/sleeps"] == 2


async def test_all_workers_keep_to_the_cap(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.1)
    async with api.serving() as upstream, workers(WORKERS, tmp_path, upstream, **CAP) as three:
        asking = []
        for number in range(200):
            asking += all_asking(session, [f"{three[number % WORKERS].url}/cold/{number}"])
            await asyncio.sleep(0.005)  # so that there is an order in which they come
        got = [await each for each in asking]
    assert {one.status for one in got} == {200}
    assert api.most == 4
    assert len(api.asked) == sum(api.asked.values()) == 200
    middle = Counter(int(path.rpartition("/")[2]) % WORKERS for path in api.order[:100])
    assert min(middle.values()) > 20, middle


async def test_places_of_the_dead_come_free(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(1.0)
    async with api.serving() as upstream, workers(2, tmp_path, upstream, **CAP) as (dying, staying):
        lost = all_asking(session, [f"{dying.url}/lost/{number}" for number in range(8)])
        await until(lambda: api.inflight == 4)
        waiting = all_asking(session, [f"{staying.url}/kept/{number}" for number in range(8)])
        dying.process.kill()
        assert {(await each).status for each in lost} == {0}
        assert {(await each).status for each in waiting} == {200}


async def test_what_one_refreshed_the_others_notice(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.0)
    async with api.serving() as upstream, workers(WORKERS, tmp_path, upstream, CACHE_TTL="1s") as three:
        first = {(await ask(session, f"{tambo.url}/soon")).body for tambo in three}
        assert len(first) == api.asked["/soon"] == 1
        await asyncio.sleep(1.2)
        got = [await each for each in all_asking(session, _urls(three, "/soon", 10))]
        assert {one.status for one in got} == {200}
        assert api.asked["/soon"] == 2
        assert {one.body for one in got}.isdisjoint(first)


async def test_a_storm_of_purges(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """First with nothing but load, then while workers stand still now and then."""
    (tmp_path / "tambo.toml").write_text(ROUTES)
    draw, origin = random.Random(1), Numbered()  # noqa: S311 - a load, not a secret
    async with origin.serving() as upstream, workers(WORKERS, tmp_path, upstream) as three:
        storm = Storm(session, three, [], origin, draw)
        async with storm.load():
            await storm.purges(lambda: len(storm.took) >= 200, purgers=1)
            calm = storm.told()
            assert set(storm.statuses) == {200}, calm
            assert sorted(storm.took)[len(storm.took) * 99 // 100] < 1.0, calm
            ends = time.monotonic() + 12
            pausing = asyncio.ensure_future(_pauses(three, draw))
            await storm.purges(lambda: time.monotonic() > ends)
            pausing.cancel()
            await asyncio.gather(pausing, return_exceptions=True)
        print(calm, storm.told(), sep="\n")
    assert storm.witness.wrong == []
    assert storm.witness.failures == 0
    assert storm.witness.hits > 1000, "the purges met something"
    assert set(storm.statuses) <= {200, 207}
    assert len(storm.kinds) == 18, "every kind in every mode"


async def _pauses(three: list[Tambo], draw: random.Random) -> None:
    while True:
        tambo = draw.choice(three)
        tambo.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(draw.choice([0.1, 0.5, LEASE + 0.5]))
        finally:
            tambo.signal(signal.SIGCONT)
        await asyncio.sleep(0.3)


async def test_a_damaged_file_is_replaced_once_and_all_go_on(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.0)
    async with api.serving() as upstream, workers(2, tmp_path, upstream) as both:
        assert [(await ask(session, f"{tambo.url}/a")).word for tambo in both] == ["MISS", "HIT"]
        (file,) = (each for each in (tmp_path / "data").glob("tambo-*.sqlite") if "jobs" not in each.name)
        with file.open("r+b") as damaged:
            damaged.write(b"\0" * 4096)

        async def is_whole_again(number: int) -> bool:
            words = [(await ask(session, f"{tambo.url}/new/{number}")).word for tambo in both]
            return words == ["MISS", "HIT"]

        number = 0
        async with asyncio.timeout(30):
            while not await is_whole_again(number):
                number += 1
                await asyncio.sleep(0.1)
        assert len([each for each in (tmp_path / "data").glob("*.unreadable-*") if each.suffix.count("-") == 1]) <= 2
        for tambo in both:
            assert not tambo.said("internal error")
