"""Three Tambos over one Redis while the upstream is gone, or sick: nobody notices, and it is asked as little as by one
Tambo. ``TAMBO_TEST_OUTAGE_SECONDS=60`` plays a whole minute, with the default hold-off.
"""

import asyncio
import json
import os
import re
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from tests.support.api import Api, serving
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch

OUTAGE = float(os.environ.get("TAMBO_TEST_OUTAGE_SECONDS", "8"))
pytestmark = [pytest.mark.integration, pytest.mark.timeout(240 + 8 * OUTAGE)]

HANGS = OUTAGE / 8
"""Seconds after which a hanging upstream is given up."""
SETTINGS = f"""
[upstream.timeout]
first_byte = "{int(HANGS * 1000)}ms"

[[routes]]
name = "paced"
match = {{ path = "/paced/{{name}}" }}
mode = "override"
ttl = "1s"
stale_while_revalidate = "2s"
stale_if_error = "1h"
hold_off = "{OUTAGE:g}s"
"""
VAIN = r'^tambo_upstream_requests_total{.*outcome="(?:unreachable|timeout|5xx)".*} (\S+)$'
KEYS = [f"/paced/{number}" for number in range(5)]
BEHIND = 1000
"""What the upstream counts from when it is well again."""
LATE = 10.0
"""Seconds that a busy machine may add to any wait."""


def number_in(body: bytes) -> int:
    """Which answer of the upstream's it is."""
    return int(json.loads(body).get("n", 0))


class Load:
    """Asks a fleet for every key again and again until it is stopped, and keeps all that was answered."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.statuses: set[int] = set()
        self.bodies: dict[str, list[bytes]] = {}
        self.longest = 0.0
        """Seconds that anyone waited."""
        self._tasks: list[asyncio.Future[None]] = []

    def on(self, tambo: Tambo) -> None:
        """From now on on this one too."""
        self._tasks += [asyncio.ensure_future(self._ask(tambo.url + key)) for key in KEYS]

    async def _ask(self, url: str) -> None:
        bodies, loop = self.bodies.setdefault(url, []), asyncio.get_running_loop()
        while True:
            began = loop.time()
            status, _, body = await fetch(self._session, url)
            self.longest = max(self.longest, loop.time() - began)
            self.statuses.add(status)
            bodies.append(body)
            await asyncio.sleep(0.1)  # the pace of the load

    def is_all_new(self) -> bool:
        return all(bodies and number_in(bodies[-1]) > BEHIND for bodies in self.bodies.values())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        gone = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in gone), gone

    def check(self, asked: float, lasted: float, tambos: list[Tambo]) -> None:
        """``asked``: how often the upstream was, in vain, in an outage that ``lasted`` so many seconds."""
        answers = sum(map(len, self.bodies.values()))
        print(
            f"{answers} answers while it was out for {lasted:.0f} s: statuses {self.statuses}, "
            f"the longest wait {self.longest:.1f} s, {asked / len(KEYS):.1f} probes a key; "
            f"went on without Redis {sum(len(tambo.said('Redis at')) for tambo in tambos) // 2} times"
        )
        assert self.statuses == {200}, "a failed request"
        assert answers > 300, "a load worth the name"
        a_handful = 10 * max(1.0, lasted / OUTAGE)  # a busy machine takes long to start the late one
        assert 1 <= asked / len(KEYS) <= a_handful, "more than a handful of probes per key"
        for bodies in self.bodies.values():
            numbers = [number_in(body) for body in bodies]
            assert numbers == sorted(numbers), "something old was served after the first good answer"


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
        samples = re.findall(VAIN, text, re.MULTILINE)
        found += sum(map(float, samples))
    return found


async def warmed(tambos: list[Tambo], session: aiohttp.ClientSession) -> float:
    """Let each have every key, which a busy machine may keep the upstream from giving in time; how often the fleet has
    asked in vain."""
    async with asyncio.timeout(60 + 4 * OUTAGE):
        for tambo in tambos:
            for key in KEYS:
                while (answer := await fetch(session, tambo.url + key))[0] != 200:
                    await asyncio.sleep(0.1)
                assert number_in(answer[2]) < BEHIND
    return await probes(tambos, session)


class Sick(Api):
    """While it is ``ill``, keys with an even number are answered with 503, the others not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.ill = False
        self.app.middlewares.append(self._fall_ill)

    @web.middleware
    async def _fall_ill(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.ill:
            return await handler(request)
        if int(request.path[-1]) % 2:
            await asyncio.Event().wait()
        return web.json_response({"error": "ill"}, status=503)


async def test_a_sick_upstream_is_seen_by_nobody_and_left_in_peace(
    redis: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Whether it says so or hangs. Nobody waits for it longer than for one answer that does not come."""
    api, load = Sick(), Load(session)
    async with AsyncExitStack() as stack:
        environ = {"UPSTREAM_URL": await stack.enter_async_context(serving(api)), "REDIS_URL": redis.url}
        tambos = [await started(stack, tmp_path / name, environ) for name in ("first", "second")]
        before = await warmed(tambos, session)
        api.ill, began = True, monotonic()
        for tambo in tambos:
            load.on(tambo)
        await asyncio.sleep(OUTAGE)
        asked, lasted = await probes(tambos, session) - before, monotonic() - began
        api.ill = False
        api.asked.update(dict.fromkeys(KEYS, BEHIND))
        async with asyncio.timeout(30 + 2 * OUTAGE):
            while not load.is_all_new():
                await asyncio.sleep(0.01)
        await load.stop()
    load.check(asked, lasted, tambos)
    assert load.longest < HANGS + LATE, "somebody waited for a second failure"


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
            in_vain = await warmed(tambos, session)
            for tambo in tambos:
                load.on(tambo)
        began = monotonic()
        await asyncio.sleep(OUTAGE / 2)  # nobody listens where the upstream was
        late = await started(stack, tmp_path / "late", environ)
        tambos.append(late)
        load.on(late)
        await asyncio.sleep(OUTAGE / 2)
        asked, asked_by_the_late_one = await probes(tambos, session) - in_vain, await probes([late], session)
        lasted = monotonic() - began
        after.asked.update(dict.fromkeys(KEYS, BEHIND))
        async with serving(after, port):
            async with asyncio.timeout(30 + 2 * OUTAGE):
                while not load.is_all_new():
                    await asyncio.sleep(0.01)
            await load.stop()
    load.check(asked, lasted, tambos)
    assert asked_by_the_late_one <= 3 * len(KEYS), "it began to count anew"
