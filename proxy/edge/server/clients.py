"""aiohttp's low-level server as the register of connections: makes them, knows them, keeps their number bounded."""

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from proxy.edge.server.connection import ClientConnection
from proxy.edge.server.roster import Roster
from proxy.edge.transports import cut


class Clients(web.Server):
    """All connections of a listener. Called, it makes the protocol of the next one."""

    def __init__(self, roster: Roster, capacity: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_never, loop=loop)
        self._roster = roster
        self._emptied = asyncio.Event()
        self.capacity = capacity
        """Connections served at once; what comes beyond costs the one that has been idle longest its place."""

    def __call__(self) -> RequestHandler:
        return ClientConnection(self, self._roster, self._loop)

    @property
    def count(self) -> int:
        """Open connections."""
        return len(self._connections)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """A connection opened."""
        super().connection_made(handler, transport)
        if len(self._connections) > self.capacity and not self._roster.retire_oldest():
            assert isinstance(handler, ClientConnection)  # noqa: S101 - made by __call__, nowhere else
            handler.is_surplus = True

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """A connection closed. It counts until its task has ended."""
        task = handler._task_handler
        super().connection_lost(handler, exc)
        if task is None:
            self._notice()
        else:
            task.add_done_callback(lambda _: self._notice())

    def _notice(self) -> None:
        if not self._connections:
            self._emptied.set()

    async def emptied(self) -> None:
        """Wait until no connection is left."""
        while self._connections:
            self._emptied.clear()
            await self._emptied.wait()

    def retire_idle(self) -> None:
        """Close what has been served and waits; a newcomer may still say what it came for."""
        self._roster.is_closing = True
        for connection in list(self._roster.idle):
            connection.hurry()

    def abort(self) -> None:
        """Cut all that are left."""
        for transport in list(self._connections.values()):
            cut(transport)


async def _never(request: web.BaseRequest) -> web.StreamResponse:
    """aiohttp asks for a handler; our connections do not use it."""
    raise NotImplementedError
