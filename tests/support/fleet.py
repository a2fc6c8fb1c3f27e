"""Several Tambos over one Redis, in processes of their own, and many clients at once that count what they get."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, all_running, fetch
from tests.support.workers import workers

SOON = 2
"""Seconds."""
PATIENT = {"TAMBO_STORE__REDIS_TIMEOUT": "2s", "TAMBO_STORE__REDIS_COMMAND_TIMEOUT": "5s"}
"""A busy machine's Redis: who gives up on it asks the upstream alone, as is promised; no fleet is about that."""


@dataclass
class SlowApi:
    """An upstream that takes its time: counts what it is asked, and how much of it at once. ``/private/`` answers what
    nobody may share, ``/down/`` resets, ``/error/`` says 500; everything else may be stored, ``/soon/`` for SOON."""

    seconds: float
    """Of what is asked from now on, at most: ``released`` ends them all."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    asked: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    inflight: int = 0
    most: int = 0

    def forget(self, seconds: float) -> None:
        """Begin anew, for another test."""
        self.seconds, self.released = seconds, asyncio.Event()
        self.asked.clear()
        self.order.clear()
        self.most = 0

    def answer_all(self, seconds: float) -> None:
        """Answer whatever waits; what is asked from now on takes so long."""
        released, self.seconds, self.released = self.released, seconds, asyncio.Event()
        released.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked[request.path] += 1
        self.order.append(request.path)
        number = self.asked[request.path]
        self.inflight += 1
        self.most = max(self.most, self.inflight)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.released.wait(), self.seconds)
        finally:
            self.inflight -= 1
        if request.path.startswith("/down/"):
            assert request.transport is not None
            request.transport.abort()
        status = 500 if request.path.startswith("/error/") else 200
        control = {"private": "private", "soon": f"max-age={SOON}"}.get(request.path.split("/")[1])
        headers = {} if control is None else {"Cache-Control": control}
        return web.json_response({"path": request.path, "n": number}, status=status, headers=headers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its URL while it is up."""
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@asynccontextmanager
async def replicas(count: int, folder: Path, upstream: str, **environ: str) -> AsyncIterator[list[Tambo]]:
    """So many Tambos, each with a folder of its own."""
    tambos = []
    for number in range(count):
        place = folder / f"replica-{number}"
        place.mkdir()
        tambos.append(Tambo({"UPSTREAM_URL": upstream, **environ}, place))
    async with all_running(tambos):
        yield tambos


@dataclass
class Fleet:
    """Several Tambos that share what they keep, and one upstream of them all."""

    tambos: list[Tambo]
    api: SlowApi
    session: aiohttp.ClientSession
    redis: RedisServer | None

    async def made_whole(self, seconds: float) -> None:
        """Start again whatever a test has ended, and have the upstream begin anew."""
        await until(lambda: not self.api.inflight)
        self.api.forget(seconds)
        for tambo in self.tambos:
            if tambo.process.returncode is not None:
                await tambo.start()
        for tambo in self.tambos:
            await self.meets_its_store(tambo)

    async def meets_its_store(self, tambo: Tambo, seconds: float = 30.0) -> None:
        """Wait until it says so."""
        async with asyncio.timeout(seconds):
            while b"disconnected" in (await fetch(self.session, f"{tambo.admin}/health"))[2]:
                await asyncio.sleep(0.05)

    def all_asking(self, path: str, each: int) -> "list[asyncio.Task[Got]]":
        """So many clients at each Tambo at once."""
        return all_asking(self.session, [f"{tambo.url}{path}" for tambo in self.tambos for _ in range(each)])

    async def metric(self, name: str, label: str | None = None, tambo: Tambo | None = None) -> float:
        """The sum of the samples whose line begins so and carries this label's value, of one or of all."""
        total = 0.0
        for each in self.tambos if tambo is None else [tambo]:
            lines = (await fetch(self.session, f"{each.admin}/metrics"))[2].decode().splitlines()
            found = [line for line in lines if line.startswith(name) and (label is None or f'"{label}"' in line)]
            total += sum(float(line.split()[-1]) for line in found)
        return total


@asynccontextmanager
async def a_fleet(kind: str, count: int, folder: Path, **environ: str) -> AsyncIterator[Fleet]:
    """``replicas`` over a Redis of their own, or ``workers`` over one embedded store."""
    api = SlowApi(0.0)
    async with AsyncExitStack() as stack:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        await stack.enter_async_context(session)
        upstream, redis = await stack.enter_async_context(api.serving()), None
        if kind == "replicas":
            place = folder / "redis"
            place.mkdir()
            redis = stack.enter_context(RedisServer(place))
            starting = replicas(count, folder, upstream, REDIS_URL=redis.url, **PATIENT, **environ)
        else:
            starting = workers(count, folder, upstream, **environ)
        yield Fleet(await stack.enter_async_context(starting), api, session, redis)


@dataclass
class Got:
    """One client's answer; ``status`` 0: its connection broke."""

    status: int
    word: str
    body: bytes
    seconds: float
    retry_after: str | None = None


async def ask(session: aiohttp.ClientSession, url: str) -> Got:
    """Ask, whatever comes."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        status, fields, body = await fetch(session, url)
    except (aiohttp.ClientError, ConnectionError):
        return Got(0, "", b"", loop.time() - began)
    return Got(status, fields.get("X-Cache", ""), body, loop.time() - began, fields.get("Retry-After"))


def all_asking(session: aiohttp.ClientSession, urls: Iterable[str]) -> "list[asyncio.Task[Got]]":
    """Begin to ask for each at once."""
    return [asyncio.ensure_future(ask(session, url)) for url in urls]


async def until(condition: "object", seconds: float = 60.0) -> None:
    """Wait until ``condition()`` holds."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
