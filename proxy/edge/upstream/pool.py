"""The connections to the one origin: how many, which next, and who waits. Knows no request."""

import asyncio
import ssl
from collections import deque
from typing import Any, Final

from proxy.edge.upstream.connection import Connection
from proxy.edge.upstream.dial import dial
from proxy.edge.upstream.settings import UpstreamSettings
from proxy.errors import Failure, UpstreamError

_BUFFER: Final = 256 * 1024
_TLS_GOODBYE: Final = 2.0
"""Seconds an upstream is given for its closing alert."""


class Pool:
    """Connections to the origin: at most so many, the one used last first, none kept idle for long.

    Taking an idle connection and giving it back involve no task, no timer and no suspension.
    """

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._ssl = _tls(settings) if settings.origin.is_tls else None
        self._buffer = memoryview(bytearray(_BUFFER))
        self._idle: list[Connection] = []
        self._counted: set[Connection] = set()
        self._detached: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._is_closed = False
        self._is_retired = False
        self.created = 0
        """Connections opened so far."""
        self.reused = 0
        """Times an idle one was taken."""

    @property
    def open(self) -> int:
        """Connections that count, those being opened included."""
        return len(self._counted) + self._opening

    @property
    def idle(self) -> int:
        """Connections kept for the next request."""
        return len(self._idle)

    @property
    def detached(self) -> int:
        """Event streams and tunnels."""
        return len(self._detached)

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return len(self._waiting)

    def take(self, careful: bool) -> Connection | None:
        """An idle connection, the one used last. ``careful``: only one that the kernel does not know to be closed."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and not (careful and connection.has_news()):
                self.reused += 1
                return connection
            connection.abort()
        return None

    async def open_one(self) -> Connection:
        """A new connection, or one that becomes free while there is no place for a new one.

        Waits ``connect`` seconds in all. Raises UpstreamError: SHED without a place, TIMEOUT or UNREACHABLE without
        a connection.
        """
        if self._is_closed:
            raise UpstreamError(Failure.SHED, "the upstream's client is closed")
        has_place = False
        try:
            async with asyncio.timeout(self._settings.connect):
                while (granted := await self._place()) is not None:
                    if granted.is_open:
                        return granted
                has_place = True
                return await self._connect()
        except TimeoutError as error:
            if not has_place:
                raise UpstreamError(Failure.SHED, "no connection became free in time") from error
            problem = f"no connection within {self._settings.connect:g} s"
            raise UpstreamError(Failure.TIMEOUT, problem) from error

    @property
    def is_unused(self) -> bool:
        """Whether nothing is under way."""
        return not (self._opening or self._waiting or self._detached or len(self._counted) > len(self._idle))

    def retire(self) -> None:
        """Keep no connection for a next request: another pool has those."""
        self._is_retired = True
        for connection in self._idle[:]:
            connection.close()

    async def aclose(self) -> None:
        """Close every connection, also those in use, and open none any more."""
        self._is_closed = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(UpstreamError(Failure.SHED, "the upstream's client is closed"))
        for connection in self._idle[:]:
            connection.close()
        for connection in [*self._counted, *self._detached]:
            connection.abort()
        await asyncio.sleep(0)  # transports close in the loop's next turn

    # What connections tell -------------------------------------------------------------------------------------------

    def free(self, connection: Connection) -> None:
        """It may carry another request: somebody's who waits, or a later one's."""
        if connection in self._detached or self._is_closed:
            connection.close()
            return
        waiter = self._next_waiting()
        if waiter is not None:
            self.reused += 1
            waiter.set_result(connection)
        elif len(self._idle) < self._settings.max_idle and not self._is_retired:
            connection.deadline.set(self._settings.keep_alive)
            self._idle.append(connection)
        else:
            connection.close()

    def detach(self, connection: Connection) -> None:
        """It belongs to one client from now on: its place is free."""
        self._counted.discard(connection)
        self._detached.add(connection)
        self._place_is_free()

    def gone(self, connection: Connection) -> None:
        """It is closed."""
        if connection in self._idle:
            self._idle.remove(connection)
        self._detached.discard(connection)
        if connection in self._counted:
            self._counted.discard(connection)
            self._place_is_free()

    # Places ----------------------------------------------------------------------------------------------------------

    async def _place(self) -> Connection | None:
        """Take a place for a new connection (None), at once or when one is free; or a connection that became free."""
        if self.open < self._settings.max_connections:
            self._opening += 1
            return None
        if self._idle:
            self._idle[0].close()  # asked for a new one with idle ones at hand: they are not believed in
            return await self._place()
        if len(self._waiting) >= self._settings.max_waiting:
            raise UpstreamError(Failure.SHED, f"{len(self._waiting)} requests wait for a connection already")
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except BaseException:
            self._hand_back(waiter)
            raise

    def _hand_back(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Whoever waited left: what was granted in the same moment is for somebody else."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        if not waiter.done() or waiter.cancelled() or waiter.exception() is not None:
            return
        granted = waiter.result()
        if granted is None:
            self._opening -= 1
            self._place_is_free()
        elif granted.is_open:
            self.free(granted)

    def _place_is_free(self) -> None:
        if self.open >= self._settings.max_connections:
            return
        waiter = self._next_waiting()
        if waiter is not None:
            self._opening += 1
            waiter.set_result(None)

    def _next_waiting(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    # Connecting ------------------------------------------------------------------------------------------------------

    async def _connect(self) -> Connection:
        """Open a connection in the place that was taken. Raises UpstreamError(UNREACHABLE)."""
        connection: Connection | None = None
        try:
            connection = await self._open_transport()
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
            raise UpstreamError(Failure.UNREACHABLE, f"{self._settings.origin.authority}: {error}") from error
        finally:
            self._opening -= 1
            if connection is None:
                self._place_is_free()
        self.created += 1
        self._counted.add(connection)
        connection.adopt(self)
        return connection

    async def _open_transport(self) -> Connection:
        origin = self._settings.origin
        tls: dict[str, Any] = {}
        if self._ssl is not None:
            tls = {"ssl": self._ssl, "server_hostname": origin.host, "ssl_shutdown_timeout": _TLS_GOODBYE}
        sock = await dial(origin.host, origin.port)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self._buffer), sock=sock, **tls)
        return connection


def _tls(settings: UpstreamSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
