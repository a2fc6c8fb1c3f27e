"""A Tambo in this process in front of an origin of raw sockets: bytes in, bytes at the upstream, bytes out."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.app.application import App
from proxy.config.load import load
from tests.support.raw_origin import Peer, RawOrigin, Script

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Wire:
    """The way to Tambo, and everything that reached the origin behind it."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.address = ("", 0)
        self.admin = ("", 0)
        self.stop: Callable[[], Awaitable[None]]
        """End Tambo as SIGTERM does."""

    async def ask(self, request: bytes, *, end: bool = True) -> bytes:
        """Send these bytes on a connection of their own and read until it is closed."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(request)
        if end:
            await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer

    async def get(self, target: str = "/a", fields: str = "", method: str = "GET") -> bytes:
        """Ask without content, on a connection of its own."""
        return await self.ask(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n".encode())


@asynccontextmanager
async def wired(folder: Path, script: Script, *options: tuple[str, str], **environ: str) -> AsyncIterator[Wire]:
    """Start both, and end both. ``options`` are keys of the configuration, ``environ`` further variables."""
    wire = Wire()

    async def listening(peer: Peer) -> None:
        feed = peer.reader.feed_data

        def remember(data: bytes) -> None:
            wire.seen.append(data)
            feed(data)

        setattr(peer.reader, "feed_data", remember)  # noqa: B010 - the origin's ear, not what is tested
        await script(peer)

    async with RawOrigin(listening) as origin:
        own = {"UPSTREAM_URL": origin.url, "HOST": "127.0.0.1", "PORT": "0", "ADMIN_PORT": "0"}
        own |= {"DATA_DIR": str(folder / "data")}
        named = [(key, text, "--set") for key, text in options]
        app = App(load({**own, **environ}, options=named, folder=folder))
        await app.start()
        wire.address, wire.admin = app.public_address, app.admin_address
        wire.stop = lambda: app.stop(asyncio.Event())
        try:
            yield wire
        finally:
            hurry = asyncio.Event()
            hurry.set()
            await app.stop(hurry)


def saying(response: bytes = OK) -> Script:
    """An origin that reads a head and as much content as it announces, and answers."""

    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
                await peer.reader.readexactly(int(length[1]))
            elif b"chunked" in head.lower():
                await peer.reader.readuntil(b"0\r\n\r\n")
            await peer.say(response)

    return script


def status(answer: bytes) -> int:
    """The first head's."""
    return int(answer.split(b" ", 2)[1])
