"""The hub in the supervisor: a unix socket that every worker holds a connection to. Carries words to and from the
state; decides nothing. A worker that does not read what it is told is cut off, so that nobody waits for it.
"""

import asyncio
import logging
import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Final, cast

from proxy.clock import Clock
from proxy.store.hub.state import HubState, Saying
from proxy.store.hub.words import GarbledError, Reader, frame, from_worker
from proxy.store.lasting import lasting

LOG: Final = logging.getLogger("tambo.hub")

_TICK: Final = 0.1
"""Seconds between two looks at who has been silent."""
_MOST_UNREAD: Final = 8 * 1024 * 1024
"""Bytes that one worker may leave unread."""
_MODE: Final = 0o600


class Hub:
    """From ``start`` to ``close``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = HubState(int(clock.now() * 1_000_000), clock.monotonic())
        self._connections: dict[int, _Connection] = {}
        self._numbers = count(1)
        self._server: asyncio.AbstractServer | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def start(self, path: Path) -> None:
        """Listen on a socket that only this user may use. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), str(path))
        os.chmod(path, _MODE)
        self._ticking = lasting(self._tick, "the hub")

    async def close(self) -> None:
        """Let go of everybody. Idempotent."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
            self._ticking = None
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections.values()):
            connection.cut()

    @property
    def workers(self) -> int:
        """How many are connected."""
        return self._state.workers

    # For connections ----------------------------------------------------------------------------------------------

    def arrived(self, connection: "_Connection") -> int:
        """A connection's number."""
        number = next(self._numbers)
        self._connections[number] = connection
        return number

    def heard(self, worker: int, frames: Iterable[bytes]) -> None:
        """What a worker said. Raises GarbledError."""
        for body in frames:
            self._say(self._state.hear(worker, from_worker(body), self._clock.monotonic()))

    def gone(self, worker: int) -> None:
        """A worker has closed its connection, most likely by its death."""
        if self._connections.pop(worker, None) is not None:
            self._say(self._state.gone(worker, self._clock.monotonic()))

    def cut(self, worker: int) -> None:
        """We let go of a connection: its worker may be alive."""
        if self._connections.pop(worker, None) is not None:
            self._state.cut(worker)

    def _say(self, sayings: Iterable[Saying]) -> None:
        for worker, word in sayings:
            connection = self._connections.get(worker)
            if connection is not None:
                connection.write(frame(word))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self._say(self._state.tick(self._clock.monotonic()))


class _Connection(asyncio.Protocol):
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._reader = Reader()
        self._transport: asyncio.WriteTransport | None = None
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by its class
        self._number = self._hub.arrived(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._hub.heard(self._number, self._reader.feed(data))
        except GarbledError as error:
            LOG.error("a worker's words could not be read: %s", error)  # noqa: TRY400 - our stack says nothing
            self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.gone(self._number)

    def write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MOST_UNREAD:
            LOG.warning("a worker does not read; it is cut off until it does")
            self.cut()

    def cut(self) -> None:
        self._hub.cut(self._number)
        if self._transport is not None:
            self._transport.abort()
