"""Two Tambos before an upstream that takes a minute an answer and bears four requests at a time. One setting says so:
``concurrency.max``; the rest holds as it comes.

All times are shorter by one factor: what the upstream takes, and those of Tambo's timeouts that it could reach, each
of them a plain quotient of its default; but ``first_byte``, which would leave a busy machine a second only, and the
patience with Redis are longer. ``TAMBO_TEST_SCALE=1`` plays it at full length, with every default of the upstream's.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from proxy.config.model import Config
from tests.support.fleet import PATIENT, SlowApi, replicas
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch

SCALE = float(os.environ.get("TAMBO_TEST_SCALE", "30"))
pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 + 2400 / SCALE)]

TIMEOUT = Config().upstream.timeout
FETCH = 60.0 / SCALE
TURN = Config().upstream.queue_timeout / SCALE
"""How long anyone waits for a place, by default."""
LATE = 10.0
"""Seconds that a busy machine may add to any wait."""
KEYS = 40
MOST = 4
SHORTER = {
    f"TAMBO_UPSTREAM__TIMEOUT__{name.upper()}": f"{int(getattr(TIMEOUT, name) * 1000 / SCALE)}ms"
    for name in ("total", "idle")
}
ONE_SETTING = {"TAMBO_UPSTREAM__CONCURRENCY__MAX": str(MOST)}


@pytest.fixture
async def api() -> SlowApi:
    return SlowApi(FETCH)


@pytest.fixture
async def fleet(api: SlowApi, redis: RedisServer, tmp_path: Path) -> AsyncIterator[list[Tambo]]:
    environ = {"REDIS_URL": redis.url, **PATIENT, **ONE_SETTING, **({} if SCALE == 1 else SHORTER)}
    async with api.serving() as upstream, replicas(2, tmp_path, upstream, **environ) as tambos:
        yield tambos


class Client:
    """Asks for one key at any of the replicas, and again whenever it is told to come again."""

    def __init__(self, session: aiohttp.ClientSession, urls: list[str]) -> None:
        self._session = session
        self._urls = urls
        self.waits: list[float] = []
        self.statuses: list[int] = []
        self.body = b""

    async def persist(self) -> None:
        """Until the answer is there; obeys Retry-After."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            status, fields, self.body = await fetch(self._session, self._urls[len(self.waits) % len(self._urls)])
            self.waits.append(loop.time() - began)
            self.statuses.append(status)
            if status != 503:
                return
            assert int(fields["Retry-After"]) >= 1
            assert int(fields["X-Queue-Position"]) >= 1
            await asyncio.sleep(int(fields["Retry-After"]))


async def test_one_setting_is_all_it_takes(fleet: list[Tambo], api: SlowApi, session: aiohttp.ClientSession) -> None:
    """Forty cold keys at once: each is fetched once, four at a time, and everybody is answered within its time."""
    loop = asyncio.get_running_loop()
    clients = [
        Client(session, [f"{fleet[(number + turn) % 2].url}/cold/{number}" for turn in (0, 1)])
        for number in range(KEYS)
    ]
    began = loop.time()
    await asyncio.gather(*(client.persist() for client in clients))
    took = loop.time() - began
    assert api.most == MOST
    assert api.asked == {f"/cold/{number}": 1 for number in range(KEYS)}
    assert Counter(client.statuses[-1] for client in clients) == {200: KEYS}
    assert {status for client in clients for status in client.statuses} <= {200, 503}
    for number, client in enumerate(clients):
        assert f'"/cold/{number}"'.encode() in client.body
        assert all(wait < TURN + FETCH + LATE for wait in client.waits), client.waits
    assert sum(client.statuses == [200] for client in clients) >= 2 * MOST, "whose turn was next was refused"
    assert took < 2.5 * KEYS / MOST * FETCH + LATE, "the upstream stood idle while clients were told to wait"


async def test_many_clients_of_one_key_wait_once(
    fleet: list[Tambo], api: SlowApi, session: aiohttp.ClientSession
) -> None:
    clients = [Client(session, [f"{fleet[number % 2].url}/one"]) for number in range(100)]
    await asyncio.gather(*(client.persist() for client in clients))
    assert api.asked == {"/one": 1}
    assert {tuple(client.statuses) for client in clients} == {(200,)}
    assert max(wait for client in clients for wait in client.waits) < FETCH + LATE
