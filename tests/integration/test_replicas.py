"""Three Tambos over one Redis, purged under load: what one was told to forget, no other answers with any more."""

import asyncio
import math
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis.asyncio

from tests.support.fleet import until
from tests.support.numbered import Numbered
from tests.support.redis_rights import denied, documented_user
from tests.support.redis_server import RedisServer
from tests.support.storm import LEASE, Storm, replicas
from tests.support.tambo import fetch

pytestmark = pytest.mark.integration

PATIENT = {"TAMBO_STORE__REDIS_COMMAND_TIMEOUT": "5s"}
"""So that no purge is refused because a machine was busy."""
LATE = 10.0
"""Seconds that a busy machine may add."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as it:
        yield it


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as it:
        yield it


@asynccontextmanager
async def a_storm(
    server: RedisServer, folder: Path, session: aiohttp.ClientSession, origin: Numbered | None = None
) -> AsyncIterator[Storm]:
    """Three Tambos, over the rights that docs/redis.md names."""
    origin = origin or Numbered()
    user = f"{documented_user(server)}@"
    async with (
        origin.serving() as upstream,
        replicas(3, server.port, folder, upstream, user, **PATIENT) as (tambos, cables),
    ):
        yield Storm(session, tambos, cables, origin, random.Random(1))  # noqa: S311 - a load, not a secret


async def test_a_storm_of_purges(server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """First with nothing but load, then while Tambos stand still and lose Redis; bench/purge_storm.py blows longer."""
    async with a_storm(server, tmp_path, session) as storm:
        async with storm.load():
            patience = time.monotonic() + 30
            await storm.purges(lambda: len(storm.took) >= 250 or time.monotonic() > patience, purgers=1)
            calm = storm.told()
            assert storm.refusals == []
            assert set(storm.statuses) <= {200, 207}, "207: a replica that a busy machine left waiting is named"
            assert sorted(storm.took)[len(storm.took) // 2] < LEASE / 2, calm
            ends = time.monotonic() + 15
            async with storm.disturbances():
                await storm.purges(lambda: time.monotonic() > ends)
        print(calm, storm.told(), sep="\n")
        assert storm.witness.wrong == []
        assert storm.witness.failures == 0
        assert storm.witness.hits > 500, "the purges met something"
        assert set(storm.statuses) <= {200, 207, 503}
        assert len(storm.kinds) >= 12, "most kinds in most modes, whatever the machine was busy with"
    assert denied(server) == []


async def test_who_changes_keys_by_hand_is_noticed(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with a_storm(server, tmp_path, session, Numbered(seconds=0)) as storm:
        person = redis.asyncio.Redis(port=server.port)

        async def seen() -> set[tuple[str, bytes]]:
            answers = [await fetch(session, f"{tambo.url}/k/1") for tambo in storm.tambos]
            return {(fields["X-Cache"], body) for _, fields, body in answers}

        async def all_hit(than: int) -> bool:
            """With the same, fetched later than that; whether only once is a matter of how fast Redis answers."""
            answers = await seen()
            return len(answers) == 1 and all(word == "HIT" and int(body) > than for word, body in answers)

        async def is_noticed(change: Awaitable[Any]) -> None:
            before = storm.origin.number
            await change
            await _soon(lambda: all_hit(before))

        await _soon(lambda: all_hit(0))
        (name,) = [name async for name in person.scan_iter("tambo:*:1:/k/1")]
        await is_noticed(person.delete(name))
        await is_noticed(person.flushall())
        await is_noticed(person.expire(name, 0))
        before = storm.origin.number
        await _fill_up(person)
        assert not await person.exists(name)
        (members,) = [await person.zcard(name) async for name in person.scan_iter("tambo:*:replicas:*")]
        assert members == 3, "evicted: a purge would not wait for them"
        await _soon(lambda: all_hit(before))
        await person.aclose()


async def _fill_up(person: redis.asyncio.Redis) -> None:
    """Let Redis evict (volatile-ttl), by the thousand, and have room again."""
    used = (await person.info("memory"))["used_memory"]
    await person.config_set("maxmemory-policy", "volatile-ttl")
    await person.config_set("maxmemory", used + 4_000_000)
    for _ in range(200):
        pipe = person.pipeline(transaction=False)
        for _ in range(100):
            _ = pipe.set(f"other:{random.random()}", b"x" * 300, ex=1300)  # noqa: S311 - a name
        await pipe.execute()
    assert (await person.info("stats"))["evicted_keys"] > 1000
    await person.config_set("maxmemory", 0)


async def _soon(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_a_replica_that_is_cut_off_joins_no_fetch_from_before_a_purge(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    gate = asyncio.Event()
    async with a_storm(server, tmp_path, session, Numbered(seconds=0, gate=gate)) as storm:
        at = f"{storm.tambos[0].url}/k/1"
        before = asyncio.ensure_future(fetch(session, at))
        await until(lambda: storm.origin.number == 1)
        await storm.cables[0].cut()
        status = await storm.purge(storm.tambos[1], {"url": "/k/1", "mode": "hard"})
        assert status in {200, 207}, "207: it gave up waiting when it could go on, as on a busy machine"
        after = asyncio.ensure_future(fetch(session, at))
        await until(lambda: storm.origin.number == 2)
        gate.set()
        assert [(await each)[2] for each in (before, after)] == [b"1", b"2"]


async def test_a_replica_that_is_gone_is_waited_for_as_long_as_its_lease(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with a_storm(server, tmp_path, session) as storm:
        for tambo in storm.tambos:
            await storm.witness.look(session, tambo, 1)
        form, dying = {"url": "/k/1", "mode": "hard"}, storm.tambos[2]

        async def is_outwaited() -> bool:
            """By the first purge after its death. 207: who purged gave up when it could go on, as on a busy machine."""
            dying.signal(signal.SIGKILL)
            await dying.ended()
            status = await storm.purge(storm.tambos[0], form)
            assert status in {200, 207}
            return status == 200

        for _ in range(3):
            if await is_outwaited():
                break
            await dying.start()
        else:
            raise AssertionError("it was not waited for as long as its lease")
        assert storm.took[0] < LEASE + LATE
        for _ in range(5):
            assert await storm.purge(storm.tambos[0], form) in {200, 207}
        assert min(storm.took[1:], default=math.inf) < 1, "still waited for"
        await storm.witness.look(session, storm.tambos[1], 1)
        assert storm.witness.wrong == []
