"""Look-ups on one connection to Redis, those of one turn of the event loop in one write. Opens and repeats nothing.

A question is answered with its replies, or with None: whatever goes wrong, whoever asked can still ask another way.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import hiredis

MOST: Final = 1_000
"""Questions under way; more than a slow Redis should be asked at once."""
_GRACE: Final = 0.002
"""Seconds for an answer to show that it had come in time."""

Then = Callable[[Any, Any], None]
"""Gets the reply to the preface of its batch and the reply to its own command; two Nones where there are none."""


class RedisLine(asyncio.Protocol):
    """Put on an open connection's transport. Each batch begins with ``preface``, a command all its questions need the
    reply of, read in the same moment or before."""

    def __init__(self, preface: bytes, timeout: float, max_reply: int) -> None:
        """``timeout``: seconds from the question to its answer. ``max_reply``: bytes that one read may still wait
        for."""
        self._loop = asyncio.get_running_loop()
        self._preface = preface
        self._timeout = timeout
        self._max_reply = max_reply
        self._reader: Any = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._batch: list[bytes] = []
        self._waiting: deque[tuple[float, Then | None]] = deque()
        """By when a reply is due, and whose it is; None: a preface."""
        self._prefaced: Any = None
        self._unread = 0
        self._timer: asyncio.TimerHandle | None = None
        self.is_open = False

    def begin(self, transport: asyncio.Transport) -> None:
        """Speak on this connection from now on: nothing is owed on it."""
        self._transport, self.is_open = transport, True

    def ask(self, command: bytes, then: Then) -> bool:
        """Ask, and tell ``then`` later, never at once. False: not now, and nobody is told."""
        if not self.is_open or len(self._waiting) >= MOST:
            return False
        due = self._loop.time() + self._timeout
        if not self._batch:
            self._loop.call_soon(self._send)
            self._batch.append(self._preface)
            self._waiting.append((due, None))
        self._batch.append(command)
        self._waiting.append((due, then))
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look)
        return True

    def end(self) -> None:
        """Nobody is answered any more; who waits is told so. Closing the connection is its owner's. Idempotent."""
        self.is_open = False
        self._batch.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, deque()
        for _, then in waiting:
            if then is not None:
                then(None, None)

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        try:
            if batch and self._transport is not None:
                self._transport.write(b"".join(batch))
        except RuntimeError:  # uvloop's, for a connection that was reset
            self.end()

    # What the transport calls ----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Replies came, or parts of them. What nobody asked for, or cannot be read, ends it."""
        self._unread += len(data)
        if not self._fed(data) or self._unread > self._max_reply:
            self.end()

    def _fed(self, data: bytes) -> bool:
        """Hand out the replies that are whole now; False: these are none to what was asked."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._unread = 0
                if not self._waiting:
                    return False
                _, then = self._waiting.popleft()
                if then is None:
                    self._prefaced = reply
                else:
                    then(self._prefaced, reply)
        except (hiredis.HiredisError, MemoryError):
            return False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.end()

    # Deadlines -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """The oldest question is due, or was; its answer may lie here unread, since this process stood still."""
        self._timer = None
        if self._waiting:
            due, _ = self._waiting[0]
            late = self._loop.time() - due
            self._timer = self._loop.call_later(_GRACE, self._judge, due) if late >= 0 else self._again(due)

    def _judge(self, due: float) -> None:
        self._timer = None
        if self._waiting and self._waiting[0][0] <= due:
            self.end()
        else:
            self._look()

    def _again(self, due: float) -> asyncio.TimerHandle:
        return self._loop.call_at(due, self._look)
