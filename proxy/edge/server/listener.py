"""The public listener's life: start, serve, drain, stop. Knows connections, not requests."""

import asyncio
import contextlib
import logging
import socket
import ssl as tls
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from proxy.edge.server.acceptor import Acceptor
from proxy.edge.server.binding import bind
from proxy.edge.server.clients import Clients
from proxy.edge.server.hit_path import HitPath
from proxy.edge.server.names import verify
from proxy.edge.server.roster import Roster
from proxy.edge.server.settings import Handler, Hooks, ServerSettings

LOG: Final = logging.getLogger("tambo.server")
_LOG_PAUSE: Final = 10.0
"""Seconds between two log lines that say that accepting fails."""
_CUT_TIME: Final = 2.0
"""Seconds that cancelled requests have to clean up."""
_TURNS: Final = 3
"""Turns of the event loop in which requests that have arrived already are read before idle connections close."""


class Listener:
    """Accepts clients and has their requests answered."""

    def __init__(self, settings: ServerSettings, hooks: Hooks, hits: HitPath | None = None) -> None:
        self._settings = settings
        self._clock = hooks.clock
        self._roster = Roster(settings, hooks, hits)
        self._clients: Clients | None = None
        self._acceptor: Acceptor | None = None
        self._logged_at = float("-inf")

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of every socket it listens on."""
        return [] if self._acceptor is None else self._acceptor.addresses

    @property
    def open_connections(self) -> int:
        """Client connections."""
        return 0 if self._clients is None else self._clients.count

    @property
    def in_flight(self) -> int:
        """Requests being answered."""
        return self._roster.in_flight

    async def start(self, host: str, port: int, *, ssl: tls.SSLContext | None = None) -> None:
        """Listen. Raises ConfigError when the installed aiohttp does not fit, OSError when an address is taken."""
        verify()
        self._serve(await bind(host, port, backlog=self._settings.backlog), ssl, is_shared=False)

    def serve(self, sockets: Sequence[socket.socket], *, ssl: tls.SSLContext | None = None) -> None:
        """Accept on sockets that listen already, and are other processes' as well. Raises ConfigError as ``start``
        does."""
        self._serve(sockets, ssl, is_shared=True)

    def _serve(self, sockets: Sequence[socket.socket], ssl: tls.SSLContext | None, *, is_shared: bool) -> None:
        verify()
        capacity = self._settings.max_connections
        self._clients = clients = Clients(self._roster, capacity, asyncio.get_running_loop())
        self._acceptor = Acceptor(clients, self._has_room, self._accept_failed, self._settings.tls_handshake_timeout)
        self._acceptor.listen(sockets, ssl, is_shared=is_shared)

    def change(self, settings: ServerSettings, answer: Handler) -> None:
        """Have the next requests answered by another handler, within these bounds; who is connected keeps some of the
        old ones until it leaves."""
        self._settings = self._roster.settings = settings
        self._roster.hooks = replace(self._roster.hooks, answer=answer)
        if self._roster.hits is not None:
            self._roster.hits.forget()
        if self._clients is not None:
            self._clients.capacity = settings.max_connections

    def announce_close(self) -> None:
        """From now on every answer says that its connection closes; newcomers are still served."""
        self._roster.is_draining = True
        if self._roster.hits is not None:
            self._roster.hits.close()

    def stop_accepting(self) -> None:
        """Listen no more. Who has connected already is still served."""
        if self._acceptor is not None:
            self._acceptor.close()

    async def thin_out(self, limit: float) -> None:
        """Listen no more, and wait until who is connected has gone, so many seconds at most: each answer says that its
        connection closes."""
        self.announce_close()
        self.stop_accepting()
        if self._clients is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await self._clients.emptied()

    async def drain(self, limit: float) -> None:
        """Stop accepting, finish what is in flight, close what is idle; after ``limit`` seconds cut what is left."""
        self.announce_close()
        self.stop_accepting()
        if self._clients is None or self._acceptor is None:
            return
        try:
            async with asyncio.timeout(limit):
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                await self._acceptor.settled()
                self._clients.retire_idle()
                await self._clients.emptied()
        except TimeoutError:
            self._acceptor.abort()
            self._clients.abort()
            with contextlib.suppress(TimeoutError):  # whoever clings to a cancelled request is left behind
                async with asyncio.timeout(_CUT_TIME):
                    await self._clients.emptied()

    def _has_room(self) -> bool:
        if self._clients is None or self._acceptor is None:
            return False
        capacity = self._clients.capacity
        return self._clients.count + self._acceptor.adopting < capacity + max(1, capacity // 8)

    def _accept_failed(self, error: OSError) -> None:
        now = self._clock.monotonic()
        if now - self._logged_at >= _LOG_PAUSE:
            self._logged_at = now
            LOG.warning("cannot accept clients for now: %s (%d are connected)", error, self.open_connections)
