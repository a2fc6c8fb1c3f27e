"""A Redis that hangs costs five requests their look-up's time, however many ask at once; after that, nobody. What
it was sent is not lost."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from proxy.exchange.purge_desk import NOT_KNOWN
from tests.support.api import Api, serving
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

FAILURES = 5
WITHIN = 1.0
"""What opens the breaker, in seconds."""
OUTAGES = 3
"""The pool is another one each time."""
AFTERWARDS = 2.5
"""Seconds, in which the probe asks twice."""
BUSY = 60.0
"""Seconds after which a machine is not busy but something is wrong."""
OPERATIONS = re.compile(r'^tambo_store_operations_total\{op="(\w+)",outcome="(\w+)",tier="redis"\} (\S+)$', re.M)


class Misses:
    """Requests for what nobody has asked for before, so that each looks it up in Redis, and what became of that."""

    def __init__(self, tambo: Tambo, session: aiohttp.ClientSession, path: str) -> None:
        self._tambo = tambo
        self._session = session
        self._paths = (f"{path}/{number}" for number in count())

    async def ask(self, clients: int) -> None:
        """So many at once."""
        urls = [self._tambo.url + next(self._paths) for _ in range(clients)]
        await asyncio.gather(*(fetch(self._session, url) for url in urls))

    async def outcomes(self) -> Counter[tuple[str, str]]:
        """How often each operation on Redis ended in which way."""
        return Counter({(op, outcome): int(float(n)) for op, outcome, n in OPERATIONS.findall(await self._metrics())})

    async def at_rest(self) -> Counter[tuple[str, str]]:
        """The same, once what is done behind the last answers is over."""
        while True:
            seen = await self.outcomes()
            await asyncio.sleep(0.2)
            if all(seen[each] == n for each, n in (await self.outcomes()).items() if each[0] in {"lease", "put"}):
                return seen

    async def is_up(self) -> None:
        """Wait until Redis is asked, and answers."""
        deadline = time.monotonic() + BUSY
        answered = (await self.outcomes())["get", "miss"]
        while (await self.outcomes())["get", "miss"] < answered + 20:
            assert time.monotonic() < deadline, "did not come back"
            await self.ask(1)

    async def _metrics(self) -> str:
        return (await fetch(self._session, f"{self._tambo.admin}/metrics"))[2].decode()


@pytest.fixture
async def tambo(redis: RedisServer, tmp_path: Path) -> AsyncIterator[Tambo]:
    async with serving(Api()) as upstream, running(tmp_path, upstream, REDIS_URL=redis.url) as it:
        yield it


@pytest.mark.parametrize("path", ["/json", "/nothing"], ids=["stored", "not stored"])
@pytest.mark.parametrize("clients", [1, 5])
async def test_a_redis_that_hangs_costs_five_look_ups_and_then_none(
    clients: int, path: str, tambo: Tambo, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    misses = Misses(tambo, session, path)
    for _ in range(OUTAGES):
        await misses.is_up()
        await misses.ask(clients)
        before = await misses.at_rest()
        redis.pause()
        try:
            paid = await rounds_that_pay(misses, clients, before["get", "timeout"])
            while_out = await misses.outcomes()
            await nobody_pays(misses, clients)
            after = await misses.outcomes()
        finally:
            redis.go_on()
        assert has_opened_in_time(paid), paid
        assert after["get", "timeout"] == while_out["get", "timeout"], "look-ups of clients that waited for Redis"
        assert after["lease", "timeout"] == before["lease", "timeout"], "clients that waited for a second"
        answered = [(op, outcome) for op, outcome in after if outcome in {"hit", "miss"}]
        assert all(after[each] == before[each] for each in answered), "Redis answered nothing"


async def test_a_purge_that_a_hanging_redis_was_sent_is_not_denied(
    tambo: Tambo, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    misses = Misses(tambo, session, "/json")
    await misses.is_up()
    logged = purges_in(redis)
    redis.pause()
    try:
        status, _, body = await fetch(session, f"{tambo.admin}/admin/purge", "POST", json={"all": True})
    finally:
        redis.go_on()
    assert (status, json.loads(body)["detail"]) == (503, NOT_KNOWN)
    deadline = time.monotonic() + BUSY
    while purges_in(redis) == logged:
        assert time.monotonic() < deadline, "it never was carried out"
        await asyncio.sleep(0.01)
    await misses.is_up()
    assert (await fetch(session, f"{tambo.admin}/admin/purge", "POST", json={"all": True}))[0] == 200


def purges_in(redis: RedisServer) -> bytes:
    """The length of the purge log, as Redis says it."""
    log = re.search(rb"tambo:\S+:purges:1", redis.command("KEYS", "tambo:*:purges:1"))
    assert log is not None
    return redis.command("XLEN", log[0])


async def rounds_that_pay(misses: Misses, clients: int, timeouts: int) -> list[tuple[float, float, int]]:
    """Ask in rounds until a round costs nothing: when each began and ended, and how many waited in it in vain."""
    rounds: list[tuple[float, float, int]] = []
    deadline = time.monotonic() + BUSY
    while True:
        began = time.monotonic()
        await misses.ask(clients)
        ended = time.monotonic()
        assert ended < deadline, "Redis is still being asked"
        seen = await misses.outcomes()
        paid, timeouts = seen["get", "timeout"] - timeouts, seen["get", "timeout"]
        if not paid:
            return rounds
        rounds.append((began, ended, paid))


async def nobody_pays(misses: Misses, clients: int) -> None:
    """Go on asking for a while."""
    until = time.monotonic() + AFTERWARDS
    while time.monotonic() < until:
        await misses.ask(clients)


def has_opened_in_time(rounds: list[tuple[float, float, int]]) -> bool:
    """Whether no round came after five look-ups in a second that got no answer. A machine may be too busy for that."""
    for first, (began, _, _) in enumerate(rounds):
        failed = 0
        for _, ended, paid in rounds[first:-1]:
            failed += paid
            if failed >= FAILURES and ended - began < WITHIN:
                return False
    return True
