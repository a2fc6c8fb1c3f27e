"""Two workers under their supervisor over one Redis, as a user starts them: replicas like any other."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.fleet import PATIENT, SlowApi, all_asking, until
from tests.support.redis_many import ask
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CLIENTS = 50


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as it:
        yield it


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Every request has a connection of its own: any worker may take it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as it:
        yield it


def _who_asked(tambo: Tambo) -> set[int]:
    return {line["worker"] for line in tambo.said("request")}


async def test_two_workers_fetch_a_key_once_hit_and_forget_together(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(1.0)
    environ = {"REDIS_URL": server.url, "WEB_CONCURRENCY": "2", **PATIENT}
    async with api.serving() as upstream, running(tmp_path, upstream, **environ) as tambo:

        async def replicas() -> int:
            names = ask(server, "KEYS", "tambo:*:replicas:*")
            assert isinstance(names, list)
            found = ask(server, "ZCARD", names[0]) if names else 0
            assert isinstance(found, int)
            return found

        async with asyncio.timeout(30):
            while await replicas() != 2:
                await asyncio.sleep(0.05)

        old = [await each for each in all_asking(session, [f"{tambo.url}/cold"] * CLIENTS)]
        assert {(one.status, one.body) for one in old} == {(200, old[0].body)}
        assert api.asked == {"/cold": 1}, "one fetch for both"
        again = [await each for each in all_asking(session, [f"{tambo.url}/cold"] * CLIENTS)]
        assert {(one.word, one.body) for one in again} == {("HIT", old[0].body)}
        await until(lambda: _who_asked(tambo) == {1, 2})

        for round_, aim in enumerate(("url=/cold", "prefix=/", "all=true"), start=2):
            status, _, body = await fetch(session, f"{tambo.admin}/admin/purge?{aim}&mode=hard", "POST")
            assert status == 200, body
            new = [await each for each in all_asking(session, [f"{tambo.url}/cold"] * CLIENTS)]
            assert len({one.body for one in new}) == 1
            assert new[0].body != old[0].body, "neither has kept it"
            assert api.asked == {"/cold": round_}
            old = new
