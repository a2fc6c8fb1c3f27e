"""Stored responses in Redis: one hash for the variants of a key, one stream for the purge log. Judges nothing.

Everything written has a time to live. The log's is never shorter than that of anything stored before its last entry,
so that no purge is forgotten while something it concerns can still be read.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from proxy.clock import Clock
from proxy.errors import StoreUnavailable, SupersededError
from proxy.exchange.entry_ids import variant_digest
from proxy.exchange.inventory import Page
from proxy.exchange.purges import Purge
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.backing import Found, LoggedPurge
from proxy.store.codec import BadEntry, encode
from proxy.store.redis_address import RedisAddress, Topology
from proxy.store.redis_changes import Doubt, RedisChanges
from proxy.store.redis_client import RedisClient
from proxy.store.redis_cluster import RedisCluster
from proxy.store.redis_connection import FOREIGN, OversizedReplyError
from proxy.store.redis_index import entered, indexes_of
from proxy.store.redis_log import last_position
from proxy.store.redis_lookups import RedisLookups
from proxy.store.redis_names import FENCE, purges_name, variant_field, variants_name
from proxy.store.redis_pages import RedisPages
from proxy.store.redis_purges import RedisPurges
from proxy.store.redis_question import Command, Limits, NonsenseError, Question, Redis, pack
from proxy.store.redis_transaction import WrongTypeError, kept, no_answer, number, transact
from proxy.store.redis_values import RedisValues
from proxy.store.stats import TierStats

_MAX_KEEP: Final = 10 * 365 * 86_400.0

# ARGV: field, value, the fence's field, fence. A fence from later than now is another clock's, not a later fetch's.
_FENCED: Final = b"""
local newest = tonumber(redis.call('HGET', KEYS[1], ARGV[3]) or 0)
local now = redis.call('TIME')
if newest > tonumber(ARGV[4]) and newest < (now[1] + 5) * 1000000 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 1"""
# ARGV: the field just written, the fence's field, how many may stay. In one transaction with the write: a bound that
# waits for a second question is none while Redis is slow, or when two write at once.
_THINNED: Final = b"""
local over = redis.call('HLEN', KEYS[1]) - redis.call('HEXISTS', KEYS[1], ARGV[2]) - tonumber(ARGV[3])
if over <= 0 then return 0 end
local left = 0
for _, field in ipairs(redis.call('HRANDFIELD', KEYS[1], over + 2)) do
  if left < over and field ~= ARGV[1] and field ~= ARGV[2] then
    left = left + redis.call('HDEL', KEYS[1], field)
  end
end
return left"""


class Bounds(Struct, frozen=True):
    """What may be kept."""

    variants: int = 64
    """Per key; beyond it, others of the same key leave at random."""
    body: int = 8 * 1024 * 1024
    """Bytes of one body."""
    purges: int = 20_000
    """Entries of the purge log; the oldest beyond it are remembered as a purge of everything before them."""
    log_keep: float = 3_600.0
    """Seconds that the purge log is kept at least."""
    namespace: str = "tambo"
    """What every key in Redis begins with."""


class RedisStore:
    """Satisfies proxy.store.backing.Backing."""

    tier: str = "redis"

    def __init__(
        self, address: RedisAddress, clock: Clock, limits: Limits | None = None, bounds: Bounds | None = None
    ) -> None:
        """``address`` comes from parse_address. Nothing is opened yet."""
        self.stats = TierStats(self.tier)
        self._clock = clock
        self._limits = limits or Limits()
        self._bounds = bounds or Bounds()
        log = purges_name(self._bounds.namespace)
        self.client: Redis = (
            RedisCluster(address, clock, self._limits, self.stats, log)
            if address.topology is Topology.CLUSTER
            else RedisClient(address, clock, self._limits, self.stats)
        )
        self.purges = RedisPurges(self.client, self._bounds.namespace, self._bounds.purges, self._bounds.log_keep)
        self._lookups = None if self.client.is_divided else RedisLookups(self.client, self.purges.last_entry, clock)
        self._log_reply: Any = None
        self._log_position: int | None = None
        self._values = RedisValues(self.client, self._bounds.body)
        self._pages = RedisPages(self.client, self._bounds.namespace)
        self._changes = RedisChanges(self.client, self._bounds.namespace, self._limits.command_timeout)

    @property
    def namespace(self) -> str:
        """What every name of ours in Redis begins with."""
        return self._bounds.namespace

    @property
    def is_up(self) -> bool:
        """Whether Redis is being asked."""
        return self.client.is_up

    async def open(self) -> None:
        """Begin to watch Redis, and the purge log if there is none. One that is down is no error."""
        await self.client.open()
        with suppress(StoreUnavailable):
            await self.purges.begin(0)

    def watch(self, doubt: Doubt) -> None:
        """See Watched."""
        self._changes.open(doubt)

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        await self._changes.close()
        if self._lookups is not None:
            await self._lookups.close()
        await self.client.close()

    async def get(self, key: CacheKey, *, patient: bool = False) -> Found:
        """All variants and the log's position, which is read first, in one round trip within ``timeout``; ``patient``:
        within ``command_timeout``."""
        budget = self._limits.command_timeout if patient else self._limits.timeout
        name, known, began = variants_name(self._bounds.namespace, key), self.purges.highest, self._clock.monotonic()
        self._changes.note(name, key.text)

        def read(replies: list[Any]) -> tuple[int | None, list[StoredResponse]]:
            return last_position(replies[0]), self._values.read(key, name, replies[1])

        try:
            position, variants = await self._both(name, read, budget)
        except StoreUnavailable as error:
            if isinstance(error.__cause__, OversizedReplyError):
                self._values.is_bad(BadEntry.LENGTH, (b"UNLINK", name))
            raise
        if position is None or position < known:
            # Nobody vouches for what was stored under a log that is lost.
            return Found((), await self._begun(known, began + budget))
        self.purges.seen(position)
        return Found(variants, position)

    def ask(self, key: CacheKey, heads: Sequence[bytes], then: Callable[[Found | None], None]) -> bool:
        """See Prompt."""
        if self._lookups is None:
            return False
        name, known, began = variants_name(self._bounds.namespace, key), self.purges.highest, self._clock.monotonic()
        self._changes.note(name, key.text)

        def replied(log: Any, values: Any) -> None:
            found = None if values is None else self._found_at_once(key, name, known, log, values, heads)
            if found is not None:
                outcome = "hit" if found.variants or found.bodies else "miss"
                self.stats.did("get", outcome, self._clock.monotonic() - began)
            then(found)

        return self._lookups.ask(pack([(b"HGETALL", name)]), replied)

    def _found_at_once(
        self, key: CacheKey, name: bytes, known: int, log: Any, values: Any, heads: Sequence[bytes]
    ) -> Found | None:
        """None: whatever is wrong here, ``get`` meets it as well, and knows what to do."""
        try:
            if log is not self._log_reply:  # all questions of a batch have the same
                self._log_reply, self._log_position = log, last_position(log)
            position, bodies = self._log_position, self._values.bodies(values, heads)
            variants = self._values.read(key, name, values) if bodies is None else []
        except (NonsenseError, *FOREIGN):
            if self._lookups is not None:
                self._lookups.distrust()
            return None
        if position is None or position < known:
            return None
        self.purges.seen(position)
        return Found(variants, position, self._values.heads(values, variants) if bodies is None else heads, bodies)

    async def _both(
        self, name: bytes, read: Callable[[list[Any]], tuple[int | None, list[StoredResponse]]], budget: float
    ) -> tuple[int | None, list[StoredResponse]]:
        """The log's last entry and a hash: one question, or in a Cluster two at once."""
        get = pack([(b"HGETALL", name)])
        if not self.client.is_divided:
            question = Question("get", self.purges.last_entry + get, 2, read, _hit_or_miss, name)
            return await self.client.run(question, budget)
        alone = Question("get", get, 1, lambda replies: read([[], *replies]), _hit_or_miss, name)
        position, (_, variants) = await asyncio.gather(self.purges.last(budget), self.client.run(alone, budget))
        return position, variants

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
        """Store one variant. Within ``timeout`` or a tenth of what its fetch took, and a second per 10 MB more; within
        ``command_timeout`` in any case: what cost half a minute is not lost for the sake of 50 ms."""
        name = variants_name(self._bounds.namespace, key)
        self._changes.note(name, key.text)
        try:
            field, value = variant_field(variant_digest(stored.secondary_key)), encode(key, stored)
        except (UnicodeEncodeError, OverflowError) as error:
            raise StoreUnavailable("put", f"cannot be written: {error}") from None
        if len(stored.body) > self._bounds.body:
            self.stats.did("put", "too_large", 0.0)
            self._values.discard((b"HDEL", name, field))  # what is there is older
            return
        keep = math.ceil(min(max(keep_for, 0.001), _MAX_KEEP) * 1000)
        write: Command = (b"HSET", name, field, value)
        if stored.fence:
            write = (b"EVAL", _FENCED, 1, name, field, value, FENCE, stored.fence)
        thin: Command = (b"EVAL", _THINNED, 1, name, field, FENCE, self._bounds.variants)
        commands: list[Command] = [write, *kept(name, keep), thin]
        indexes = indexes_of(self._bounds.namespace, key, stored)
        commands[-1:-1] = await self._besides(name, indexes, keep)
        budget = self._limits.for_writing(len(value), stored.cost)
        try:
            results = await transact(self.client, "put", commands, budget, _numbers)
        except WrongTypeError:
            self.stats.bad_entries[BadEntry.MALFORMED] += 1
            wrong = [name] if self.client.is_divided else [name, *indexes]
            clearing: list[Command] = [(b"UNLINK", each) for each in wrong]
            results = await transact(self.client, "put", [*clearing, *commands], budget, _numbers)
        self.stats.evictions += results[-1]
        if stored.fence and not results[-len(commands)]:
            self.stats.did("put", "superseded", 0.0)
            raise SupersededError("put", "a later fetch is stored")

    async def _besides(self, name: bytes, indexes: Sequence[bytes], keep: int) -> list[Command]:
        """What else belongs into the transaction that stores something. In a Cluster nothing does, and is done now:
        the log outlives what it may speak of, and what is there can be found."""
        if not self.client.is_divided:
            return [self.purges.renewed(keep), *(entered(index, name, keep) for index in indexes)]
        await asyncio.gather(self.purges.renew(keep), *(self._enter(index, name, keep) for index in indexes))
        return []

    async def _enter(self, index: bytes, name: bytes, milliseconds: int) -> None:
        question = Question("index", pack([entered(index, name, milliseconds)]), 1, no_answer, at=index)
        await self.client.run(question, self._limits.timeout)

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        """See Browsed."""
        return await self._pages.page(aim, cursor, most)

    async def remove_variant(self, key: CacheKey, variant: bytes) -> None:
        """Remove one variant, by its digest, within ``command_timeout``."""
        name = variants_name(self._bounds.namespace, key)
        command = pack([(b"HDEL", name, variant_field(variant))])
        await self.client.run(Question("remove", command, 1, no_answer, at=name), self._limits.command_timeout)

    async def remove(self, key: CacheKey) -> int:
        """Remove every variant, within ``command_timeout``; how many there were."""
        name = variants_name(self._bounds.namespace, key)
        commands: list[Command] = [(b"HLEN", name), (b"HEXISTS", name, FENCE), (b"UNLINK", name)]
        try:
            fields, fences, _ = await transact(self.client, "remove", commands, self._limits.command_timeout, _numbers)
            return fields - fences
        except WrongTypeError:
            return 0  # UNLINK went through: a transaction does not stop at an error

    async def log_purge(self, purge: Purge, by: str = "") -> int:
        """Append to the log so that it lasts as Redis does, each step within ``command_timeout``; its position.
        Raises StoreUnavailable where Redis cannot write."""
        return await self.purges.log(purge, by)

    async def purges_after(self, position: int) -> Sequence[LoggedPurge]:
        """The log behind ``position``; what of it is lost stands there as a hard purge of everything."""
        return await self.purges.after(position)

    async def _begun(self, known: int, deadline: float) -> int:
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                return await self.purges.begin(known)
        except TimeoutError:
            raise StoreUnavailable("get", "no time left to begin the purge log") from None


def _hit_or_miss(found: tuple[int | None, list[StoredResponse]]) -> str:
    return "hit" if found[1] else "miss"


def _numbers(results: list[Any]) -> list[int]:
    return [number(result) for result in results]
