"""Messages between the supervisor and one worker over a pair of sockets, a line of JSON each. Understands none.

Its end is also how each learns that the other has gone.
"""

import asyncio
import contextlib
import socket
from typing import Generic, TypeVar

import msgspec

from proxy.app.workers.messages import Order, Word

LONGEST = 16 * 1024 * 1024
"""Bytes of a message: a configuration file twice, or a worker's metrics."""
Heard = TypeVar("Heard", Order, Word)


class Channel(Generic[Heard]):
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: object) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder: msgspec.json.Decoder[Heard] = msgspec.json.Decoder(kind)

    async def hear(self) -> Heard | None:
        """The next message; None: the other side has gone."""
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return None
        return self._decoder.decode(line)

    async def say(self, message: Order | Word) -> None:
        """Send a message. One who has gone misses it."""
        if self._writer.is_closing():
            return
        try:
            self._writer.write(msgspec.json.encode(message) + b"\n")
            await self._writer.drain()
        except ConnectionError:
            return

    def close(self) -> None:
        """Say and hear nothing more. Idempotent."""
        self._writer.close()

    async def closed(self) -> None:
        """Close, once what was said is on its way."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def to_supervisor(sock: socket.socket) -> Channel[Order]:
    """The worker's end: hears orders."""
    return Channel(*await asyncio.open_connection(sock=sock, limit=LONGEST), Order)


async def to_worker(sock: socket.socket) -> Channel[Word]:
    """The supervisor's end: hears words."""
    return Channel(*await asyncio.open_connection(sock=sock, limit=LONGEST), Word)
