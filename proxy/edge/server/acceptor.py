"""Listening sockets: takes connections from the kernel while there is room and descriptors. Serves nobody."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final

_BURST: Final = 32
"""Connections taken in one go, so that a flood does not hold up those who are served."""
_FULL_PAUSE: Final = 0.05
_FAILURE_PAUSE: Final = 0.25


class Acceptor:
    """Accepts for one protocol factory. asyncio's own accept loop logs each failed accept; this one pauses instead."""

    def __init__(
        self,
        factory: Callable[[], asyncio.BaseProtocol],
        has_room: Callable[[], bool],
        failed: Callable[[OSError], None],
        handshake_timeout: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._factory = factory
        self._has_room = has_room
        self._failed = failed
        self._handshake_timeout = handshake_timeout
        self._ssl: ssl.SSLContext | None = None
        self._burst = _BURST
        self._sockets: dict[socket.socket, asyncio.TimerHandle | None] = {}
        self._adopting: set[asyncio.Task[None]] = set()

    @property
    def adopting(self) -> int:
        """Connections accepted that are not served yet (TLS handshakes, mostly)."""
        return len(self._adopting)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens."""
        return [sock.getsockname()[:2] for sock in self._sockets]

    def listen(
        self, sockets: Sequence[socket.socket], context: ssl.SSLContext | None, *, is_shared: bool = False
    ) -> None:
        """Begin to accept on sockets that listen; they are closed with this. ``is_shared``: other processes accept on
        them too, and are left their part."""
        self._ssl = context
        self._burst = 1 if is_shared else _BURST
        for sock in sockets:
            self._sockets[sock] = None
            self._loop.add_reader(sock.fileno(), self._accept, sock)

    def close(self) -> None:
        """Take what the kernel has already accepted for us, then listen no more. Idempotent."""
        for sock, timer in self._sockets.items():
            if timer is not None:
                timer.cancel()
            self._loop.remove_reader(sock.fileno())
            with contextlib.suppress(OSError):
                while self._take(sock):
                    pass
            sock.close()
        self._sockets.clear()

    def abort(self) -> None:
        """Give up connections that are not served yet."""
        for task in self._adopting:
            task.cancel()

    async def settled(self) -> None:
        """Wait until every connection that was accepted is served or lost."""
        if self._adopting:
            await asyncio.wait(self._adopting)

    def _accept(self, sock: socket.socket) -> None:
        try:
            for _ in range(self._burst):
                if not self._has_room():
                    self._pause(sock, _FULL_PAUSE)
                    return
                if not self._take(sock):
                    return
        except OSError as error:  # no descriptors, no memory, or the network's trouble: all of them pass
            self._pause(sock, _FAILURE_PAUSE)
            self._failed(error)

    def _take(self, sock: socket.socket) -> bool:
        try:
            client, _ = sock.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionAbortedError:
            return True
        client.setblocking(False)
        task = self._loop.create_task(self._adopt(client))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)
        return True

    async def _adopt(self, client: socket.socket) -> None:
        timeout = self._handshake_timeout if self._ssl else None
        try:
            await self._loop.connect_accepted_socket(
                self._factory, client, ssl=self._ssl, ssl_handshake_timeout=timeout
            )
        except (OSError, TimeoutError):  # a handshake that failed, or a client that left (ssl.SSLError is an OSError)
            client.close()

    def _pause(self, sock: socket.socket, seconds: float) -> None:
        self._loop.remove_reader(sock.fileno())
        self._sockets[sock] = self._loop.call_later(seconds, self._go_on, sock)

    def _go_on(self, sock: socket.socket) -> None:
        self._sockets[sock] = None
        self._loop.add_reader(sock.fileno(), self._accept, sock)
