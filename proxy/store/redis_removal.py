"""Removes from Redis what hard purges have left there, behind and bit by bit, and counts what purges met that nobody
could count before. One process of all that share a Redis does it, under a lease; nobody waits for it.

That the bytes go is a matter of room alone: what was purged is out of reach from the moment it was logged.
"""

import asyncio
import logging
import math
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct
from redis.exceptions import AskError

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.store.backing import CarriedOut, LoggedPurge
from proxy.store.redis_names import FENCE, removal_name
from proxy.store.redis_pages import Lying, RedisPages
from proxy.store.redis_purges import RedisPurges
from proxy.store.redis_question import NonsenseError, Question, Redis, pack
from proxy.store.redis_transaction import no_answer, sound
from proxy.store.replica import Learner

LOG: Final = logging.getLogger("tambo.store")

BEAT: Final = 1.0
"""Seconds between two looks at the log."""
LEASE: Final = 10.0
"""Seconds after which another process goes on with what a dead one has begun."""
MOST: Final = 64
"""Purges that one walk over everything carries out."""
_BREATH: Final = 0.005
_STEP: Final = 250
_AT_ONCE: Final = 100
_EVERYTHING: Final = Purge(PurgeKind.ALL, "", PurgeMode.HARD)
_AT_ISSUE: Final = frozenset({PurgeKind.URL, PurgeKind.ENTRY})
"""Kinds that whoever purges carries out at once."""

# ARGV: who asks, for how long, how far it is carried out (or nothing), for how long to remember that.
_TAKE: Final = b"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] and tonumber(redis.call('HGET', KEYS[1], 'until')) > now then return -1 end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'done', ARGV[3]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[4], 'GT')
return redis.call('HGET', KEYS[1], 'done') or '0'"""

# ARGV: a field, what its value begins with, the field that is no variant.
_REMOVE: Final = b"""
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value or string.sub(value, 1, #ARGV[2]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HLEN', KEYS[1]) == redis.call('HEXISTS', KEYS[1], ARGV[3]) then redis.call('UNLINK', KEYS[1]) end
return 1"""


class RemovalPace(Struct, frozen=True):
    """Seconds; tests run faster."""

    beat: float = BEAT
    lease: float = LEASE


class RedisRemoval:
    """One task, from ``open`` to ``close``."""

    def __init__(
        self, client: Redis, namespace: str, purges: RedisPurges, clock: Clock, pace: RemovalPace | None = None
    ) -> None:
        self._client = client
        self._name = removal_name(namespace)
        self._purges = purges
        self._pages = RedisPages(client, namespace)
        self._clock = clock
        self._pace = pace or RemovalPace()
        self._token = secrets.token_hex(8).encode()
        self._budget = client.limits.command_timeout
        self._done = 0
        self._task: asyncio.Task[None] | None = None

    def open(self, log: Learner, told: Callable[[CarriedOut], None]) -> None:
        """Begin to carry out what ``log`` learns of; ``told`` hears what came of each purge."""
        self._task = asyncio.create_task(self._work(log, told))  # noqa: TID251 - owned: close() ends it

    async def close(self) -> None:
        """End, in the middle of a walk if need be; another process goes on. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with suppress(StoreUnavailable):
                await self._take(0.0)

    async def _work(self, log: Learner, told: Callable[[CarriedOut], None]) -> None:
        while True:
            try:
                if log.learnt > self._done:
                    await self.round(told)
            except StoreUnavailable as error:
                LOG.debug("purges are carried out later", extra={"detail": error.detail})
            except Exception:
                LOG.exception("carrying out purges failed; it goes on")
            await asyncio.sleep(self._pace.beat)

    async def round(self, told: Callable[[CarriedOut], None]) -> None:
        """Everything there is to do now, if nobody else is at it. Raises StoreUnavailable."""
        while (done := await self._take(self._pace.lease)) is not None:
            self._done = max(self._done, done)
            batch = _batch(await self._purges.after(self._done))
            if not batch:
                break
            for each in await self._carried_out(batch):
                told(each)
            self._done = batch[-1].position
            await self._take(self._pace.lease, self._done)
        await self._take(0.0)

    async def _carried_out(self, batch: Sequence[LoggedPurge]) -> list[CarriedOut]:
        behind = [each for each in batch if each.purge.kind not in _AT_ISSUE]
        counts: Counter[int] = Counter()
        if any(each.purge.kind is not PurgeKind.TAG or each.by for each in behind):
            await self._walk(_EVERYTHING, behind, counts)
        else:  # tags alone, counted already: their indexes say where to look
            for each in behind:
                if each.purge.mode is PurgeMode.HARD:
                    await self._walk(each.purge, [each], counts)
        return [CarriedOut(each, counts[each.position]) for each in behind]

    async def _walk(self, aim: Purge, purges: Sequence[LoggedPurge], counts: Counter[int]) -> None:
        """Look at all that ``aim`` finds, remove what hard ones of ``purges`` met, and count."""
        cursor, renewed = b"", self._clock.monotonic()
        while True:
            found, cursor = await self._pages.lying(aim, cursor, _STEP)
            await self._remove([each for each in found if _is_gone(each, purges, counts)])
            if not cursor:
                return
            if self._clock.monotonic() - renewed > self._pace.lease / 3:
                renewed = self._clock.monotonic()
                if await self._take(self._pace.lease) is None:
                    raise StoreUnavailable("removal", "another process has taken it over")
            await asyncio.sleep(_BREATH)

    async def _remove(self, lying: Sequence[Lying]) -> None:
        by_place: dict[Any, list[Lying]] = {}
        for each in lying:
            by_place.setdefault(self._client.place_of(each.name), []).append(each)
        for place, there in by_place.items():
            for first in range(0, len(there), _AT_ONCE):
                some = there[first : first + _AT_ONCE]
                commands = pack([(b"EVAL", _REMOVE, 1, one.name, one.field, one.start, FENCE) for one in some])
                question = Question("removal", commands, len(some), _whatever)
                await self._client.run_at(place, question, self._budget)

    async def _take(self, seconds: float, done: int | None = None) -> int | None:
        """Take or keep the lease (0 seconds: give it back), and say how far it is carried out; None: another has it."""
        keep = max(3_600_000, await self._purges.keeps_for())
        said = b"" if done is None else b"%d" % done
        command = (b"EVAL", _TAKE, 1, self._name, self._token, math.ceil(seconds * 1000), said, keep)
        question = Question("removal", pack([command]), 1, _position, at=self._name)
        return await self._client.run(question, self._budget)


def _batch(purges: Iterable[LoggedPurge]) -> list[LoggedPurge]:
    """The oldest, as many as one walk takes: whatever is carried out at issue costs it nothing."""
    batch: list[LoggedPurge] = []
    costly = 0
    for each in purges:
        costly += each.purge.kind not in _AT_ISSUE
        if costly > MOST:
            break
        batch.append(each)
    return batch


def _is_gone(lying: Lying, purges: Sequence[LoggedPurge], counts: Counter[int]) -> bool:
    """Whether a hard purge met it; every purge that did, up to the first hard one, is counted."""
    stored = lying.row.stored
    key, about = (
        CacheKey(lying.row.key, stored.target),
        (stored.target, stored.tags, stored.route, stored.secondary_key),
    )
    for each in purges:
        if stored.position < each.position and each.purge.concerns(key, *about):
            counts[each.position] += 1
            if each.purge.mode is PurgeMode.HARD:
                return True
    return False


def _position(replies: list[Any]) -> int | None:
    reply = sound(replies[0])
    if reply == -1:
        return None
    if not (isinstance(reply, bytes) and reply.isdigit()):
        raise NonsenseError("not a position")
    return int(reply)


def _whatever(replies: list[Any]) -> None:
    """What has just gone to another node of a Cluster is removed when it is met there, or ends by itself."""
    no_answer([reply for reply in replies if not isinstance(reply, AskError)])
