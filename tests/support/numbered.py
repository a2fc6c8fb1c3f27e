"""An origin whose answers are numbered in the order of its requests, and clients that know which number is too old."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.support.tambo import Tambo, fetch

GROUPS = 3
SAID_TO_BE_STALE = {"STALE", "UPDATING"}


@dataclass
class Numbered:
    """Each answer's body is the number of its request; ``/k/<n>`` belongs to the cache group ``n % GROUPS``."""

    seconds: float = 0.02
    number: int = 0
    gate: asyncio.Event | None = None
    """Answers wait for it."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.number += 1
        body = str(self.number)
        await asyncio.sleep(self.seconds * random.random())  # noqa: S311 - a load, not a secret
        if self.gate is not None:
            await self.gate.wait()
        group = int(request.path.rpartition("/")[2]) % GROUPS
        headers = {
            "Cache-Control": "max-age=600, stale-while-revalidate=600",
            "Cache-Groups": f'"g{group}"',
        }
        return web.Response(text=body, headers=headers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its URL while it is up."""
        app = web.Application()
        app.router.add_get("/{rest:.*}", self.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@dataclass
class Witness:
    """What must not be seen any more, by key; and whatever was seen all the same."""

    gone: dict[int, int] = field(default_factory=dict)
    """No request that begins now gets this number or a lower one."""
    ended: dict[int, int] = field(default_factory=dict)
    """None gets this or a lower one called fresh."""
    wrong: list[str] = field(default_factory=list)
    answers: int = 0
    hits: int = 0
    failures: int = 0

    async def look(self, session: aiohttp.ClientSession, tambo: Tambo, key: int) -> None:
        """Ask one Tambo for one key and compare."""
        gone, ended = self.gone.get(key, 0), self.ended.get(key, 0)
        try:
            status, fields, body = await fetch(session, f"{tambo.url}/k/{key}")
        except aiohttp.ClientError as error:
            self.wrong.append(f"/k/{key}: {error!r}")
            return
        if status != 200:
            self.failures += 1
            return
        self.answers += 1
        word, number = fields["X-Cache"], int(body)
        self.hits += word == "HIT"
        if number <= gone or (number <= ended and word not in SAID_TO_BE_STALE):
            self.wrong.append(f"/k/{key} at {tambo.url}: {word} {number}, gone {gone}, ended {ended}")

    def purged(self, keys: "list[int]", number: int, *, is_hard: bool) -> None:
        """A purge that met these keys has returned; ``number``: the origin's last one before it was asked for."""
        which = self.gone if is_hard else self.ended
        for key in keys:
            which[key] = max(which.get(key, 0), number)
