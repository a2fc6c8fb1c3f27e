"""The ledger in Redis, shared by all Tambos of one upstream. Satisfies proxy.exchange.ledger.Ledger; knows no value.

One hash of values, one sorted set of when each ends, one hash of who works at what: all three beside the purge log.
They last for themselves, so that a Redis that is full does not give up a list that is being worked at; whoever writes
takes away what has ended.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.ledger import MOST_NAMES
from proxy.store.redis_names import LASTING, ledger_name
from proxy.store.redis_question import Command, NonsenseError, Question, Redis, T, pack
from proxy.store.redis_transaction import WrongTypeError, kept, number, sound, transact

_TEN_YEARS: Final = 315_360_000_000
_MOST_ENDED: Final = 50
"""Names that are taken away at a time."""
_PATIENCE: Final = 5.0
"""Times the usual budget, for values of megabytes."""

_HOLD: Final = b"""
local now = redis.call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000)
local said = redis.call('HGET', KEYS[1], ARGV[1])
if said then
  local ends, holder = string.match(said, '^(%d+) (.*)$')
  if ends and holder ~= ARGV[2] and tonumber(ends) > at then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', at + ARGV[3], ARGV[2]))
""" + LASTING + b"\nreturn 1"  # fmt: skip

_LET_GO: Final = b"""
local said = redis.call('HGET', KEYS[1], ARGV[1])
if said and string.match(said, '^%d+ (.*)$') == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1"""


class RedisLedger:
    """Uses a client that somebody else opens and closes."""

    def __init__(self, client: Redis, namespace: str, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._values = ledger_name(namespace, b"ledger")
        self._ends = ledger_name(namespace, b"ends")
        self._holds = ledger_name(namespace, b"holds")

    async def close(self) -> None:
        """See Ledger: the client's owner closes it."""

    async def write(self, name: str, value: bytes, keep_for: float) -> None:
        """See Ledger."""
        field, now = name.encode(), self._clock.now()
        ends = int((now + keep_for) * 1000)
        ended: list[bytes] = await self._transact(
            [
                (b"HSET", self._values, field, b"%d " % ends + value),
                (b"ZADD", self._ends, ends, field),
                *kept(self._values, _TEN_YEARS),
                *kept(self._ends, _TEN_YEARS),
                (b"ZRANGE", self._ends, b"-inf", int(now * 1000), b"BYSCORE", b"LIMIT", 0, _MOST_ENDED),
            ],
            lambda results: _names(results[-1]),
        )
        if ended:
            await self._remove(ended)

    async def read(self, name: str) -> bytes | None:
        """See Ledger."""
        value = await self._ask((b"HGET", self._values, name.encode()), self._values, lambda reply: reply)
        if value is None:
            return None
        ends, blank, data = value.partition(b" ") if isinstance(value, bytes) else (b"", b"", b"")
        if not blank or not ends.isdigit():
            return None
        return data if int(ends) > self._clock.now() * 1000 else None

    async def remove(self, name: str) -> None:
        """See Ledger."""
        await self._remove([name.encode()])

    async def names(self, prefix: str) -> Sequence[str]:
        """See Ledger."""
        now = int(self._clock.now() * 1000)
        asked = (b"ZRANGE", self._ends, b"(%d" % now, b"+inf", b"BYSCORE")
        found = await self._ask(asked, self._ends, _names)
        return sorted(name.decode() for name in found if name.startswith(prefix.encode()))[-MOST_NAMES:]

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """See Ledger."""
        given = (name.encode(), holder.encode(), int(seconds * 1000))
        return await self._ask((b"EVAL", _HOLD, 1, self._holds, *given), self._holds, number) == 1

    async def let_go(self, name: str, holder: str) -> None:
        """See Ledger."""
        asked = (b"EVAL", _LET_GO, 1, self._holds, name.encode(), holder.encode())
        await self._ask(asked, self._holds, number)

    async def _remove(self, fields: Sequence[bytes]) -> None:
        names = (self._values, self._holds)
        commands: list[Command] = [(b"HDEL", name, *fields) for name in names]
        await self._transact([*commands, (b"ZREM", self._ends, *fields)], lambda _: None)

    async def _ask(self, command: Command, at: bytes, read: Callable[[Any], T]) -> T:
        def one(replies: list[Any]) -> T:
            (reply,) = replies
            return read(sound(reply))

        return await self._client.run(Question("ledger", pack([command]), 1, one, at=at), self._budget)

    async def _transact(self, commands: Sequence[Command], read: Callable[[list[Any]], T]) -> T:
        try:
            return await transact(self._client, "ledger", commands, self._budget, read)
        except WrongTypeError:
            raise StoreUnavailable("ledger", "a name of the ledger's holds something else") from None

    @property
    def _budget(self) -> float:
        return self._client.limits.command_timeout * _PATIENCE


def _names(reply: Any) -> list[bytes]:
    if not isinstance(reply, list) or not all(isinstance(name, bytes) for name in reply):
        raise NonsenseError("not a range of names")
    return reply
