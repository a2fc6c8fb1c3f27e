"""The way out to one client: writes bytes, waits while it does not read, gives up on one that never does."""

import asyncio
from fcntl import ioctl
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from sys import byteorder
from termios import TIOCOUTQ
from typing import Final

from proxy.edge.transports import cut
from proxy.errors import ClientGoneError

_RESET: Final = pack("ii", 1, 0)
SLICE: Final = 128 * 1024
"""The most of a body in memory that is handed to the transport at once, and the most that goes out between two turns
of the event loop: a kernel that swallows megabytes must not make everybody else wait."""


class Outlet:
    """One connection's sending side. Every method that sends raises ClientGoneError when nobody is there any more."""

    __slots__ = ("_held", "_paused", "_transport", "_unread_timeout", "_waiter", "_yielded_at", "sent")

    def __init__(self, transport: asyncio.Transport, unread_timeout: float) -> None:
        self._transport = transport
        self._unread_timeout = unread_timeout
        self._paused = False
        self._held = b""
        self._waiter: asyncio.Future[None] | None = None
        self._yielded_at = 0
        self.sent = 0
        """Bytes handed to the transport so far."""

    @property
    def is_paused(self) -> bool:
        """Whether the client does not read as fast as it is written to."""
        return self._paused

    def pause(self) -> None:
        """The transport's buffer is full."""
        self._paused = True

    def resume(self) -> None:
        """The transport's buffer has room again, or is gone."""
        self._paused = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def write(self, data: bytes | memoryview) -> None:
        """Send without waiting."""
        if self._transport.is_closing():
            raise ClientGoneError("the connection is closed")
        held, self._held = self._held, b""
        self._transport.write(b"".join((held, data)) if held else data)
        self.sent += len(data)

    def hold(self, data: bytes) -> None:
        """Send together with what is sent next; alone, if this turn of the event loop brings nothing."""
        if self._transport.is_closing():
            raise ClientGoneError("the connection is closed")
        self._held += data
        self.sent += len(data)
        asyncio.get_running_loop().call_soon(self.release)

    def release(self) -> None:
        """Send what is held, now. Idempotent."""
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    async def send(self, data: bytes | memoryview) -> None:
        """Send, and wait until there is room for more and the others have had their turn."""
        self.write(data)
        if self._paused:
            await self.drain()
        elif self.sent - self._yielded_at >= SLICE:
            self._yielded_at = self.sent
            await asyncio.sleep(0)

    async def send_whole(self, head: bytes, body: bytes) -> None:
        """Send a head and a body in memory: one write where that is cheap, else slices that wait for each other."""
        if len(body) <= SLICE:
            await self.send(head + body)
            return
        await self.send(head)
        view = memoryview(body)
        for start in range(0, len(body), SLICE):
            await self.send(view[start : start + SLICE])

    async def drain(self) -> None:
        """Wait while the client does not read; cut it off when it reads nothing at all for too long."""
        while self._paused:
            pending = self.pending()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self._unread_timeout):
                    await self._waiter
            except TimeoutError:
                if self._transport.is_closing() or self.pending() >= pending:
                    self.abort()
                    raise ClientGoneError("it read nothing for too long") from None
            finally:
                self._waiter = None
        if self._transport.is_closing():
            raise ClientGoneError("the connection is closed")

    def pending(self) -> int:
        """Bytes that the client has not acknowledged, here and in the kernel."""
        buffered = self._transport.get_write_buffer_size()
        socket = self._transport.get_extra_info("socket")
        try:
            return buffered + int.from_bytes(ioctl(socket.fileno(), TIOCOUTQ, bytes(4)), byteorder)
        except (OSError, AttributeError):  # not a TCP socket, or closed meanwhile
            return buffered

    def abort(self) -> None:
        """Cut the connection: what was not sent never is. The client notices by the framing that lacks its end."""
        cut(self._transport)

    def reset(self) -> None:
        """Cut the connection so that it cannot be taken for a content's end, where closing is the framing."""
        socket = self._transport.get_extra_info("socket")
        if socket is not None and not self._transport.is_closing():
            socket.setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
        cut(self._transport)
