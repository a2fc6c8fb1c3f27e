"""A listener with a scripted handler on a real socket, and a client that speaks raw bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from proxy.clock import Clock, SystemClock
from proxy.edge.server.hit_path import HitPath
from proxy.edge.server.listener import Listener
from proxy.edge.server.settings import Finished, Handler, Hooks, ServerSettings
from proxy.edge.transports import cut
from proxy.exchange.ports import Answer, OnInterim, RequestBody, ResponseBody
from proxy.policy.disposition import Disposition, Result
from proxy.policy.messages import Fields, RequestHead, ResponseHead

QUICK: Final = ServerSettings(lingering_timeout=0.2)
DATE: Final = "Tue, 01 Sep 2026 00:00:00 GMT"

Script = Callable[[RequestHead, RequestBody | None], Awaitable[Answer]]


def answer(
    body: bytes | ResponseBody = b"hello",
    status: int = 200,
    fields: tuple[tuple[str, str], ...] = (),
    length: int | None = None,
) -> Answer:
    """An answer with a fixed Date, so that its bytes are known."""
    head = ResponseHead(status, Fields((("Date", DATE), *fields)))
    return Answer(head, body, Disposition(Result.MISS, "MISS"), route="default", length=length)


class Pieces:
    """A response body of these pieces; an exception among them is raised in its turn, an event is waited for."""

    def __init__(self, *pieces: bytes | BaseException | asyncio.Event) -> None:
        self._pieces = pieces
        self.given = 0
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, BaseException):
                raise piece
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            else:
                self.given += len(piece)
                yield piece

    async def aclose(self) -> None:
        """Closed."""
        self.closed.set()


async def whole(body: RequestBody | None) -> bytes:
    """All of a request's content."""
    return b"" if body is None else b"".join([piece async for piece in body])


async def echo(request: RequestHead, body: RequestBody | None) -> Answer:
    """Say what was asked, with the content that came."""
    content = await whole(body)
    return answer(f"{request.method} {request.target} ".encode() + content)


@dataclass
class Server:
    """The listener under test, and what it reported."""

    listener: Listener = field(init=False)
    port: int = 0
    finished: list[Finished] = field(default_factory=list)
    bugs: list[tuple[str, BaseException]] = field(default_factory=list)
    reported: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, event: Finished) -> None:
        """The listener's callback."""
        self.finished.append(event)
        self.reported.set()

    async def until_finished(self, count: int) -> None:
        """Wait until so many exchanges were reported."""
        async with asyncio.timeout(60):
            while len(self.finished) < count:
                self.reported.clear()
                await self.reported.wait()

    async def until_open(self, count: int) -> None:
        """Wait until so many connections are left."""
        async with asyncio.timeout(60):
            while self.listener.open_connections != count:
                await asyncio.sleep(0.002)


def handler(script: Script) -> Handler:
    """A script as the listener's handler; it has no interim responses to tell of."""

    async def handle(request: RequestHead, body: RequestBody | None, _: OnInterim | None) -> Answer:
        return await script(request, body)

    return handle


@asynccontextmanager
async def serving(
    script: Script = echo,
    settings: ServerSettings = QUICK,
    context: ssl.SSLContext | None = None,
    hits: HitPath | None = None,
    clock: Clock | None = None,
    **changes: object,
) -> AsyncIterator[Server]:
    """A listener on a free port of loopback, drained at the end."""
    server = Server()
    clock = clock or SystemClock()
    hooks = Hooks(handler(script), server.report, lambda where, bug: server.bugs.append((where, bug)), clock)
    server.listener = listener = Listener(replace(settings, **changes), hooks, hits)
    await listener.start("127.0.0.1", 0, ssl=context)
    server.port = listener.addresses[0][1]
    try:
        yield server
    finally:
        await listener.drain(0.05)


class Wire:
    """A client's end of a connection: bytes out, bytes in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send each piece in a segment of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def head(self) -> bytes:
        """Up to the empty line."""
        async with asyncio.timeout(60):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def exactly(self, size: int) -> bytes:
        """So many bytes."""
        async with asyncio.timeout(60):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(60):
            return await self.reader.read()

    async def answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """One answer framed by Content-Length: status, fields, content."""
        head = await self.head()
        line, *lines = head.rstrip(b"\r\n").split(b"\r\n")
        fields = {name.lower(): value for name, _, value in (text.partition(b": ") for text in lines)}
        body = await self.exactly(int(fields.get(b"content-length", b"0")))
        return int(line.split(b" ")[1]), fields, body


@asynccontextmanager
async def connected(server: Server, context: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """A connection to the server, cut at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, limit=2**16)
    try:
        yield Wire(reader, writer)
    finally:
        cut(writer.transport)


async def roundtrip(server: Server, *pieces: bytes) -> bytes:
    """Send bytes, and read everything until the server closes."""
    async with connected(server) as wire:
        await wire.send(*pieces)
        return await wire.rest()
