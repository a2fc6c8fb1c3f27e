"""One connection to the origin: its transport, its flow control, and the round trip under way. Knows no HTTP.

Its owner (the pool) hears when it is free, when it stops being counted, and when it is gone.
"""

import asyncio
import contextlib
import os
import select
import socket
import ssl
from typing import Final, Protocol, cast

from proxy.edge.transports import cut
from proxy.edge.upstream.deadline import Deadline
from proxy.errors import Failure, UpstreamError

LINGER: Final = 5.0
"""Seconds that unsent bytes are given when a connection is closed in good order."""


class Owner(Protocol):
    """Who keeps connections."""

    def free(self, connection: "Connection") -> None:
        """It may carry another request."""
        ...

    def detach(self, connection: "Connection") -> None:
        """It now belongs to one client, for as long as that client likes."""
        ...

    def gone(self, connection: "Connection") -> None:
        """It is closed. Called once."""
        ...


class Trip(Protocol):
    """The request and response that a connection carries now."""

    def received(self, data: memoryview) -> None:
        """Bytes came; the memory is reused afterwards."""
        ...

    def ended(self) -> None:
        """The upstream closed its side in good order."""
        ...

    def lost(self, detail: str) -> None:
        """The connection broke."""
        ...

    def expired(self) -> None:
        """The deadline that the trip set has passed."""
        ...


class Connection(asyncio.BufferedProtocol):
    """Carries one trip at a time. ``buffer`` is shared by all connections: what was read is parsed at once."""

    def __init__(self, buffer: memoryview) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._buffer = buffer
        self._owner: Owner | None = None
        self._transport: asyncio.Transport  # set before anybody gets to see the connection
        self._trip: Trip | None = None
        self._is_gone = False
        self._is_reading = True
        self._is_clogged = False
        self._unclogged: asyncio.Future[None] | None = None
        self._ear: socket.socket | None = None
        self.deadline = Deadline(loop, self._expired)
        self.trips = 0
        """Requests it has carried, the one under way included."""

    # For the pool ----------------------------------------------------------------------------------------------------

    def adopt(self, owner: Owner) -> None:
        """Tell ``owner`` from now on."""
        self._owner = owner
        if self._is_gone:
            owner.gone(self)

    @property
    def is_open(self) -> bool:
        """Whether anything can still be sent on it."""
        return not self._is_gone and not self._transport.is_closing()

    def has_news(self) -> bool:
        """Whether the kernel holds something unread for this idle connection: its end, or what nobody asked for."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close in good order: what was written may still go out, for a while."""
        self._leave("closed on this side")
        if self._transport.get_write_buffer_size():
            self._loop.call_later(LINGER, cut, self._transport)
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._leave("closed on this side")
        cut(self._transport)

    # For the trip ----------------------------------------------------------------------------------------------------

    def begin(self, trip: Trip, data: bytes) -> None:
        """Carry ``trip``, whose first bytes are ``data``."""
        self.trips += 1
        self._trip = trip
        self.deadline.set(None)
        if self.is_open:
            self.write(data)
        else:
            trip.lost("closed before the request was sent")

    def keep_an_ear(self) -> None:
        """While content is sent: be able to read what the origin said before it closed on content that it did not want
        (RFC 9112 §9.6). A loop gives a connection up on the first write that fails, and does not look at what had come.
        """
        sock = self._transport.get_extra_info("socket")
        if self.is_open and self._ear is None and sock and not self._transport.get_extra_info("ssl_object"):
            with contextlib.suppress(OSError):  # no descriptor is left: then it is not heard
                self._ear = socket.socket(fileno=os.dup(sock.fileno()))

    def write(self, data: bytes) -> None:
        """Send without waiting; see ``is_clogged``. Raises UpstreamError(PROTOCOL) when the connection is gone."""
        if not self.is_open:
            raise UpstreamError(Failure.PROTOCOL, "the connection is gone")
        self._transport.write(data)

    @property
    def is_clogged(self) -> bool:
        """Whether the upstream does not read as fast as it is written to."""
        return self._is_clogged

    async def unclogged(self) -> None:
        """Wait until more may be written. Raises UpstreamError(PROTOCOL) when the connection goes instead."""
        while self._is_clogged:
            if not self.is_open:
                raise UpstreamError(Failure.PROTOCOL, "the connection is gone")
            if self._unclogged is None:
                self._unclogged = self._loop.create_future()
            await asyncio.shield(self._unclogged)

    @property
    def is_reading(self) -> bool:
        """Whether it is not paused."""
        return self._is_reading

    def pause(self) -> None:
        """Read no more for now."""
        if self._is_reading and self.is_open:
            self._is_reading = False
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self._is_reading and self.is_open:
            self._is_reading = True
            self._transport.resume_reading()

    def detach(self) -> None:
        """Stop counting it: what it carries lasts as long as a client likes."""
        if self._owner is not None:
            self._owner.detach(self)

    def finish(self, reusable: bool) -> None:
        """The trip is over in good order."""
        self._trip = None
        self._stop_listening()
        if reusable and self._is_drained() and self._owner is not None:
            self.resume()
            self._owner.free(self)
        else:
            self.close()

    # For the transport -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP, and TLS where wanted, are established."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        if self._trip is not None:
            self._trip.received(self._buffer[:nbytes])
        else:
            self.abort()  # nothing was asked: whatever this is, the next response would be mistaken for it

    def eof_received(self) -> None:
        """The upstream closed its side; the transport closes ours."""
        if self._trip is None:
            self.abort()
        elif self._ended_in_good_order():
            self._trip.ended()
        else:
            self._leave("closed without TLS's closing alert")

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is closed: by us, or by a reset."""
        if self._trip is not None and self._ear is not None and isinstance(exc, OSError):
            self._read_what_is_left(self._ear)
        self._leave(str(exc) if exc is not None else "closed")

    def pause_writing(self) -> None:
        """The upstream reads slower than we write."""
        self._is_clogged = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._is_clogged = False
        self._wake_writer()

    def _wake_writer(self) -> None:
        waiter, self._unclogged = self._unclogged, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _expired(self) -> None:
        if self._trip is not None:
            self._trip.expired()
        else:
            self.close()

    def _ended_in_good_order(self) -> bool:
        """Whether it is the origin that ended: in TLS a bare end of TCP can be anybody's doing (RFC 9112 §9.8)."""
        tls = self._transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            return not tls.read(1)  # all content was read before: only the alert can be there
        except ssl.SSLError:
            return False

    def _read_what_is_left(self, ear: socket.socket) -> None:
        with contextlib.suppress(OSError):  # nothing is left
            while self._trip is not None and self._is_reading and (count := ear.recv_into(self._buffer)):
                self.buffer_updated(count)

    def _stop_listening(self) -> None:
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.close()

    def _is_drained(self) -> bool:
        """Whether all that was written is out: a request that was answered before it was read is still in the way."""
        return self.is_open and self._transport.get_write_buffer_size() == 0

    def _leave(self, detail: str) -> None:
        """Be gone, once: before the transport is, so that a place is free as soon as it can be."""
        if self._is_gone:
            return
        self._is_gone = True
        self._stop_listening()
        self.deadline.close()
        self._wake_writer()
        if self._owner is not None:
            self._owner.gone(self)
        trip, self._trip = self._trip, None
        if trip is not None:
            trip.lost(detail)
