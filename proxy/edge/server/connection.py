"""One client's connection: aiohttp's RequestHandler with our own reading, loop and deadlines. Answers nothing itself.

Of aiohttp it uses the parser, the request streams and their flow control; a contract test holds the private names.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from proxy.edge.server.exchange import Exchange
from proxy.edge.server.header_block import UNREAD
from proxy.edge.server.hit_hooks import Pending
from proxy.edge.server.intake import Incoming, Intake
from proxy.edge.server.origin import Origin, origin
from proxy.edge.server.outlet import Outlet
from proxy.edge.server.parting import Parting
from proxy.edge.server.patience import Patience
from proxy.edge.server.roster import Roster
from proxy.edge.server.tunnel import Inlet
from proxy.errors import ClientError, ClientGoneError

_READ_SIZE: Final = 64 * 1024


class ClientConnection(RequestHandler):
    """Serves one request after the other, in one task. Nothing it keeps for a client is without a bound."""

    __slots__ = (
        "_has_served", "_held", "_hits", "_inlet", "_intake", "_is_resting", "_link", "_parting", "_patience", "_queue",
        "heard_at", "is_deaf", "is_surplus", "origin", "outlet", "pending", "roster", "said", "write",
    )  # fmt: skip

    def __init__(self, manager: web.Server, roster: Roster, loop: asyncio.AbstractEventLoop) -> None:
        settings = roster.settings
        super().__init__(
            manager,
            loop=loop,
            keepalive_timeout=0,  # the deadlines are ours
            access_log=None,  # type: ignore[arg-type] # aiohttp's own way to say: none
            max_line_size=settings.max_target + 1,
            max_field_size=settings.max_field,
            max_headers=settings.max_fields,
            read_bufsize=_READ_SIZE,
            auto_decompress=False,
        )
        self.roster = roster
        self._hits = roster.hits
        self._intake = Intake(self._parser, settings)
        self._queue: deque[Incoming | ClientError] = deque()
        self._held = b""
        self._inlet: Inlet | None = None
        self._patience = Patience(loop, roster, self._expire)
        self._has_served = self._is_resting = False
        self.heard_at = -inf
        self.said = UNREAD
        self.pending: Pending | None = None
        self.is_deaf = False
        self.is_surplus = False
        self.origin: Origin
        self.outlet: Outlet
        self.write: Callable[[bytes], None]
        self._link: asyncio.Transport
        self._parting: Parting

    @property
    def has_waiting(self) -> bool:
        """Whether further requests were read already."""
        return bool(self._queue)

    @property
    def _was_heard(self) -> bool:
        return self._has_served or self.heard_at > -inf

    # The transport's calls -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        settings = self.roster.settings
        self._link = cast("asyncio.Transport", transport)
        self._parting = Parting(self._link, settings)
        self.outlet = Outlet(self._link, settings.unread_timeout)
        self.write = self._link.write
        secure = transport.get_extra_info("sslcontext") is not None
        self.origin = origin(transport.get_extra_info("peername"), settings.trusted_proxies, secure=secure)
        # The first request may come before the task has had its first turn.
        self._is_resting = self._hits is not None and not self.is_surplus and not self.roster.is_closing
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is gone: whatever runs for it is told."""
        task = self._task_handler
        super().connection_lost(exc)
        self.is_deaf = self._parting.is_over = True
        self._is_resting, self.pending = False, None
        self._patience.end()
        self.outlet.resume()
        self._intake.end(ClientGoneError("the connection is closed"))
        if task is None:
            return
        if self._inlet is None:
            task.cancel()
        else:
            self._inlet.end()  # what came before the end is still carried on, for a bounded time
            patience = self._loop.call_later(self.roster.settings.unread_timeout, task.cancel)
            task.add_done_callback(lambda _: patience.cancel())

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self.outlet.pause()
        self._is_resting = False

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self.outlet.resume()
        self._is_resting = self._rests()

    def data_received(self, data: bytes) -> None:
        """Bytes came; or, with none, reading may go on with what is held."""
        if self._is_resting and self._hits is not None and self._hits.answer(self, data):
            return
        if self.pending is not None:  # something happens before it was answered: it goes the long way
            data, self.pending = self.pending.data + data, None
        self._is_resting = False
        self._receive(data)
        self._is_resting = self._rests()

    def hold(self, pending: Pending) -> None:
        """See Served."""
        self._is_resting, self.pending = False, pending

    def settle(self, data: bytes | None) -> bool:
        """See Served."""
        if data is None or self.outlet.is_paused or self._link.is_closing():
            self.data_received(b"")
            return False
        self.pending = None
        self.write(data)
        self._is_resting = self._rests()
        return True

    def _receive(self, data: bytes) -> None:
        if self.is_deaf:
            self._parting.swallow(len(data))
        elif self._inlet is not None:
            self._inlet.feed(data)
        else:
            try:
                if not data:
                    self._intake.resume()
                self._read(self._held + data if self._held else data)
            except ClientError as error:
                self._give_up(error)
            if self._waiter is not None and self._intake.in_head:
                self._patience.for_head()

    def _rests(self) -> bool:
        """Whether everything so far was answered and read: what comes now begins a request, and nothing waits."""
        return (
            self._hits is not None
            and self._waiter is not None
            and not self._waiter.done()
            and self.pending is None
            and self._intake.is_between
            and not self._held
            and not self.is_deaf
            and not self.outlet.is_paused
        )

    # Reading -------------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        intake, queue, start = self._intake, self._queue, 0
        while start < len(data) and len(queue) < self.roster.settings.max_pipelined:
            if self._reading_paused or intake.upgraded:
                break
            incoming, start = intake.take(data, start)
            if incoming is not None:
                queue.append(incoming)
                self._wake()
        self._held = data[start:]
        if self._held and not self._buffer_paused:
            self._pause_reading_for_buffer()
        elif self._buffer_paused and not self._held:
            self._resume_reading_for_buffer()

    def _give_up(self, error: ClientError) -> None:
        """Nothing behind this can be read: whoever reads the body is told, or the error is answered in its turn."""
        self.is_deaf = self._parting.lingers = True
        self._held = b""
        if not self._intake.fail(error):
            self._queue.append(error)
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._is_resting = False
            self.roster.idle.pop(self, None)
            self._waiter.set_result(None)

    # The loop ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Serve the client until either side has enough. Runs as the connection's one task."""
        try:
            if self.is_surplus:
                await self._serve(ClientError(503, "There are too many connections."))
            else:
                while await self._serve_next():
                    pass
            self.is_deaf = True
            self._parting.lingers |= bool(self._queue or self._held or (self.roster.is_draining and self._was_heard))
            await self._parting.leave()
        except asyncio.CancelledError:
            self._link.abort()
            raise
        except Exception as bug:  # noqa: BLE001 - the outermost boundary of a connection
            self.roster.hooks.bug("serving a connection", bug)
            self._link.abort()

    async def _serve_next(self) -> bool:
        """Keeps nothing of a request while the next one is waited for, but how its head was read."""
        incoming = await self._next()
        return incoming is not None and await self._serve(incoming)

    async def _serve(self, incoming: Incoming | ClientError) -> bool:
        keeps = await Exchange(self, incoming).run()
        if not isinstance(incoming, ClientError) and not incoming.content.is_eof():
            self._parting.lingers = True
        if keeps and self._intake.upgraded and not self._queue:
            self._intake.decline_upgrade()
            self.data_received(b"")
        return keeps

    async def _next(self) -> Incoming | ClientError | None:
        """The next request; None when there is to be none."""
        while not self._queue:
            if self.is_deaf:
                return None
            if self.roster.is_closing and self._was_heard:
                self._parting.lingers = True
                return None
            self.roster.idle[self] = self.roster.hooks.clock.monotonic()
            self._waiter = self._loop.create_future()
            self._is_resting = self._rests()
            self._patience.for_request(in_head=self._intake.in_head)
            try:
                await self._waiter
            finally:
                self._waiter = None
                self._is_resting = False
                self.roster.idle.pop(self, None)
        incoming = self._queue.popleft()
        self._has_served = True
        if self._parser is not None:
            self._parser.message_consumed()
        if self._held and not self._queue:
            await asyncio.sleep(0)  # others have their turn before the next batch is read
            self.data_received(b"")
        return incoming

    def switch(self) -> Inlet:
        """From now on what comes in is opaque. RuntimeError: the client did not ask for that."""
        if not self._intake.upgraded:
            raise RuntimeError("a tunnel was answered to a request that asked for no upgrade")
        self._inlet = Inlet(self._link, self._held)
        self._held = b""
        return self._inlet

    def retire(self, *, linger: bool) -> None:
        """Close the connection if nothing is being answered on it; ``linger`` spares the client a reset."""
        if self.pending is not None:
            self.data_received(b"")
        if self._waiter is not None and not self._waiter.done():
            self.is_deaf = True
            self._parting.lingers = linger
            self._wake()

    def hurry(self) -> None:
        """Close the connection if it has been served, else give it a moment to say what it came for."""
        if self._was_heard:
            self.retire(linger=True)
        elif not self._intake.in_head:
            self._patience.for_newcomer()

    # Deadlines -----------------------------------------------------------------------------------------------------

    def _expire(self) -> None:
        if self._waiter is None:
            return  # busy: set again when it is idle
        if self._intake.in_head:
            self._give_up(ClientError(408, "The request's head did not arrive in time."))
        elif self._patience.is_over(self.heard_at):
            self.retire(linger=False)
