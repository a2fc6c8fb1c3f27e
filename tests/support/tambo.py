"""A real Tambo in a process of its own, on free ports. Ends what it starts."""

import asyncio
import json
import os
import re
import signal
import sys
import weakref
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

LISTENS = re.compile(r"listens on (?P<host>\S+):(?P<port>\d+), admin on \S+:(?P<admin>\d+)")


STARTED: "weakref.WeakSet[Tambo]" = weakref.WeakSet()
"""Those of which a failing test shows what they had to say."""


class Tambo:
    """One ``tambo run``: its addresses and its log. A bug that it notes fails the test that started it."""

    command: tuple[str, ...] = ("-m", "proxy", "run")

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOST": "127.0.0.1",
            "PORT": "0",
            "ADMIN_PORT": "0",
            "LOG_FORMAT": "json",
            "DATA_DIR": str(folder / "data"),
            **environ,
        }
        self.folder = folder
        self.log: deque[dict[str, Any]] = deque(maxlen=5000)
        self.raw: deque[str] = deque(maxlen=200)
        self.complaints: deque[str] = deque(maxlen=50)
        """Its log without what is only information."""
        STARTED.add(self)

    def __str__(self) -> str:
        return f"tambo in {self.folder.name}"

    async def start(self) -> None:
        """Start, and wait until it listens (60 s at most: machines are busy)."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self.command,
            env={"PYTHONPATH": str(Path(__file__).parents[2])} | self._environ,
            cwd=self.folder,
            stderr=asyncio.subprocess.PIPE,
        )
        listens: asyncio.Future[re.Match[str]] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.ensure_future(self._read_log(listens))
        async with asyncio.timeout(60):
            found = await listens
        self.url = f"http://127.0.0.1:{found['port']}"
        self.admin = f"http://127.0.0.1:{found['admin']}"

    async def _read_log(self, listens: "asyncio.Future[re.Match[str]]") -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode()
            self.raw.append(text)
            if '"level": "info"' not in text:
                self.complaints.append(text)
            if text.startswith("{"):
                self.log.append(json.loads(text))
            found = LISTENS.search(text)
            if found is not None and not listens.done():
                listens.set_result(found)
        if not listens.done():
            listens.set_exception(RuntimeError("tambo ended: " + "".join(self.raw)))

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, seconds: float = 20) -> int:
        """Wait for its end: the exit code."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await self._reader
        return code

    async def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.process.returncode is None:
            self.signal()
            try:
                await self.ended(10)
            except TimeoutError:
                self.process.kill()
        await self.process.wait()
        await self._reader
        assert self.said("internal error") == [], "a bug in Tambo"

    async def restart(self) -> None:
        """End it and start it anew on the same data."""
        await self.stop()
        await self.start()

    def said(self, message: str) -> list[dict[str, Any]]:
        """The log lines whose message begins so."""
        return [line for line in self.log if str(line["message"]).startswith(message)]


@asynccontextmanager
async def running(folder: Path, upstream: str, **environ: str) -> AsyncIterator[Tambo]:
    """A Tambo that is up, and ended afterwards."""
    tambo = Tambo({"UPSTREAM_URL": upstream, **environ}, folder)
    async with all_running([tambo]):
        yield tambo


@asynccontextmanager
async def all_running(tambos: Sequence[Tambo]) -> AsyncIterator[None]:
    """Start them at the same time, and end each afterwards."""
    async with AsyncExitStack() as stack:
        for tambo in tambos:
            stack.push_async_callback(tambo.stop)
        await asyncio.gather(*(tambo.start() for tambo in tambos))
        yield


async def fetch(
    session: aiohttp.ClientSession, url: str, method: str = "GET", **options: Any
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, fields and body."""
    async with session.request(method, url, **options) as answer:
        return answer.status, answer.headers, await answer.read()
