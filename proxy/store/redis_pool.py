"""A bounded set of connections to Redis: who may use one, and when the next is opened. Knows no command.

Connections are opened by a task of the pool, one at a time and not more often than the pace allows, never by whoever
asks: a request waits for one to come free inside its own budget, and a Redis that returns meets no storm.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from proxy.clock import Clock
from proxy.errors import afresh
from proxy.store.redis_connection import FOREIGN, RedisConnection

_LOG: Final = logging.getLogger("tambo.store")
PACE: Final = 0.2
"""Seconds between two attempts to connect."""

_SPARE: Final = 2

Dial = Callable[[], RedisConnection]


class RedisPool:
    """At most ``size`` connections, opened by need, one each ``pace`` seconds and up to half as many more (so that
    replicas spread out)."""

    def __init__(self, dial: Dial, clock: Clock, size: int, connect_timeout: float, pace: float = PACE) -> None:
        self._dial = dial
        self._clock = clock
        self._size = size
        self._connect_timeout = connect_timeout
        self._pace = pace
        self._idle: list[RedisConnection] = []
        self._busy: set[RedisConnection] = set()
        self._waiters: deque[asyncio.Future[RedisConnection]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_dialling = False
        self._next_attempt = -1.0
        self._last_error: BaseException | None = None
        self._answered_at = -1.0
        self._is_closed = False
        self.attempts = 0
        """Connections that were begun, for tests and metrics."""

    @property
    def live(self) -> int:
        """How many connections stand."""
        return len(self._idle) + len(self._busy)

    def is_silent(self, since: float) -> bool:
        """Whether nothing has been answered since monotonic ``since``, on any connection, though not all of them are
        still busy sending something long; or whether there are none."""
        is_sending = bool(self._busy) and all(busy.is_sending for busy in self._busy)
        return not self.live or (self._answered_at < since and not is_sending)

    async def acquire(self) -> RedisConnection:
        """A connection to use alone, then to give to ``release`` or ``drop``. Waits while all are in use; the caller
        sets the bound. Raises one of FOREIGN, at once where none stands and the next attempt is not due."""
        while self._idle:
            connection = self._idle.pop()
            if await connection.is_reusable():
                self._busy.add(connection)
                return connection
            await connection.close()
        if self._is_closed:
            raise ConnectionError("closed")
        if self._last_error is not None and not self.live and self._clock.monotonic() < self._next_attempt:
            raise ConnectionError(f"not reachable: {self._last_error}")
        return await self._wait()

    def release(self, connection: RedisConnection) -> None:
        """Give back a connection that owes nothing: what was asked on it has been answered."""
        self._answered_at = self._clock.monotonic()
        self._pass_on(connection)

    async def drop(self, connection: RedisConnection) -> None:
        """Close a connection that cannot be trusted any more."""
        self._busy.discard(connection)
        await connection.close()
        self._grow()

    def settle_later(self, connection: RedisConnection, seconds: float) -> None:
        """Take back a connection whose user left in the middle: read what it is owed within ``seconds``, or drop it."""
        self._own(self._settle(connection, seconds))

    async def forget_idle(self) -> None:
        """Close what nobody uses: after an outage nothing old is trusted."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def close(self) -> None:
        """Close everything and end every task. Idempotent."""
        self._is_closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(ConnectionError("closed"))
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in (*self._idle, *self._busy):
            await connection.close(wait=True)
        self._idle.clear()
        self._busy.clear()

    async def _wait(self) -> RedisConnection:
        waiter: asyncio.Future[RedisConnection] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._grow()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        except FOREIGN as error:
            raise afresh(error) from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _pass_on(self, connection: RedisConnection) -> None:
        self._busy.discard(connection)
        self._offer(connection)

    def _offer(self, connection: RedisConnection) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._busy.add(connection)
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    def _grow(self) -> None:
        if self._wants_more() and not self._is_dialling and not self._is_closed:
            self._is_dialling = True
            self._own(self._connect())

    def _wants_more(self) -> bool:
        # A spare one, so that losing a connection costs nobody a wait; but a Redis that refused is left in peace.
        return self.live < (self._size if self._waiters else min(_SPARE, self._size) if self._last_error is None else 0)

    async def _connect(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._next_attempt - self._clock.monotonic()))
            if self._wants_more():
                await self._attempt()
        finally:
            self._is_dialling = False
        self._grow()

    async def _attempt(self) -> None:
        self.attempts += 1
        jitter = 1 + random.random() / 2  # noqa: S311 - spreads load, protects nothing
        self._next_attempt = self._clock.monotonic() + self._pace * jitter
        connection = self._dial()
        try:
            async with asyncio.timeout(self._connect_timeout):
                await connection.open()
        except FOREIGN as error:
            await connection.close()
            self._fail(error)
        except asyncio.CancelledError:
            await connection.close()
            raise
        else:
            self._last_error = None
            self._offer(connection)

    def _fail(self, error: BaseException) -> None:
        self._last_error = afresh(error)
        while self._waiters and not self.live:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(afresh(error))

    async def _settle(self, connection: RedisConnection, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await connection.settle()
        except (*FOREIGN, asyncio.CancelledError):
            await self.drop(connection)
            raise
        self.release(connection)

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)  # noqa: TID251 - owned: close() ends it
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, FOREIGN):
            _LOG.error("A task of the pool of Redis connections failed", exc_info=error)
