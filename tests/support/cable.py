"""A TCP line between a client and a server that can be cut, or go dead without a word, and be mended again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Cable:
    """Leads from ``port`` to ``far`` on loopback."""

    def __init__(self, far: int) -> None:
        self._far = far
        self._writers: set[asyncio.StreamWriter] = set()
        self._mended = asyncio.Event()
        self._mended.set()
        self._is_cut = False
        self.port = 0

    def cut(self) -> None:
        """Reset every connection, and each new one at once."""
        self._is_cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def deaden(self) -> None:
        """Pass nothing on, in no direction; connections stand."""
        self._mended.clear()

    def mend(self) -> None:
        """Pass everything on again, and what was held back."""
        self._is_cut = False
        self._mended.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
            self._writers.add(far_writer)
            there = asyncio.ensure_future(self._carry(reader, far_writer))
            back = asyncio.ensure_future(self._carry(far_reader, writer))
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            self._writers.discard(far_writer)
            far_writer.transport.abort()
        self._writers.discard(writer)
        writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                await self._mended.wait()
                writer.write(data)
                await writer.drain()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        """Listen meanwhile."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.mend()
            self.cut()
            await asyncio.sleep(0)
