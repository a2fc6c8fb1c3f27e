"""Asks Redis within a time budget, and stops asking when it does not answer. Knows no command but its own probe.

The one place where what redis-py, the operating system and time-outs raise becomes StoreUnavailable.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from redis.exceptions import AskError, AuthenticationError, MovedError, NoPermissionError, ReadOnlyError, ResponseError

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.store.lasting import lasting
from proxy.store.redis_address import Place, RedisAddress
from proxy.store.redis_breaker import Breaker
from proxy.store.redis_connection import FOREIGN, OversizedReplyError, RedisConnection
from proxy.store.redis_pool import RedisPool
from proxy.store.redis_question import PROBE, Limits, Nodes, NonsenseError, Question, RedirectedError
from proxy.store.redis_sentinel import Sentinels
from proxy.store.stats import TierStats

T = TypeVar("T")

_LOG: Final = logging.getLogger("tambo.store")
_BEAT: Final = 1.0
"""Seconds between two probes while Redis is not used, or idle."""
_GRACE: Final = 0.002
"""Seconds for an answer to show that it had come in time."""
_REFUSALS: Final = frozenset({"OOM", "READONLY", "MISCONF", "NOREPLICAS", "NOPERM", "EXECABORT", "WRONGTYPE", "ERR"})
"""Replies of a Redis that is well but will not do this: they say nothing against the next command."""
_AUTHENTICATION_EVERY: Final = 60.0
_MAX_BEHIND: Final = 64


class RedisClient:
    """Satisfies proxy.store.redis_question.Redis, for one node: a pool, a breaker and a beat around them.

    Every call ends within its budget, in a result or StoreUnavailable.
    """

    is_divided: bool = False

    def __init__(
        self, address: RedisAddress, clock: Clock, limits: Limits, stats: TierStats, *, is_part: bool = False
    ) -> None:
        """``is_part``: of a Cluster, whose nodes know better who has a name; ``run`` raises RedirectedError then."""
        self._clock = clock
        self._is_part = is_part
        self._where = Sentinels(address, limits.command_timeout / 4) if address.service else None
        self._shown = address.shown
        self.limits = limits
        self.stats = stats
        self._breaker = Breaker()
        self._last_good = -1.0
        self._authentication_logged = -_AUTHENTICATION_EVERY
        self._detail = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._is_closed = False
        self._is_doubtful = False

        self._address = address
        self.pool = RedisPool(self.dial, clock, limits.connections, limits.command_timeout, limits.pace)

    def dial(self) -> RedisConnection:
        """A connection beside the pool's, not opened yet: for one that stays subscribed."""
        return RedisConnection(self._address, self.limits.command_timeout, self.limits.max_reply, self._where)

    def follow(self, hears: Callable[[Nodes], None]) -> None:
        """See Redis: there is one primary, and ``dial`` finds it."""
        hears({None: self.dial})

    @property
    def is_up(self) -> bool:
        """Whether Redis is being asked: the breaker is closed."""
        return not self._breaker.is_open

    @property
    def out_for(self) -> float:
        """Seconds since Redis was given up; 0 while it is being asked."""
        return self._breaker.open_for(self._clock.monotonic())

    @property
    def is_doubtful(self) -> bool:
        """Whether the last question got no answer: what can be done without Redis should be, now."""
        return self._breaker.is_open or self._is_doubtful

    @property
    def behind(self) -> int:
        """How many things run behind."""
        return len(self._tasks)

    async def open(self) -> None:
        """Ask once, so that ``is_up`` is true to life, and keep watching. A Redis that is down is no error."""
        await self._probe()
        if not self._is_closed:
            self._watching = lasting(self._watch, "watching Redis")

    async def close(self) -> None:
        """End every task and connection. Idempotent; later calls raise StoreUnavailable."""
        self._is_closed = True
        tasks = [*self._tasks, *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.pool.close()

    async def settled(self) -> None:
        """Wait for what runs behind now."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run(self, question: Question[T], budget: float) -> T:
        """Ask, and read the answer, in ``budget`` seconds. Raises StoreUnavailable."""
        if (self._breaker.is_open and not question.insists) or self._is_closed:
            self.stats.did(question.operation, "unavailable", 0.0)
            raise StoreUnavailable(question.operation, f"Redis is not in use: {self._detail or 'closed'}")
        return await self._ask(question, budget)

    def places(self) -> tuple[None]:
        """See Redis: this one."""
        return (None,)

    def place_of(self, name: bytes) -> None:
        """See Redis."""

    async def run_at(self, place: Place | None, question: Question[T], budget: float) -> T:
        """See Redis."""
        return await self.run(question, budget)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something behind; ``close`` ends it. StoreUnavailable ends it quietly; with too much behind, it is left
        undone."""
        if len(self._tasks) >= _MAX_BEHIND:
            work.close()
            return
        task = asyncio.create_task(work)  # noqa: TID251 - owned: close() ends it
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def _ask(self, question: Question[T], budget: float) -> T:
        began = self._clock.monotonic()
        connection = None
        try:
            async with asyncio.timeout(budget):
                connection = await self.pool.acquire()
                result = question.read(await connection.exchange(question.commands, question.replies))
        except asyncio.CancelledError:
            self._left(connection)
            raise
        except TimeoutError as error:
            raise await self._timed_out(question, connection, began, budget) from error
        except ResponseError as error:
            if self._where is not None and isinstance(error, ReadOnlyError):
                await self._dropped(connection)  # it was the primary once
                raise self._failed(question, error, began) from error
            self._let_go(connection)
            raise self._refused(question, error, began) from error
        except (*FOREIGN, NonsenseError) as error:
            await self._dropped(connection)
            raise self._failed(question, error, began) from error
        except BaseException:
            await self._dropped(connection)
            raise
        self._let_go(connection)
        self._is_doubtful, self._last_good = False, self._clock.monotonic()
        self.stats.did(question.operation, question.outcome(result), self._last_good - began)
        return result

    def _let_go(self, connection: RedisConnection | None) -> None:
        if connection is not None:
            self.pool.release(connection)

    async def _dropped(self, connection: RedisConnection | None) -> None:
        if connection is not None:
            await self.pool.drop(connection)

    def _left(self, connection: RedisConnection | None) -> None:
        """Whoever asked has gone. A reply that nobody read must never meet the next question."""
        if connection is not None:
            self.pool.settle_later(connection, self.limits.timeout)

    async def _timed_out(
        self, question: Question[T], connection: RedisConnection | None, began: float, budget: float
    ) -> StoreUnavailable:
        is_ours = await (self._was_busy(began) if connection is None else self._has_answered(connection))
        detail = f"no answer within {budget:g} s"
        self.stats.did(question.operation, "timeout", self._clock.monotonic() - began)
        if not is_ours:
            self._count_against(detail)
        return StoreUnavailable(question.operation, detail)

    async def _was_busy(self, began: float) -> bool:
        """Whether who got no connection waited in vain for others' answers, which came: no fault of Redis. It is, where
        it let all of them wait: they hold the connections for longer than a look-up has."""
        await asyncio.sleep(_GRACE)
        return not self.pool.is_silent(began)

    async def _has_answered(self, connection: RedisConnection) -> bool:
        """Whether the answer lay there all the time because this process stood still: no fault of Redis. One
        that stays silent is dropped."""
        try:
            async with asyncio.timeout(_GRACE):
                await connection.settle()
        except (*FOREIGN, TimeoutError):
            await self.pool.drop(connection)
            return False
        except asyncio.CancelledError:
            self._left(connection)
            raise
        self.pool.release(connection)
        return True

    def _refused(self, question: Question[T], error: ResponseError, began: float) -> StoreUnavailable | RedirectedError:
        """An error reply: of this command only, of a Redis that serves nobody now, or of one that knows who does."""
        if self._is_part and isinstance(error, AskError):
            place = error.host, error.port
            self._is_doubtful, self._last_good = False, self._clock.monotonic()
            return RedirectedError(place, error.slot_id, is_moved=isinstance(error, MovedError))
        code = error.status_code or str(error).partition(" ")[0]
        if code not in _REFUSALS:
            return self._failed(question, error, began)
        self._note_authentication(error)
        self.stats.did(question.operation, "refused", self._clock.monotonic() - began)
        return StoreUnavailable(question.operation, f"Redis refused: {_worded(error)}")

    def _failed(self, question: Question[T], error: BaseException, began: float) -> StoreUnavailable:
        self._note_authentication(error)
        self.stats.did(question.operation, "error", self._clock.monotonic() - began)
        if not isinstance(error, OversizedReplyError):  # that is one key's fault
            self._count_against(_worded(error))
        return StoreUnavailable(question.operation, _worded(error))

    def _count_against(self, detail: str) -> None:
        self._is_doubtful = True
        if self._breaker.failed(self._clock.monotonic()):
            self._out(detail)

    def _out(self, detail: str) -> None:
        self._detail = detail
        _LOG.warning("Redis at %s is out of use, going on without it: %s", self._shown, detail)
        self.later(self.pool.forget_idle())

    def _note_authentication(self, error: BaseException) -> None:
        now = self._clock.monotonic()
        is_ours = isinstance(error, AuthenticationError | NoPermissionError)
        if is_ours and now - self._authentication_logged >= _AUTHENTICATION_EVERY:
            self._authentication_logged = now
            _LOG.error("Redis at %s does not let us in: %s", self._shown, _worded(error))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_BEAT * (0.9 + random.random() / 5))  # noqa: S311 - spreads load, protects nothing
            await self._look_around()
            if self._breaker.is_open or self._clock.monotonic() - self._last_good > _BEAT:
                await self._probe()

    async def _look_around(self) -> None:
        """Find out whether the primary is another by now; connections to the old one are not used again."""
        if self._where is None:
            return
        before = self._where.place
        with suppress(*FOREIGN, TimeoutError):
            await self._where.find()
        if self._where.place != before:
            await self.pool.forget_idle()

    async def _probe(self) -> None:
        """Ask something harmless that reads, past the breaker: its answer alone opens or closes."""
        try:
            with suppress(RedirectedError):  # it is well, and another has the name
                await self._ask(PROBE, self.limits.command_timeout)
        except StoreUnavailable as error:
            if self._breaker.trip(self._clock.monotonic()):
                self._out(error.detail)
            return
        seconds = self._breaker.close(self._clock.monotonic())
        if seconds is not None:
            _LOG.warning("Redis at %s is back after %.1f s", self._shown, seconds)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, StoreUnavailable):
            _LOG.error("A task of the Redis store failed", exc_info=error)


def _worded(error: BaseException) -> str:
    """An error for the log: never empty, one line, bounded."""
    code = getattr(error, "status_code", None)
    text = " ".join(f"{code or type(error).__name__}: {error}".split())
    return text[:200]
