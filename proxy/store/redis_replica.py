"""This process as one of several over one Redis: its lease on answering from memory, and waiting for the others'
confirmation of a purge. Satisfies proxy.store.replica.Replica; judges and removes nothing.

A lease is an entry in one sorted set, with the end by the server's clock and the position up to which this process
knows the purge log. First it is entered, then the log is read, then memory may answer: for ``life`` seconds from
before it was sent, by the clock that goes on while a process stands still. So whoever logs a purge finds every process
there that may answer without having read it, and waits until each has told a later position or its entry has ended.
The message that tells of a purge says all of it, and which one came before: who knows that one has learnt it then.
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
from proxy.store import redis_log
from proxy.store.lasting import lasting
from proxy.store.redis_lease import Pace
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import LASTING, replicas_name
from proxy.store.redis_question import NonsenseError, Question, Redis, pack
from proxy.store.redis_transaction import no_answer, sound
from proxy.store.replica import Learner, Term

NOBODY_KNOWS: Final = "unknown: Redis does not answer"
"""Stands for replicas that could not be asked for."""
_LEARNT: Final = b"l"
"""What a message begins with that says who has learnt the log up to where, to somebody who waits for it."""
_MOST_WAITED_FOR: Final = 64
"""Purges of which it is remembered who was there."""
_MOST_KNOWN: Final = 20_000
"""Replicas of which it is remembered what they have said."""
_GRACE: Final = 0.5
"""Seconds beyond a lease's life for which a purge waits."""
_SOONER: Final = 5
"""So much sooner than usual the lease is tried for again that could not be renewed."""
_FIRST_PAUSE: Final = 0.025
"""Seconds to wait for the others to say that they have learnt a purge before they are asked again, at first."""
_SLOWER: Final = 1.5
_LONGEST_PAUSE: Final = 0.1

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

# ARGV: a channel to wake everyone by, or nothing, and the message that does.
_ASK: Final = b"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[1] ~= '' then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return redis.call('ZRANGE', KEYS[1], 0, -1)"""


class RedisReplica:
    """Opened after the store whose log it follows, closed before it. Satisfies proxy.store.redis_purges.Waiter too."""

    def __init__(
        self, client: Redis, messages: RedisMessages, namespace: str, clock: Clock, pace: Pace | None = None
    ) -> None:
        self._client = client
        self._everyone = messages.channel
        self._set = replicas_name(namespace)
        self._clock = clock
        self._pace = pace or Pace()
        self.name: Final = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}".replace("|", "")
        """What purgers call this process."""
        self.channel: Final = b"%s:%s" % (messages.channel, self.name.encode())
        """Where those who have learnt a purge of this process say so."""
        self._term = Term(clock)
        self._renew_at = -math.inf
        self._said = b""
        self._told = 0
        self._kicked = asyncio.Event()
        self._waiting: set[asyncio.Event] = set()
        self._known: dict[str, int] = {}
        """Who has said up to where he knows the log."""
        self._there: dict[int, dict[str, int]] = {}
        """Who was there when something was logged here, by its position, and what each knew."""
        self._log: Learner | None = None
        self._task: asyncio.Task[None] | None = None
        messages.listen_to(self.channel)
        messages.listen(self._hear)

    def open(self, log: Learner) -> None:
        """Begin to hold a lease on answering with what ``log`` knows."""
        self._log = log
        self._task = lasting(partial(self._keep_up, log), "lease on the purge log")

    async def close(self) -> None:
        """Give the lease back: no purge waits for this process any more. Idempotent."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task, self._log = None, None
        self._term.end()
        with suppress(StoreUnavailable):
            question = Question("replica", pack([(b"ZREM", self._set, self._said)]), 1, no_answer, at=self._set)
            await self._client.run(question, self._client.limits.command_timeout)

    # Satisfies Replica ---------------------------------------------------------------------------------------------

    def is_current(self) -> bool:
        """See Replica."""
        return self._clock.monotonic() < self._term.until

    @property
    def current_until(self) -> float:
        """See Replica."""
        return self._term.until

    def was_current(self, seconds: float) -> bool:
        """See Replica."""
        return self._term.was_on(seconds)

    async def confirmed(self, position: int) -> tuple[str, ...]:
        """See Replica."""
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            return await self._all_but(position, news)
        finally:
            self._waiting.remove(news)

    async def _all_but(self, position: int, news: asyncio.Event) -> tuple[str, ...]:
        """Wait until all have learnt ``position``; those who have not in time. Each says so as soon as he has; that a
        lease has ended is found out by asking, and so is what was said and not heard."""
        deadline = self._clock.monotonic() + self._pace.life + _GRACE
        late: tuple[str, ...] = (NOBODY_KNOWS,)
        there, pause, channel = self._there.pop(position, None), _FIRST_PAUSE, self._everyone
        while True:
            with suppress(StoreUnavailable):
                if there is None:
                    there, channel = await self._ask(channel), b""  # who had not heard of it is awake now
                late = tuple(name for name, known in there.items() if known < position and name != self.name)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    while late := tuple(name for name in late if self._known.get(name, -1) < position):
                        news.clear()
                        await news.wait()
                    return ()
            if self._clock.monotonic() >= deadline:
                return late
            there, pause = None, min(_SLOWER * pause, _LONGEST_PAUSE)

    # Satisfies Waiter ----------------------------------------------------------------------------------------------

    def logged(self, position: int, said: Any) -> None:
        """See Waiter. Whoever enters later reads the log first, and with it what was logged."""
        with suppress(NonsenseError):
            self._there[position] = _learnt([said])
            if len(self._there) > _MOST_WAITED_FOR:
                del self._there[next(iter(self._there))]

    # At work -------------------------------------------------------------------------------------------------------

    async def _keep_up(self, log: Learner) -> None:
        while True:
            pause = self._pace.beat
            try:
                if self._kicked.is_set():
                    self._kicked.clear()
                    await self._confirm(log)
                if self._clock.monotonic() >= self._renew_at:
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
        self._term.prolong(began + self._pace.life)
        self._renew_at = began + self._pace.beat

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
        command = (b"EVAL", _ASK, 1, self._set, channel, redis_log.PURGED)
        question = Question("replicas", pack([command]), 1, _learnt, at=self._set, insists=True)
        return await self._client.run(question, self._client.limits.command_timeout)

    def _hear(self, message: bytes) -> None:
        if message.startswith(_LEARNT):
            self._hear_of_another(message[len(_LEARNT) :])
        elif message.startswith(redis_log.PURGED) or not message:
            self._hear_of_a_purge(redis_log.announced(message) if message else None)

    def _hear_of_a_purge(self, announced: redis_log.Announced | None) -> None:
        """What is told whole is learnt in this moment, and its purger told so; anything else is read from the log."""
        if announced is None or self._log is None or not self._log.learn(announced.before, announced.logged):
            self._kicked.set()
        elif announced.waiter not in {b"", self.channel}:
            self._client.later(self._answer(announced.waiter, self._log.learnt))

    async def _answer(self, channel: bytes, learnt: int) -> None:
        """To somebody who waits; where he does not hear it, he asks."""
        saying = b"%s%s|%d" % (_LEARNT, self.name.encode(), learnt)
        question = Question("replica", pack([(b"PUBLISH", channel, saying)]), 1, no_answer, at=self._set, insists=True)
        await self._client.run(question, self._client.limits.command_timeout)

    def _hear_of_another(self, saying: bytes) -> None:
        with suppress(NonsenseError):
            name, position = _read_saying(saying)
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            self._known[name] = max(self._known.get(name, -1), position)
            for news in self._waiting:
                news.set()


def _learnt(replies: list[Any]) -> dict[str, int]:
    """How far each replica knows the log, by what it said last."""
    said = sound(replies[0])
    if not isinstance(said, list):
        raise NonsenseError("not a list of replicas")
    learnt: dict[str, int] = {}
    for each in said:
        name, position = _read_saying(each)
        learnt[name] = max(learnt.get(name, 0), position)
    return learnt


def _read_saying(saying: Any) -> tuple[str, int]:
    """Who says up to where he knows the log. Raises NonsenseError."""
    name, bar, position = saying.partition(b"|") if isinstance(saying, bytes) else (b"", b"", b"")
    if not bar or not position.isdigit():
        raise NonsenseError("not a replica")
    return name.decode(errors="replace"), int(position)
