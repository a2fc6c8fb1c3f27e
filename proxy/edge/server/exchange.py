"""One request from its head to the last byte of its answer. Judges nothing: asks, frames, writes, reports."""

import asyncio
from http import HTTPStatus
from typing import Final, Protocol

from proxy.edge.server.body import IncomingBody
from proxy.edge.server.intake import Incoming
from proxy.edge.server.interim import InterimResponses
from proxy.edge.server.origin import Origin
from proxy.edge.server.outlet import Outlet
from proxy.edge.server.roster import Roster
from proxy.edge.server.settings import Finished
from proxy.edge.server.translate import expects_continue, request_head
from proxy.edge.server.tunnel import Inlet, relay
from proxy.edge.server.wire import (
    LAST_CHUNK,
    Frame,
    Framing,
    chunk,
    connection_lines,
    frame,
    problem,
    render_head,
)
from proxy.errors import ClientError, ClientGoneError, Failure, UpstreamError
from proxy.exchange.ports import Answer, ResponseBody, Tunnel
from proxy.policy.messages import RequestHead, ResponseHead

_FAULT: Final = "Something went wrong here."


class Connection(Protocol):
    """What an exchange needs of the connection it runs on."""

    roster: Roster
    origin: Origin
    outlet: Outlet

    @property
    def has_waiting(self) -> bool:
        """Whether further requests were read already."""
        ...

    @property
    def is_deaf(self) -> bool:
        """Whether nothing that still comes in can be read as HTTP."""
        ...

    def switch(self) -> Inlet:
        """From now on what comes in is opaque. RuntimeError: the client did not ask for that."""
        ...


class Exchange:
    """One request, or what made it unreadable."""

    __slots__ = (
        "_answer",
        "_body",
        "_connection",
        "_ends_by_closing",
        "_incoming",
        "_interim",
        "_is_aborted",
        "_keeps",
        "_request",
        "_roster",
        "_status",
    )

    def __init__(self, connection: Connection, incoming: Incoming | ClientError) -> None:
        self._connection = connection
        self._roster = connection.roster
        self._incoming = incoming
        self._request: RequestHead | None = None
        self._body: IncomingBody | None = None
        self._interim = InterimResponses(connection.outlet, self._roster.hooks.bug)
        self._answer: Answer | None = None
        self._status = 0
        self._keeps = not isinstance(incoming, ClientError) and incoming.keep_alive
        self._is_aborted = False
        self._ends_by_closing = False

    async def run(self) -> bool:
        """Answer and report. True: the connection can serve another request."""
        hooks, outlet = self._roster.hooks, self._connection.outlet
        started, before = hooks.clock.monotonic(), outlet.sent
        self._roster.in_flight += 1
        try:
            await self._serve()
        except (ClientGoneError, UpstreamError):
            self._abort()
        except asyncio.CancelledError:
            self._abort()
            raise
        except Exception as bug:  # noqa: BLE001 - the outermost boundary: a bug must cost one connection only
            hooks.bug("writing an answer", bug)
            self._abort()
        finally:
            self._roster.in_flight -= 1
            self._interim.close()
            if self._body is not None:
                self._body.finish()
            seconds, sent = hooks.clock.monotonic() - started, outlet.sent - before
            hooks.finished(Finished(self._request, self._answer, self._status, seconds, sent, self._is_aborted))
        return self._keeps

    def _abort(self) -> None:
        self._is_aborted, self._keeps = True, False
        if self._ends_by_closing:
            self._connection.outlet.reset()
        else:
            self._connection.outlet.abort()

    async def _serve(self) -> None:
        error = await self._ask()
        self._interim.close()
        if error is not None:
            await self._refuse(error)
        elif self._answer is not None:
            await self._write(self._answer)

    # Asking --------------------------------------------------------------------------------------------------------

    async def _ask(self) -> ClientError | None:
        """Have the request answered; the error where we answer it ourselves."""
        incoming = self._incoming
        if isinstance(incoming, ClientError):
            return incoming
        try:
            self._request = request = request_head(incoming, self._connection.origin)
            expects = expects_continue(incoming)
        except ClientError as error:
            self._keeps = False
            return error
        if not incoming.http10:  # it would take the first for the final one
            self._interim.open(expects_continue=expects)
        if request.has_content:
            if isinstance(known := incoming.content.exception(), ClientError):
                return known  # what is broken already is not sent on, to be cut off
            settings, clock = self._roster.settings, self._roster.hooks.clock
            invite = self._interim.invite if expects else None
            self._body = IncomingBody(incoming.content, incoming.length, settings, clock, invite)
        return await self._ask_handler(request)

    async def _ask_handler(self, request: RequestHead) -> ClientError | None:
        hooks = self._roster.hooks
        try:
            self._answer = await hooks.answer(request, self._body, self._interim.forward)
        except ClientError as error:
            return error
        except ClientGoneError:
            raise
        except asyncio.CancelledError as bug:
            if _is_cancelled():
                raise
            hooks.bug("a handler was cancelled by something it waited for", bug)
        except Exception as bug:  # noqa: BLE001 - the outermost boundary: no traceback ever reaches a client
            hooks.bug("answering a request", bug)
        else:
            return None
        return ClientError(500, _FAULT)

    # Writing -------------------------------------------------------------------------------------------------------

    async def _refuse(self, error: ClientError) -> None:
        extra = (("Retry-After", "1"),) if error.status == HTTPStatus.SERVICE_UNAVAILABLE else ()
        head, body = problem(error.status, error.problem, *extra)
        await self._reply(head, body, None)

    async def _write(self, answer: Answer) -> None:
        try:
            if answer.tunnel is not None:
                await self._switch(answer.head, answer.tunnel)
            else:
                await self._reply(answer.head, answer.body, answer.length)
        finally:
            if answer.tunnel is not None:
                await self._close(answer.tunnel)
            if not isinstance(answer.body, bytes):
                await self._close(answer.body)

    async def _close(self, resource: ResponseBody | Tunnel) -> None:
        try:
            await resource.aclose()
        except Exception as bug:  # noqa: BLE001 - closing must not undo what was answered
            self._roster.hooks.bug("closing an answer's content", bug)

    async def _reply(self, head: ResponseHead, body: bytes | ResponseBody, stated: int | None) -> None:
        incoming, outlet = self._incoming, self._connection.outlet
        method, http10 = ("", False) if isinstance(incoming, ClientError) else (incoming.method, incoming.http10)
        size = len(body) if isinstance(body, bytes) else None
        framed = frame(method, head, size, stated, http10=http10)
        self._keeps = self._keeps and self._may_keep(framed)
        lines = connection_lines(framed, http10=http10, close=not self._keeps)
        try:
            text = render_head(head, lines, self._roster.dates.now())
        except ValueError as bug:
            self._roster.hooks.bug("rendering an answer's head", bug)
            head, body = problem(500, _FAULT)
            framed = frame(method, head, len(body), None, http10=http10)
            lines = connection_lines(framed, http10=http10, close=not self._keeps)
            text = render_head(head, lines, self._roster.dates.now())
        self._status = head.status
        if framed.framing is Framing.NONE:
            await outlet.send(text)
        elif isinstance(body, bytes):
            await outlet.send_whole(text, body)
        else:
            self._ends_by_closing = framed.framing is Framing.UNTIL_CLOSE
            outlet.hold(text)  # a head and a short content are one write, and one packet
            try:
                await self._stream(body, framed)
            finally:
                outlet.release()

    def _may_keep(self, framed: Frame) -> bool:
        """Whether the next request's bytes can be told from what is still to come of this exchange."""
        connection, incoming = self._connection, self._incoming
        return (
            framed.framing is not Framing.UNTIL_CLOSE
            and not isinstance(incoming, ClientError)
            and incoming.content.is_eof()
            and not (self._roster.is_draining and not connection.has_waiting)
            and not (connection.is_deaf and not connection.has_waiting)
        )

    async def _stream(self, body: ResponseBody, framed: Frame) -> None:
        """Relay a stream within its framing. A stream that ends too early raises: the client must notice."""
        outlet, left = self._connection.outlet, framed.length
        async for piece in body:
            if not piece:
                continue
            if framed.framing is Framing.CHUNKED:
                await outlet.send(chunk(piece))
            elif left is None:
                await outlet.send(piece)
            elif left:
                await outlet.send(piece[:left])
                left = max(0, left - len(piece))
            else:
                break
        if left:
            raise UpstreamError(Failure.PROTOCOL, f"the content ended {left} bytes early")
        if framed.framing is Framing.CHUNKED:
            await outlet.send(LAST_CHUNK)

    async def _switch(self, head: ResponseHead, tunnel: Tunnel) -> None:
        request, outlet = self._request, self._connection.outlet
        self._keeps = False
        asked = None if request is None else request.fields.joined("upgrade")
        protocol = head.fields.joined("upgrade") or asked or ""
        text = render_head(head, [("Connection", "Upgrade"), ("Upgrade", protocol)], self._roster.dates.now())
        inlet = self._connection.switch()
        self._status = head.status
        await outlet.send(text)
        await relay(inlet, outlet, tunnel)


def _is_cancelled() -> bool:
    """Whether it is this task that is being cancelled. Apart, because a task that is held by a frame through which it
    was cancelled holds itself, and all that the frame holds."""
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())
