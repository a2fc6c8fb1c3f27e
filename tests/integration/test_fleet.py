"""Three Tambos over one Redis: one fetch per key among them all, whoever dies in the middle."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.fleet import SlowApi, all_asking, ask, replicas, until
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch

pytestmark = pytest.mark.integration

REPLICAS = 3
CLIENTS = 100
"""At each replica."""
SECONDS = float(os.environ.get("TAMBO_TEST_UPSTREAM_SECONDS", "2"))
"""What the upstream takes; the promise is about any time."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as it:
        yield it


@pytest.fixture
async def api() -> SlowApi:
    return SlowApi(SECONDS)


@pytest.fixture
async def fleet(api: SlowApi, redis: RedisServer, tmp_path: Path) -> AsyncIterator[list[Tambo]]:
    async with api.serving() as upstream, replicas(REPLICAS, tmp_path, upstream, REDIS_URL=redis.url) as tambos:
        yield tambos


def _urls(tambos: list[Tambo], path: str, each: int = CLIENTS) -> list[str]:
    return [f"{tambo.url}{path}" for tambo in tambos for _ in range(each)]


async def _leader(tambos: list[Tambo], session: aiohttp.ClientSession) -> Tambo:
    """The one that has a request at the upstream."""
    for tambo in tambos:
        metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
        if "tambo_upstream_inflight 1.0" in metrics:
            return tambo
    raise AssertionError("nobody asks the upstream")


async def metric(session: aiohttp.ClientSession, tambo: Tambo, name: str, label: str) -> float:
    """The sum of the samples whose line begins so and carries this label's value."""
    lines = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name) and f'"{label}"' in line)


async def test_seconds_saved_are_known_over_a_restart(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """What a fetch cost is kept with what it brought."""
    api = SlowApi(0.5)
    async with api.serving() as upstream, replicas(1, tmp_path, upstream) as (tambo,):
        await ask(session, f"{tambo.url}/kept")
        await tambo.restart()
        for word in ("HIT", "HIT", "HIT"):
            assert (await ask(session, f"{tambo.url}/kept")).word == word
        saved = await metric(session, tambo, "tambo_upstream_seconds_saved_total{", "hit")
        assert saved == pytest.approx(3 * 0.5, rel=0.3)
        assert api.asked == {"/kept": 1}


async def test_a_cold_key_is_fetched_once_for_everyone(
    fleet: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    got = [await each for each in all_asking(session, _urls(fleet, "/cold"))]
    assert {(one.status, one.body) for one in got} == {(200, got[0].body)}
    assert api.asked == {"/cold": 1}
    assert Counter(one.word for one in got) == {"MISS": 1, "COALESCED": 299}
    assert max(one.seconds for one in got) < SECONDS + 3
    scopes = Counter[str]()
    for tambo in fleet:
        for line in (await fetch(session, f"{tambo.admin}/metrics"))[2].decode().splitlines():
            if line.startswith("tambo_coalesced_requests_total{"):
                scopes["fleet" if 'scope="fleet"' in line else "process"] += int(float(line.split()[-1]))
    assert scopes == {"fleet": 200, "process": 99}
    saved = sum([await metric(session, tambo, "tambo_upstream_seconds_saved_total{", "coalesced") for tambo in fleet])
    assert saved == pytest.approx(299 * SECONDS, rel=0.2), "what each of them would have cost the upstream"


async def test_the_leader_dies_and_only_its_own_clients_notice(
    fleet: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    asking = {tambo.url: all_asking(session, _urls([tambo], "/dies")) for tambo in fleet}
    await until(lambda: api.asked["/dies"])
    leader = await _leader(fleet, session)
    leader.process.kill()
    others = [await each for url, all_ in asking.items() if url != leader.url for each in all_]
    assert {one.status for one in others} == {200}
    assert len(others) == 2 * CLIENTS
    assert max(one.seconds for one in others) < 2 * SECONDS + 2 + 3, "more than its lease and one fetch"
    # Its own clients' connections broke: a load balancer sends them to another one.
    lost = [one for one in [await each for each in asking[leader.url]] if one.status == 0]
    staying = next(tambo for tambo in fleet if tambo is not leader)
    again = [await each for each in all_asking(session, _urls([staying], "/dies", len(lost)))]
    assert {(one.status, one.body) for one in (*others, *again)} == {(200, others[0].body)}
    assert len(others) + len(again) == REPLICAS * CLIENTS
    assert api.asked["/dies"] in {1, 2}, "one, where it died after its answer was stored"


async def test_redis_dies_and_each_process_asks_once_at_most(
    fleet: list[Tambo], api: SlowApi, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    asking = all_asking(session, _urls(fleet, "/redis-dies"))
    await until(lambda: api.asked["/redis-dies"])
    redis.kill()
    got = [await each for each in asking]
    assert {one.status for one in got} == {200}
    assert api.asked["/redis-dies"] <= REPLICAS
    assert max(one.seconds for one in got) < 2 * SECONDS + 4


async def test_what_cannot_be_shared_serialises_nobody(
    fleet: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    got = [await each for each in all_asking(session, _urls(fleet, "/private/a", 10))]
    assert {one.status for one in got} == {200}
    assert len({one.body for one in got}) == len(got) == api.asked["/private/a"]
    assert max(one.seconds for one in got) < 2 * SECONDS + 2, "they queued behind each other"
    again = [await each for each in all_asking(session, _urls(fleet, "/private/a", 3))]
    assert max(one.seconds for one in again) < SECONDS + 1.5, "nobody remembered"


@pytest.mark.parametrize(("path", "status"), [("/down/a", 502), ("/error/a", 500)])
async def test_an_upstream_that_fails_is_not_asked_by_everyone(
    fleet: list[Tambo], api: SlowApi, session: aiohttp.ClientSession, path: str, status: int
) -> None:
    got = [await each for each in all_asking(session, _urls(fleet, path))]
    assert {one.status for one in got} == {status}
    # A request that arrives after the others were told asks anew; a GET whose reused connection broke is sent again.
    assert api.asked[path] <= 2
    assert max(one.seconds for one in got) < 2 * SECONDS + 3


async def test_a_holder_that_slept_through_its_lease_overwrites_nothing(
    fleet: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    first = all_asking(session, _urls(fleet[:1], "/sleeps", 1))
    await until(lambda: api.asked["/sleeps"])
    fleet[0].signal(signal.SIGSTOP)
    try:
        newer = await ask(session, f"{fleet[1].url}/sleeps")  # the lease ends, another fetches
    finally:
        fleet[0].signal(signal.SIGCONT)
    older = await first[0]
    assert older.status == newer.status == 200
    assert older.body != newer.body
    for tambo in (fleet[2], fleet[0], fleet[1]):
        assert (await ask(session, f"{tambo.url}/sleeps")).body == newer.body
    assert api.asked["/sleeps"] == 2
    metrics = (await fetch(session, f"{fleet[0].admin}/metrics"))[2].decode()
    assert 'tambo_store_operations_total{op="put",outcome="superseded",tier="redis"} 1.0' in metrics


async def test_an_expired_answer_is_fetched_again_once(
    api: SlowApi, redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Each replica holds it in memory, expired; one asks again, the others take what that brought."""
    shared = {"REDIS_URL": redis.url, "CACHE_TTL": "1s"}
    async with api.serving() as upstream, replicas(REPLICAS, tmp_path, upstream, **shared) as tambos:
        first = {(await ask(session, f"{tambo.url}/soon")).body for tambo in tambos}
        assert len(first) == api.asked["/soon"] == 1
        await asyncio.sleep(1.2)
        got = [await each for each in all_asking(session, _urls(tambos, "/soon", 10))]
        assert {one.status for one in got} == {200}
        assert api.asked["/soon"] == 2
        assert {one.body for one in got}.isdisjoint(first)


CAP = {"TAMBO_UPSTREAM__CONCURRENCY__MAX": "4", "TAMBO_UPSTREAM__CONCURRENCY__QUEUE": "200"}


async def test_the_whole_fleet_keeps_to_the_cap(
    redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(0.1)
    async with (
        api.serving() as upstream,
        replicas(REPLICAS, tmp_path, upstream, REDIS_URL=redis.url, **CAP) as tambos,
    ):
        asking = []
        for number in range(200):
            asking += all_asking(session, [f"{tambos[number % REPLICAS].url}/cold/{number}"])
            await asyncio.sleep(0.005)  # so that there is an order in which they come
        got = [await each for each in asking]
    assert {one.status for one in got} == {200}
    assert api.most == 4
    assert len(api.asked) == sum(api.asked.values()) == 200
    assert max(one.seconds for one in got) < 200 * 0.1 / 4 * 3
    # Fair: no replica is far behind the others, in the middle of it.
    middle = Counter(int(path.rpartition("/")[2]) % REPLICAS for path in api.order[:100])
    assert min(middle.values()) > 20, middle
    # And in each of them who came first goes first, but for what overtakes on the way.
    for replica in range(REPLICAS):
        mine = [number for path in api.order if (number := int(path.rpartition("/")[2])) % REPLICAS == replica]
        assert max(abs(at - number // REPLICAS) for at, number in enumerate(mine)) <= 2 * 4, mine


async def test_places_of_the_dead_come_free(redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(1.0)
    async with (
        api.serving() as upstream,
        replicas(2, tmp_path, upstream, REDIS_URL=redis.url, **CAP) as (dying, staying),
    ):
        lost = all_asking(session, [f"{dying.url}/lost/{number}" for number in range(8)])
        await until(lambda: api.inflight == 4)
        waiting = all_asking(session, [f"{staying.url}/kept/{number}" for number in range(8)])
        dying.process.kill()
        assert {(await each).status for each in lost} == {0}
        kept = [await each for each in waiting]
        assert {one.status for one in kept} == {200}
        assert max(one.seconds for one in kept) < 3 + 2 * 1.0 + 3


async def test_the_cap_without_redis_is_each_process_s_own(
    redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(0.3)
    async with (
        api.serving() as upstream,
        replicas(2, tmp_path, upstream, REDIS_URL=redis.url, **CAP) as tambos,
    ):
        asking = all_asking(session, [f"{tambos[number % 2].url}/{number}" for number in range(60)])
        await until(lambda: api.inflight == 4)
        redis.kill()
        got = [await each for each in asking]
        assert {one.status for one in got} == {200}
        assert api.most <= 8
        redis.start()
        for tambo in tambos:
            async with asyncio.timeout(15):
                while b"disconnected" in (await fetch(session, f"{tambo.admin}/health"))[2]:
                    await asyncio.sleep(0.05)
        await asyncio.sleep(4)  # until everyone has told what it holds
        api.most = 0
        again = all_asking(session, [f"{tambos[number % 2].url}/again/{number}" for number in range(40)])
        assert {(await each).status for each in again} == {200}
        assert api.most <= 4


@pytest.mark.parametrize("gone", [0.0, 3.0], ids=["at once", "when all had gone on alone"])
async def test_a_redis_that_comes_back_empty_leaves_nobody_waiting(
    redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession, gone: float
) -> None:
    """It knows of no place any more, taken or waited for, in the middle of a long queue."""
    api = SlowApi(0.3)
    async with (
        api.serving() as upstream,
        replicas(2, tmp_path, upstream, REDIS_URL=redis.url, **CAP) as tambos,
    ):
        asking = all_asking(session, [f"{tambos[number % 2].url}/{number}" for number in range(40)])
        await until(lambda: api.inflight == 4)
        redis.kill()
        await asyncio.sleep(gone)
        redis.start()
        got = [await each for each in asking]
        assert Counter(one.status for one in got) == {200: 40}
        assert api.most <= 8
        assert max(one.seconds for one in got) < 60, "until its time was over"


async def test_nobody_waits_past_its_timeout_without_an_answer(
    redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(1.0)
    timeout = {"TAMBO_UPSTREAM__CONCURRENCY__QUEUE_TIMEOUT": "2s"}
    async with (
        api.serving() as upstream,
        replicas(REPLICAS, tmp_path, upstream, REDIS_URL=redis.url, **CAP, **timeout) as tambos,
    ):
        urls = [f"{tambos[number % REPLICAS].url}/cold/{number}" for number in range(200)]
        got = [await each for each in all_asking(session, urls)]
    assert {one.status for one in got} == {200, 503}
    assert all(one.retry_after for one in got if one.status == 503)
    assert sum(one.status == 200 for one in got) >= 8, "whose turn came was refused"
    assert api.most == 4
    assert all(one.seconds < 2 + 1 + 1.5 for one in got), "longer than its turn and its fetch"
