"""Keeps one line to Redis for look-ups that nobody waits for in a task: opened when first needed. Reads no reply.

It is a short cut: while there is no line, or where one breaks, whoever looks up asks over the pool, which alone judges
how Redis is.
"""

from typing import Final

from proxy.clock import Clock
from proxy.store.redis_connection import FOREIGN, RedisConnection
from proxy.store.redis_line import RedisLine, Then
from proxy.store.redis_question import Redis

_LONGEST: Final = 256 * 1024
"""Bytes of one reply: who waits behind a longer one would wait for too long."""


class RedisLookups:
    """The line, and when another one is opened: not more often than the pace allows."""

    def __init__(self, redis: Redis, preface: bytes, clock: Clock) -> None:
        """``preface``: see RedisLine."""
        self._redis = redis
        self._preface = preface
        self._clock = clock
        self._connection: RedisConnection | None = None
        self._line: RedisLine | None = None
        self._next_attempt = -1.0
        self._is_closed = False

    def ask(self, command: bytes, then: Then) -> bool:
        """See RedisLine; False where there is no line now, or Redis is out of use."""
        line, connection = self._line, self._connection
        if line is None or connection is None or not (line.is_open and connection.is_current and self._redis.is_up):
            self._reopen()
            return False
        return line.ask(command, then)

    def distrust(self) -> None:
        """What it says makes no sense."""
        if self._line is not None:
            self._line.end()

    async def close(self) -> None:
        """End it. Idempotent."""
        self._is_closed = True
        await self._hang_up()

    def _reopen(self) -> None:
        now = self._clock.monotonic()
        if self._redis.is_up and not self._is_closed and now >= self._next_attempt:
            self._next_attempt = now + self._redis.limits.command_timeout
            self._redis.later(self._open())

    async def _open(self) -> None:
        await self._hang_up()
        limits, connection, transport = self._redis.limits, self._redis.dial(), None
        line = RedisLine(self._preface, limits.timeout, min(limits.max_reply, _LONGEST))
        try:
            await connection.open()
            transport = connection.hand_over(line)
        except (*FOREIGN, TimeoutError):
            pass  # whoever looks up over the pool says it
        except BaseException:
            await connection.close()
            raise
        if transport is None or self._is_closed:
            await connection.close()
            return
        line.begin(transport)
        self._line, self._connection = line, connection

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        connection, self._connection = self._connection, None
        if line is not None:
            line.end()
        if connection is not None:
            await connection.close()
