"""An origin made of raw sockets on loopback: scripted byte by byte, so that it can be wrong in every way."""

import asyncio
import socket
import ssl
import struct
import weakref
from collections.abc import Awaitable, Callable
from typing import Self

from proxy.edge.transports import cut


class Peer:
    """One connection, seen from the origin."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        """0 for the first connection."""

    async def head(self) -> bytes:
        """The next request's head. Raises IncompleteReadError at the connection's end."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def say(self, data: bytes) -> None:
        """Send, waiting while the other side does not read."""
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing until the other side closes."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        cut(self.writer.transport)


Script = Callable[[Peer], Awaitable[None]]


class RawOrigin:
    """Runs ``script`` for each connection and closes it afterwards. Use as an async context manager."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._script = script
        self._tls = tls
        self._host = host
        self._running: set[asyncio.Task[None]] = set()
        self.writers: weakref.WeakSet[asyncio.StreamWriter] = weakref.WeakSet()
        """The connections that are there."""
        self._errors: list[BaseException] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://{'localhost' if self._tls else self._host}:{self.port}"

    @property
    def authority(self) -> bytes:
        """What Host must say."""
        return self.url.partition("//")[2].encode()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self.accepted, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for writer in self.writers:
            cut(writer.transport)
        await asyncio.sleep(0)  # transports close in the loop's next turn
        if self._errors:
            raise self._errors[0]

    def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection came."""
        peer = Peer(reader, writer, self.connections)
        self.connections += 1
        self.writers.add(writer)
        task = asyncio.create_task(self._run(peer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, peer: Peer) -> None:
        try:
            await self._script(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side left
        except Exception as error:  # noqa: BLE001 - whatever a script raises fails the test, at the origin's end
            self._errors.append(error)
        finally:
            peer.writer.close()


def answering(*responses: bytes) -> tuple[Script, list[bytes]]:
    """A script that answers request after request on any connection (the last response for ever), and the heads."""
    heads: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            heads.append(head)
            await peer.say(responses[min(len(heads), len(responses)) - 1])

    return script, heads
