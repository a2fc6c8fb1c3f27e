"""Three Tambos over one Redis, purged under load: what one was told to forget, no other answers with any more."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis.asyncio

from tests.support.cable import Cable
from tests.support.fleet import until
from tests.support.numbered import GROUPS, Numbered, Witness
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

REPLICAS, KEYS, PURGES, CLIENTS = 3, 12, 1000, 4
LEASE = 2.0
PACE = 0.01
"""Seconds between two requests of one client: a load, not a stress."""
DRAW = random.Random(1)  # noqa: S311 - a load, not a secret


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
async def three(server: RedisServer, folder: Path, upstream: str) -> AsyncIterator[tuple[list[Tambo], list[Cable]]]:
    """Each Tambo has its own line to Redis."""
    async with AsyncExitStack() as stack:
        cables = [await stack.enter_async_context(Cable(server.port).laid()) for _ in range(REPLICAS)]
        tambos = []
        for number, cable in enumerate(cables):
            place = folder / f"replica-{number}"
            place.mkdir()
            url = f"redis://127.0.0.1:{cable.port}"
            environ = {"REDIS_URL": url, "TAMBO_STORE__WHEN_REDIS_IS_DOWN": "upstream"}
            tambos.append(await stack.enter_async_context(running(place, upstream, **environ)))
        yield tambos, cables


async def purge(
    session: aiohttp.ClientSession, tambo: Tambo, origin: Numbered, witness: Witness, form: dict[str, Any]
) -> tuple[int, float]:
    """Purge, and let the witness know when it has returned; status and seconds."""
    number, began = origin.number, time.monotonic()
    status, _, _ = await fetch(session, f"{tambo.admin}/admin/purge", "POST", json=form)
    seconds = time.monotonic() - began
    if status == 200:
        witness.purged(_met_by(form), number, is_hard=form["mode"] == "hard")
    return status, seconds


def _met_by(form: dict[str, Any]) -> list[int]:
    if "url" in form:
        return [int(form["url"].rpartition("/")[2])]
    if "tag" in form:
        return [key for key in range(KEYS) if key % GROUPS == int(form["tag"][1:])]
    if "prefix" in form:
        return [key for key in range(KEYS) if f"/k/{key}".startswith(form["prefix"])]
    return list(range(KEYS))


def any_purge(draw: random.Random) -> dict[str, Any]:
    """Of any kind, the narrow ones more often."""
    key = draw.randrange(KEYS)
    aim: dict[str, Any] = draw.choice(
        [{"url": f"/k/{key}"}] * 6 + [{"tag": f"g{key % GROUPS}"}, {"prefix": f"/k/{key}"}, {"all": True}]
    )
    return aim | {"mode": draw.choice(["hard", "soft"])}


async def _stroll(session: aiohttp.ClientSession, tambo: Tambo, witness: Witness, over: asyncio.Event) -> None:
    while not over.is_set():
        await witness.look(session, tambo, DRAW.randrange(KEYS))
        await asyncio.sleep(PACE)


async def test_a_thousand_purges_under_load(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    origin, witness, draw, over = Numbered(), Witness(), DRAW, asyncio.Event()
    async with origin.serving() as upstream, three(server, tmp_path, upstream) as (tambos, _):
        strolls = [
            asyncio.ensure_future(_stroll(session, tambo, witness, over)) for tambo in tambos for _ in range(CLIENTS)
        ]
        took = []
        for _ in range(PURGES):
            status, seconds = await purge(session, draw.choice(tambos), origin, witness, any_purge(draw))
            assert status == 200
            took.append(seconds)
            await asyncio.sleep(0.005)
        over.set()
        await asyncio.gather(*strolls)
    assert witness.wrong == []
    assert witness.failures == 0
    assert witness.hits > PURGES, "the purges met something"
    took.sort()
    print(f"{witness.answers} answers, {witness.hits} hits; purges p50 {took[PURGES // 2] * 1e3:.1f} ms,", end=" ")
    print(f"p99 {took[PURGES * 99 // 100] * 1e3:.1f} ms")


async def _disturb(tambos: list[Tambo], cables: list[Cable], draw: random.Random, over: asyncio.Event) -> None:
    """Stop a Tambo for a while, or its line to Redis; one after the other."""
    while not over.is_set():
        which, seconds = draw.randrange(REPLICAS), draw.choice([0.1, 0.5, LEASE + 0.5])
        match draw.choice(["pause", "cut", "deaden"]):
            case "pause":
                tambos[which].signal(signal.SIGSTOP)
                try:
                    await asyncio.sleep(seconds)
                finally:
                    tambos[which].signal(signal.SIGCONT)
            case "cut":
                cables[which].cut()
                await asyncio.sleep(seconds)
                cables[which].mend()
            case _:
                cables[which].deaden()
                await asyncio.sleep(seconds)
                cables[which].mend()
        await asyncio.sleep(0.3)


async def test_purges_while_replicas_stand_still_and_lose_redis(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Each purge is asked of a Tambo that may itself be the disturbed one: it then claims nothing."""
    origin, witness, draw, over = Numbered(), Witness(), DRAW, asyncio.Event()
    async with origin.serving() as upstream, three(server, tmp_path, upstream) as (tambos, cables):
        tasks = [
            asyncio.ensure_future(_stroll(session, tambo, witness, over)) for tambo in tambos for _ in range(CLIENTS)
        ]
        tasks.append(asyncio.ensure_future(_disturb(tambos, cables, draw, over)))
        done = 0
        ends = time.monotonic() + 18
        while time.monotonic() < ends:
            status, _ = await purge(session, draw.choice(tambos), origin, witness, any_purge(draw))
            assert status in {200, 503}
            done += status == 200
            await asyncio.sleep(0.01)
        over.set()
        await asyncio.gather(*tasks)
    assert witness.wrong == []
    assert done > 50
    assert witness.hits > 100


async def test_who_changes_keys_by_hand_is_noticed(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    origin = Numbered(seconds=0)
    async with origin.serving() as upstream, three(server, tmp_path, upstream) as (tambos, _):
        person = redis.asyncio.Redis(port=server.port)

        async def seen() -> set[tuple[str, bytes]]:
            answers = [await fetch(session, f"{tambo.url}/k/1") for tambo in tambos]
            return {(fields["X-Cache"], body) for _, fields, body in answers}

        async def all_hit(number: bytes) -> bool:
            return await seen() == {("HIT", number)}

        await _soon(lambda: all_hit(b"1"))
        (name,) = [name async for name in person.scan_iter("tambo:*:1:/k/1")]
        await person.delete(name)
        await _soon(lambda: all_hit(b"2"))
        await person.flushall()
        await _soon(lambda: all_hit(b"3"))
        await person.expire(name, 0)
        await _soon(lambda: all_hit(b"4"))
        await person.aclose()


async def _soon(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_a_replica_that_is_cut_off_joins_no_fetch_from_before_a_purge(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    origin, witness = Numbered(seconds=0, gate=asyncio.Event()), Witness()
    async with origin.serving() as upstream, three(server, tmp_path, upstream) as (tambos, cables):
        before = asyncio.ensure_future(fetch(session, f"{tambos[0].url}/k/1"))
        await until(lambda: origin.number == 1)
        cables[0].cut()
        status, _ = await purge(session, tambos[1], origin, witness, {"url": "/k/1", "mode": "hard"})
        assert status == 200
        after = asyncio.ensure_future(fetch(session, f"{tambos[0].url}/k/1"))
        await until(lambda: origin.number == 2)
        assert origin.gate is not None
        origin.gate.set()
        assert [(await each)[2] for each in (before, after)] == [b"1", b"2"]


async def test_a_replica_that_is_gone_is_waited_for_as_long_as_its_lease(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    origin, witness = Numbered(), Witness()
    async with origin.serving() as upstream, three(server, tmp_path, upstream) as (tambos, _):
        for tambo in tambos:
            await witness.look(session, tambo, 1)
        tambos[2].signal(signal.SIGKILL)
        await tambos[2].ended()
        status, seconds = await purge(session, tambos[0], origin, witness, {"url": "/k/1", "mode": "hard"})
        assert (status, seconds < LEASE + 1) == (200, True)
        status, seconds = await purge(session, tambos[0], origin, witness, {"url": "/k/1", "mode": "hard"})
        assert (status, seconds < 1) == (200, True)
        await witness.look(session, tambos[1], 1)
        assert witness.wrong == []
