"""One request and its response on a connection, with their deadlines. Never asks twice, never judges an answer."""

import asyncio
from contextlib import aclosing
from typing import Final

from proxy.edge.upstream.connection import Connection
from proxy.edge.upstream.incoming import Incoming
from proxy.edge.upstream.outgoing import framed, has_content
from proxy.edge.upstream.reader import ResponseReader
from proxy.edge.upstream.settings import UpstreamSettings
from proxy.edge.upstream.tunnel import UpstreamTunnel
from proxy.errors import Failure, UpstreamError, afresh
from proxy.exchange.ports import OnInterim, RequestBody, UpstreamAnswer, UpstreamRequest
from proxy.policy.messages import ResponseHead

_EVENT_STREAM: Final = "text/event-stream"


class ClosedUnansweredError(UpstreamError):
    """A reused connection closed before any byte of an answer: most likely it was closed before we wrote to it."""

    def __init__(self, detail: str) -> None:
        super().__init__(Failure.PROTOCOL, f"a reused connection was closed without an answer: {detail}")


class RoundTrip:
    """Lives from the request's first byte to the response's last, or to the close of a tunnel."""

    __slots__ = (
        "_answer",
        "_connection",
        "_idle",
        "_incoming",
        "_is_over",
        "_is_tunnel",
        "_loop",
        "_reader",
        "_settings",
        "_upgrade",
        "_upload",
    )

    def __init__(
        self,
        connection: Connection,
        settings: UpstreamSettings,
        request: UpstreamRequest,
        on_interim: OnInterim | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._settings = settings
        self._upgrade = request.upgrade is not None
        self._reader = ResponseReader(request.method, self._upgrade, on_interim)
        self._answer: asyncio.Future[UpstreamAnswer] = self._loop.create_future()
        self._incoming: Incoming | None = None
        self._upload: asyncio.Task[None] | None = None
        self._idle: float | None = settings.idle
        self._is_tunnel = self._is_over = False

    async def run(self, head: bytes, body: RequestBody | None) -> UpstreamAnswer:
        """Send ``head`` and ``body``, and wait for the final head.

        Raises UpstreamError, or what reading ``body`` raised. When the caller is cancelled, the connection closes.
        """
        self._connection.begin(self, head)
        if body is not None and has_content(body) and not self._is_over:
            self._connection.keep_an_ear()
            # Beside waiting for the answer, which may come first (RFC 9112 §9.3).
            self._upload = self._loop.create_task(self._send(body))
            self._upload.add_done_callback(self._uploaded)
        self._watch()
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.give_up()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the future keeps it
            self.give_up()
            raise afresh(error) from error.__cause__

    # The request's content -------------------------------------------------------------------------------------------

    async def _send(self, body: RequestBody) -> None:
        connection = self._connection
        async with aclosing(framed(body)) as pieces:
            async for piece in pieces:
                connection.write(piece)
                if connection.is_clogged:
                    connection.deadline.set(self._settings.idle)
                    await connection.unclogged()
                    connection.deadline.set(None)

    def _uploaded(self, upload: "asyncio.Task[None]") -> None:
        self._upload = None
        if upload.cancelled():
            return
        error = upload.exception()
        if error is None:
            self._watch()
        else:
            self._fail(error)

    # The response (what the connection calls) ------------------------------------------------------------------------

    def received(self, data: memoryview) -> None:
        """Bytes came."""
        incoming, reader = self._incoming, self._reader
        if self._is_tunnel and incoming is not None:
            self._put(incoming, bytes(data))
            return
        try:
            reader.feed(data)
        except UpstreamError as error:
            self._fail(error)
            return
        if reader.head is None:
            return
        if incoming is None:
            incoming = self._begin_answer(reader.head)
        if reader.pieces:
            self._put(incoming, b"".join(reader.pieces) if len(reader.pieces) > 1 else reader.pieces[0])
            reader.pieces.clear()
        if not reader.complete:
            self._watch()
        elif not self._is_tunnel:
            self._finish(reader.reusable and not self._upgrade)

    def ended(self) -> None:
        """The upstream closed its side."""
        if self._is_tunnel:
            self._finish(reusable=False)
            return
        try:
            self._reader.finish()
        except UpstreamError as error:
            self._fail(self._unanswered(error.detail) or error)
        else:
            self._finish(reusable=False)

    def lost(self, detail: str) -> None:
        """The connection broke."""
        if self._is_tunnel:
            self._finish(reusable=False)
        else:
            where = "content" if self._incoming is not None else "head" if self._reader.started else "answer"
            error = UpstreamError(Failure.PROTOCOL, f"the connection was lost before the end of the {where}: {detail}")
            self._fail(self._unanswered(detail) or error)

    def expired(self) -> None:
        """A deadline passed."""
        if self._upload is not None:
            problem = f"did not read the request's content for {self._settings.idle:g} s"
        elif self._incoming is None:
            problem = f"no answer for {self._settings.first_byte:g} s"
        else:
            problem = f"no more content for {self._settings.idle:g} s"
        self._fail(UpstreamError(Failure.TIMEOUT, problem))

    # The response (what its reader calls) ----------------------------------------------------------------------------

    def resume(self) -> None:
        """The client has read most of what came."""
        if not self._connection.is_reading:
            self._connection.resume()
            self._watch()

    def give_up(self) -> None:
        """Nobody wants the rest."""
        if not self._is_over:
            self._end(None)
            self._connection.abort()

    # ------------------------------------------------------------------------------------------------------------------

    def _begin_answer(self, head: ResponseHead) -> Incoming:
        self._incoming = incoming = Incoming(self)
        answer = UpstreamAnswer(head, incoming)
        if self._reader.switched is not None:
            self._is_tunnel = True
            answer = UpstreamAnswer(head, Incoming(None), UpstreamTunnel(incoming, self._connection))
            if self._reader.switched:
                self._put(incoming, self._reader.switched)
        if self._is_tunnel or _is_event_stream(head):
            self._idle = None
            self._connection.deadline.set(None)
            self._connection.detach()
        if not self._answer.done():
            self._answer.set_result(answer)
        return incoming

    def _put(self, incoming: Incoming, piece: bytes) -> None:
        incoming.put(piece)
        if incoming.is_full:
            self._connection.pause()

    def _watch(self) -> None:
        """Set the deadline for what is waited for now. The upstream is never blamed for a client that is slow."""
        if self._is_over or self._upload is not None:  # while content is sent, sending sets the deadline
            return
        if self._incoming is None:
            self._connection.deadline.set(self._settings.first_byte)
        else:
            self._connection.deadline.set(self._idle if self._connection.is_reading else None)

    def _finish(self, reusable: bool) -> None:
        if self._is_over:
            return
        is_sent = self._is_sent()
        self._end(None)
        if is_sent:
            self._connection.finish(reusable)
        else:
            self._connection.abort()

    def _is_sent(self) -> bool:
        """Whether the whole request was written; the connection is of no more use otherwise (RFC 9112 §9.3)."""
        upload = self._upload
        return upload is None or (upload.done() and not upload.cancelled() and upload.exception() is None)

    def _fail(self, error: BaseException) -> None:
        if not self._is_over:
            self._end(error)
            self._connection.abort()

    def _end(self, error: BaseException | None) -> None:
        self._is_over = True
        self._reader.close()
        if self._upload is not None:
            self._upload.cancel()
        if self._incoming is not None:
            self._incoming.end(error)
        if self._answer.done():
            return
        if error is None:
            self._answer.cancel()
        else:
            self._answer.set_exception(error)

    def _unanswered(self, detail: str) -> UpstreamError | None:
        if self._connection.trips > 1 and not self._reader.started:
            return ClosedUnansweredError(detail)
        return None


def _is_event_stream(head: ResponseHead) -> bool:
    content_type = head.fields.joined("content-type")
    return content_type is not None and content_type.lstrip().lower().startswith(_EVENT_STREAM)
