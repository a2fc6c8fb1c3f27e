"""Several Tambos over one Redis, in processes of their own, and many clients at once that count what they get."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.support.tambo import Tambo, fetch, running


@dataclass
class SlowApi:
    """An upstream that takes its time: counts what it is asked, and how much of it at once. ``/private/`` answers what
    nobody may share, ``/down/`` resets, ``/error/`` says 500; everything else may be stored."""

    seconds: float
    asked: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    inflight: int = 0
    most: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked[request.path] += 1
        self.order.append(request.path)
        number = self.asked[request.path]
        self.inflight += 1
        self.most = max(self.most, self.inflight)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.inflight -= 1
        if request.path.startswith("/down/"):
            assert request.transport is not None
            request.transport.abort()
        status = 500 if request.path.startswith("/error/") else 200
        headers = {"Cache-Control": "private"} if request.path.startswith("/private/") else {}
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
    async with AsyncExitStack() as stack:
        folders = [folder / f"replica-{number}" for number in range(count)]
        for each in folders:
            each.mkdir()
        starting = [stack.enter_async_context(running(each, upstream, **environ)) for each in folders]
        yield [await each for each in starting]


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


async def until(condition: "object", seconds: float = 20.0) -> None:
    """Wait until ``condition()`` holds."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
