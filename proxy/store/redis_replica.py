"""This process as one of several over one Redis: its lease on answering from memory, and waiting for the others'
confirmation of a purge. Satisfies proxy.store.replica.Replica; judges and removes nothing.

A lease is an entry in one sorted set, with the end by the server's clock and the position up to which this process
knows the purge log. First it is entered, then the log is read, then memory may answer: for ``life`` seconds from
before it was sent, by the clock that goes on while a process stands still. So whoever logs a purge finds every process
there that may answer without having read it, and waits until each has told a later position or its entry has ended.
"""

import asyncio
import math
import os
import secrets
import socket
from contextlib import suppress
from functools import partial
from typing import Any, Final

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.store.lasting import lasting
from proxy.store.redis_lease import Pace
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import LASTING, replicas_name
from proxy.store.redis_question import NonsenseError, Question, Redis, pack
from proxy.store.redis_transaction import no_answer, sound
from proxy.store.replica import Learner

NOBODY_KNOWS: Final = "unknown: Redis does not answer"
"""Stands for replicas that could not be asked for."""
_PURGED: Final = b"p"
_GRACE: Final = 0.5
"""Seconds beyond a lease's life for which a purge waits."""
_SOONER: Final = 5
"""So much sooner than usual the lease is tried for again that could not be renewed."""
_FIRST_PAUSE: Final = 0.001
_SLOWER: Final = 1.5
_LONGEST_PAUSE: Final = 0.025

# ARGV: milliseconds, what to say, what was said before it (or nothing).
_TELL: Final = (
    b"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[3] ~= '' then redis.call('ZREM', KEYS[1], ARGV[3]) end
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
"""
    + LASTING
    + b"""
return 1"""
)

# ARGV: a channel to wake everyone by, or nothing.
_ASK: Final = b"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[1] ~= '' then redis.call('PUBLISH', ARGV[1], 'p') end
return redis.call('ZRANGE', KEYS[1], 0, -1)"""


class RedisReplica:
    """Opened after the store whose log it follows, closed before it."""

    def __init__(
        self, client: Redis, messages: RedisMessages, namespace: str, clock: Clock, pace: Pace | None = None
    ) -> None:
        self._client = client
        self._channel = messages.channel
        self._set = replicas_name(namespace)
        self._clock = clock
        self._pace = pace or Pace()
        self.name: Final = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}".replace("|", "")
        """What purgers call this process."""
        self._until = -math.inf
        self._renew_at = -math.inf
        self._said = b""
        self._told = 0
        self._kicked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        messages.listen(self._hear)

    def open(self, log: Learner) -> None:
        """Begin to hold a lease on answering with what ``log`` knows."""
        self._task = lasting(partial(self._keep_up, log), "lease on the purge log")

    async def close(self) -> None:
        """Give the lease back: no purge waits for this process any more. Idempotent."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task, self._until = None, -math.inf
        with suppress(StoreUnavailable):
            question = Question("replica", pack([(b"ZREM", self._set, self._said)]), 1, no_answer, at=self._set)
            await self._client.run(question, self._client.limits.command_timeout)

    # Satisfies Replica ---------------------------------------------------------------------------------------------

    def is_current(self) -> bool:
        """See Replica."""
        return self._clock.monotonic() < self._until

    @property
    def current_until(self) -> float:
        """See Replica."""
        return self._until

    async def confirmed(self, position: int) -> tuple[str, ...]:
        """See Replica."""
        deadline = self._clock.monotonic() + self._pace.life + _GRACE
        late: tuple[str, ...] = (NOBODY_KNOWS,)
        pause, channel = _FIRST_PAUSE, self._channel
        while True:
            with suppress(StoreUnavailable):
                learnt = await self._ask(channel)
                late = tuple(name for name, known in learnt.items() if known < position and name != self.name)
                if not late:
                    return ()
                channel = b""  # they are awake
            if self._clock.monotonic() >= deadline:
                return late
            await asyncio.sleep(pause)
            pause = min(_SLOWER * pause, _LONGEST_PAUSE)

    # At work -------------------------------------------------------------------------------------------------------

    async def _keep_up(self, log: Learner) -> None:
        while True:
            is_hurried = self._kicked.is_set()
            self._kicked.clear()
            pause = self._pace.beat
            try:
                if is_hurried and self._clock.monotonic() < self._renew_at:
                    await self._confirm(log)
                else:
                    await self._renew(log)
            except StoreUnavailable:  # somebody may be waiting for what we know
                pause /= _SOONER
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._kicked.wait()

    async def _renew(self, log: Learner) -> None:
        began, learnt = self._clock.monotonic(), log.learnt
        await self._tell(learnt)
        await log.catch_up()
        if log.learnt != learnt:
            await self._tell(log.learnt)
        self._until, self._renew_at = began + self._pace.life, began + self._pace.beat

    async def _confirm(self, log: Learner) -> None:
        """Somebody waits for us to learn a purge: that first. Our entry stands, and the lease is not prolonged by this:
        only what is read after it was entered anew could be vouched for longer."""
        await log.catch_up()
        if log.learnt != self._told:
            await self._tell(log.learnt)

    async def _tell(self, learnt: int) -> None:
        saying, before = b"%s|%d" % (self.name.encode(), learnt), self._said
        self._said = saying
        milliseconds = math.ceil(self._pace.life * 1000)
        command = (b"EVAL", _TELL, 1, self._set, milliseconds, saying, b"" if before == saying else before)
        # A Redis too slow for look-ups is not gone: while it can be told, what others purge is learnt and confirmed.
        question = Question("replica", pack([command]), 1, no_answer, at=self._set, insists=True)
        await self._client.run(question, self._client.limits.command_timeout)
        self._told = learnt

    async def _ask(self, channel: bytes) -> dict[str, int]:
        question = Question(
            "replicas", pack([(b"EVAL", _ASK, 1, self._set, channel)]), 1, _learnt, at=self._set, insists=True
        )
        return await self._client.run(question, self._client.limits.command_timeout)

    def _hear(self, message: bytes) -> None:
        if message in {_PURGED, b""}:
            self._kicked.set()


def _learnt(replies: list[Any]) -> dict[str, int]:
    """How far each replica knows the log, by what it said last."""
    said = sound(replies[0])
    if not isinstance(said, list):
        raise NonsenseError("not a list of replicas")
    learnt: dict[str, int] = {}
    for each in said:
        name, bar, position = each.partition(b"|") if isinstance(each, bytes) else (b"", b"", b"")
        if not bar or not position.isdigit():
            raise NonsenseError("not a replica")
        shown = name.decode(errors="replace")
        learnt[shown] = max(learnt.get(shown, 0), int(position))
    return learnt
