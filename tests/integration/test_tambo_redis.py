"""Tambo over a real Redis that is killed, stopped and started again under a stream of requests."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.fleet import PATIENT
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

KEYS = 20
LEASE = 2.0


@pytest.fixture
async def api() -> Api:
    return Api()


@pytest.fixture
async def tambo(api: Api, redis: RedisServer, tmp_path: Path) -> AsyncIterator[Tambo]:
    async with serving(api) as upstream, running(tmp_path, upstream, REDIS_URL=redis.url, **PATIENT) as it:
        yield it


class Stream:
    """Requests one after the other, over and over, until told to stop; remembers every answer."""

    def __init__(self, tambo: Tambo, session: aiohttp.ClientSession) -> None:
        self._tambo = tambo
        self._session = session
        self.statuses: list[int] = []
        self.words: list[str] = []
        self.longest = 0.0
        self._is_over = False

    async def __aenter__(self) -> "Stream":
        self._tasks = [asyncio.ensure_future(self._run(start)) for start in range(4)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_over = True
        await asyncio.gather(*self._tasks)

    async def _run(self, start: int) -> None:
        loop = asyncio.get_running_loop()
        for number in count(start):
            if self._is_over:
                return
            began = loop.time()
            status, fields, _ = await fetch(self._session, f"{self._tambo.url}/json/{number % KEYS}")
            self.longest = max(self.longest, loop.time() - began)
            self.statuses.append(status)
            self.words.append(fields.get("X-Cache", "none"))
            await asyncio.sleep(0.002)

    async def more(self, requests: int) -> list[str]:
        """Wait for so many further answers: what X-Cache said in them."""
        begin = len(self.words)
        async with asyncio.timeout(90):
            while len(self.words) < begin + requests:
                await asyncio.sleep(0.02)
        return self.words[begin:]


async def _health(tambo: Tambo, session: aiohttp.ClientSession) -> dict[str, str]:
    health: dict[str, str] = json.loads((await fetch(session, f"{tambo.admin}/health"))[2])
    return health


async def _until_health(tambo: Tambo, session: aiohttp.ClientSession, redis: str) -> None:
    async with asyncio.timeout(60):
        while (await _health(tambo, session))["redis"] != redis:
            await asyncio.sleep(0.05)


async def test_redis_is_killed_and_comes_back_and_no_client_notices(
    tambo: Tambo, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    assert await _health(tambo, session) == {"status": "healthy", "redis": "connected"}
    async with Stream(tambo, session) as stream:
        await stream.more(100)
        redis.kill()
        await stream.more(300)
        await _until_health(tambo, session, "disconnected")
        assert (await fetch(session, f"{tambo.admin}/readyz"))[0] == 200
        redis.start()
        await _until_health(tambo, session, "connected")
        after = await stream.more(100)
    assert set(stream.statuses) == {200}
    assert set(after) <= {"HIT"}
    assert len([line for line in tambo.log if line["level"] == "warning"]) < 10, "an outage floods the log"


async def test_hits_come_back_from_redis_without_a_restart(
    api: Api, redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """A new process has nothing in memory: what it answers comes from Redis."""
    async with serving(api) as upstream:
        async with running(tmp_path, upstream, REDIS_URL=redis.url) as first:
            for number in range(100):
                await fetch(session, f"{first.url}/json/{number}")
        async with running(tmp_path, upstream, REDIS_URL=redis.url) as second:
            redis.kill()
            assert (await fetch(session, f"{second.url}/json/other"))[0] == 200
            redis.start()
            asked = 0
            async with asyncio.timeout(30):  # one connection attempt per 200 ms: the first look-ups may still miss
                while (await fetch(session, f"{second.url}/json/{asked}"))[1]["X-Cache"] != "HIT":
                    asked += 1
                    await asyncio.sleep(0.1)
    assert api.asked[f"/json/{asked}"] == 1


async def test_a_redis_that_hangs_costs_a_client_next_to_nothing(
    api: Api, redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with serving(api) as upstream, running(tmp_path, upstream, REDIS_URL=redis.url) as tambo:
        redis.pause()
        try:
            for number in range(30):
                status, _, _ = await fetch(session, f"{tambo.url}/json/{number}")
                assert status == 200
            metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
            assert 'tambo_store_up{tier="redis"} 0.0' in metrics
        finally:
            redis.go_on()
        await _until_health(tambo, session, "connected")


async def test_it_starts_though_redis_is_not_there(
    api: Api, redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    redis.kill()
    async with serving(api) as upstream, running(tmp_path, upstream, REDIS_URL=redis.url) as tambo:
        assert (await fetch(session, f"{tambo.admin}/readyz"))[0] == 200
        assert (await fetch(session, f"{tambo.url}/json/a"))[0] == 200
        assert (await fetch(session, f"{tambo.url}/json/a"))[1]["X-Cache"] == "HIT"
        assert await _health(tambo, session) == {"status": "degraded", "redis": "disconnected"}
        status, _, body = await fetch(session, f"{tambo.admin}/admin/purge", "POST", json={"all": True})
        assert status == 503
        assert b"may or may not have been carried out" in body
        redis.start()
        await _until_health(tambo, session, "connected")


async def test_purges_hold_in_redis(
    api: Api, redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with serving(api) as upstream:
        async with running(tmp_path, upstream, REDIS_URL=redis.url, **PATIENT) as tambo:
            for name in ("a", "b"):
                await fetch(session, f"{tambo.url}/json/{name}")
            await fetch(session, f"{tambo.admin}/admin/purge", "POST", json={"prefix": "/json/a", "mode": "hard"})
            assert (await fetch(session, f"{tambo.url}/json/a"))[2] == b'{"n": 2}'
            await fetch(session, f"{tambo.admin}/admin/purge", "POST", json={"all": True, "mode": "hard"})
        async with running(tmp_path, upstream, REDIS_URL=redis.url, **PATIENT) as tambo:
            assert (await fetch(session, f"{tambo.url}/json/b"))[1]["X-Cache"] == "MISS"


async def test_nothing_in_redis_is_without_an_end(
    tambo: Tambo, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    for number in range(5):
        await fetch(session, f"{tambo.url}/json/{number}")
    await fetch(session, f"{tambo.admin}/admin/purge", "POST", json={"url": "/json/1"})
    names = [word for word in redis.command("KEYS", "*").split(b"\r\n") if word and word[:1] not in b"*$"]
    assert len(names) >= 5
    for name in names:
        assert int(redis.command("PTTL", name).strip(b":\r\n")) > 0, name


async def test_without_redis_memory_answers_no_longer_than_its_lease_where_nobody_vouches_for_it(
    api: Api, redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    environ = {"REDIS_URL": redis.url, "TAMBO_STORE__WHEN_REDIS_IS_DOWN": "upstream"}
    async with serving(api) as upstream, running(tmp_path, upstream, **environ) as tambo:
        words: list[str] = []

        async def ask() -> str:
            status, fields, _ = await fetch(session, f"{tambo.url}/json/a")
            assert status == 200
            words.append(fields["X-Cache"])
            return words[-1]

        async def is_hit_without_redis() -> bool:
            """A busy machine may keep us from asking in time."""
            while await ask() != "HIT":
                await asyncio.sleep(0.05)
            redis.kill()
            if await ask() == "HIT":
                return True
            redis.start()
            return False

        async with asyncio.timeout(60):
            while not await is_hit_without_redis():
                pass
            last = began = killed = asyncio.get_running_loop().time()
            while await ask() == "HIT":
                await asyncio.sleep(0.02)
                last, began = began, asyncio.get_running_loop().time()
            assert last - killed < LEASE + 0.5, "what was asked for later was still answered from memory"
            assert [await ask(), await ask()] == ["MISS", "MISS"]
            redis.start()
            while await ask() != "HIT":
                await asyncio.sleep(0.05)
