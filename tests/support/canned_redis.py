"""A server that says what it is told to say, to whatever is asked: for tests of the client's own manners."""

import asyncio
import contextlib

import hiredis


class CannedRedis:
    """Answers each command with the next of ``replies`` (raw bytes; None: not at all), then with ``otherwise``."""

    def __init__(self, *replies: bytes | None, otherwise: bytes | None = b":0\r\n") -> None:
        self.replies: list[bytes | None] = list(replies)
        self.otherwise = otherwise
        self.accepted = 0
        self.closed = 0
        self.asked = asyncio.Event()
        """Set when a command has come that is left without an answer."""
        self.released = asyncio.Event()
        """Set by a test to answer, late, with ``:0``."""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """What REDIS_URL would say."""
        return f"redis://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "CannedRedis":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for link in self._links:
            link.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._links.add(writer)
        commands = hiredis.Reader()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65_536):
                commands.feed(data)
                while commands.gets() is not False:
                    await self._answer(writer)
        self.closed += 1
        self._links.discard(writer)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        reply = self.replies.pop(0) if self.replies else self.otherwise
        if reply is None:
            self.asked.set()
            await self.released.wait()
            reply = b":0\r\n"
        writer.write(reply)
