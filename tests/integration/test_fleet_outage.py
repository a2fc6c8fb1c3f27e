"""Three Tambos over one Redis while the upstream is gone: nobody notices, and it is asked as little as by one Tambo."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

OUTAGE = 8.0
"""Seconds. The longest pause is shorter, so that its end is seen as well."""
SETTINGS = """
[[routes]]
name = "paced"
match = { path = "/paced/{name}" }
mode = "override"
ttl = "1s"
stale_while_revalidate = "2s"
stale_if_error = "1h"
hold_off = "6s"
"""
KEYS = [f"/paced/{number}" for number in range(5)]
OLD = b'{"n": 1}'


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


class Load:
    """Asks a fleet for every key again and again until it is stopped, and keeps all that was answered."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.statuses: set[int] = set()
        self.bodies: dict[str, list[bytes]] = {}
        self._tasks: list[asyncio.Future[None]] = []

    def on(self, tambo: Tambo) -> None:
        """From now on on this one too."""
        self._tasks += [asyncio.ensure_future(self._ask(tambo.url + key)) for key in KEYS]

    async def _ask(self, url: str) -> None:
        bodies = self.bodies.setdefault(url, [])
        while True:
            status, _, body = await fetch(self._session, url)
            self.statuses.add(status)
            bodies.append(body)
            await asyncio.sleep(0.1)  # the pace of the load

    def is_all_new(self) -> bool:
        return all(bodies and bodies[-1] != OLD for bodies in self.bodies.values())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        gone = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in gone), gone


def a_folder(path: Path) -> Path:
    """With the settings in it."""
    path.mkdir()
    (path / "tambo.toml").write_text(SETTINGS)
    return path


async def started(stack: AsyncExitStack, folder: Path, environ: dict[str, str]) -> Tambo:
    """One that is up until the stack ends."""
    tambo = Tambo(environ, a_folder(folder))
    stack.push_async_callback(tambo.stop)
    await tambo.start()
    return tambo


async def probes(tambos: list[Tambo], session: aiohttp.ClientSession) -> float:
    """How often the whole fleet has asked in vain."""
    found = 0.0
    for tambo in tambos:
        text = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
        samples = re.findall(r'^tambo_upstream_requests_total{.*outcome="unreachable".*} (\S+)$', text, re.MULTILINE)
        found += sum(map(float, samples))
    return found


async def test_an_outage_is_seen_by_nobody_and_costs_the_fleet_a_handful_of_probes(
    redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    before, after = Api(), Api()
    load = Load(session)
    async with AsyncExitStack() as stack:
        async with serving(before) as upstream:
            port = int(upstream.rpartition(":")[2])
            environ = {"UPSTREAM_URL": upstream, "REDIS_URL": redis.url}
            tambos = [await started(stack, tmp_path / name, environ) for name in ("first", "second")]
            for tambo in tambos:
                for key in KEYS:
                    assert (await fetch(session, tambo.url + key))[2] == OLD
                load.on(tambo)
        await asyncio.sleep(OUTAGE / 2)  # nobody listens where the upstream was
        late = await started(stack, tmp_path / "late", environ)
        tambos.append(late)
        load.on(late)
        await asyncio.sleep(OUTAGE / 2)
        asked, asked_by_the_late_one = await probes(tambos, session), await probes([late], session)
        after.asked.update(dict.fromkeys(KEYS, 100))
        async with serving(after, port):
            async with asyncio.timeout(30):
                while not load.is_all_new():
                    await asyncio.sleep(0.01)
            await load.stop()
    assert load.statuses == {200}, "a failed request"
    assert sum(map(len, load.bodies.values())) > 300, "a load worth the name"
    assert len(KEYS) <= asked <= 10 * len(KEYS), "more than a handful of probes per key"
    assert asked_by_the_late_one <= 3 * len(KEYS), "it began to count anew"
    for bodies in load.bodies.values():
        assert bodies == sorted(bodies, key=len), "something old was served after the first good answer"
