"""Reads what is stored in Redis page by page, the heads without their bodies. Changes and judges nothing.

What one tag or one URL is about is found by its index; anything else by SCAN, a bounded step at a time on one primary
after the other, with a pattern that says nothing but our namespace. A name that moves from node to node meanwhile may
be missed.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct
from redis.exceptions import AskError

from proxy.exchange.entry_ids import read_entry_id
from proxy.exchange.inventory import Page, Row
from proxy.exchange.purges import Purge, PurgeKind
from proxy.policy.cache_key import CacheKey
from proxy.store import redis_index
from proxy.store.codec import HEAD_AT, decode_head
from proxy.store.redis_address import Place
from proxy.store.redis_names import FENCE, variants_name, variants_prefix
from proxy.store.redis_question import NonsenseError, Question, Redis, pack
from proxy.store.redis_transaction import is_wrong_type, sound

_STEP: Final = 250
"""Names that one command looks at, about: a fraction of a millisecond of Redis's time."""
_LEAST_STEP: Final = 10
_MOST_STEPS: Final = 8
_AT_ONCE: Final = 20
"""Names whose heads are read in one round trip."""

# ARGV: the field that is no variant. A head's length stands in the bytes 19 to 22. Answers field, head, size, ...
_HEADS: Final = b"""
local said = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= ARGV[1] then
    local value = redis.call('HGET', KEYS[1], field)
    local a, b, c, d = string.byte(value, 19, 22)
    local length = d and ((a * 256 + b) * 256 + c) * 256 + d or 0
    said[#said + 1] = field
    said[#said + 1] = string.sub(value, 1, 22 + math.min(length, 262144))
    said[#said + 1] = #value
  end
end
return said"""


class Lying(Struct, frozen=True):
    """A stored response where it lies: under which name and field, and the bytes that its value begins with (a
    checksum over all of it among them: another value begins otherwise)."""

    name: bytes
    field: bytes
    start: bytes
    row: Row


class RedisPages:
    """Satisfies proxy.store.backing.Browsed for one namespace."""

    def __init__(self, client: Redis, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._prefix = variants_prefix(namespace)
        self._budget = client.limits.command_timeout

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        """See Browsed. Raises StoreUnavailable, and ValueError for a cursor that is none."""
        found, following = await self.lying(aim, cursor, most)
        return Page([each.row for each in found], following)

    async def lying(self, aim: Purge, cursor: bytes, most: int) -> tuple[list[Lying], bytes]:
        """The same with where each lies, and the next page's cursor."""
        if aim.kind is PurgeKind.ENTRY:
            return await self._under(aim, [self._name(read_entry_id(aim.argument)[0])]), b""
        index = redis_index.index_of(self._namespace, aim)
        if index is None:
            return await self._scanned(aim, cursor, most)
        own = [self._name(aim.argument)] if aim.kind is PurgeKind.URL and not cursor else []
        found, (following, names) = await asyncio.gather(self._under(aim, own), self._step(index, cursor))
        found += await self._under(aim, [name for name in names if name.startswith(self._prefix)])
        return found, following

    def _name(self, key_text: str) -> bytes:
        return variants_name(self._namespace, CacheKey(key_text, ""))

    async def _scanned(self, aim: Purge, cursor: bytes, most: int) -> tuple[list[Lying], bytes]:
        places = sorted(self._client.places(), key=_shown)
        where, at = _place_in(cursor, places)
        found: list[Lying] = []
        for _ in range(_MOST_STEPS):
            if where is _NOWHERE:
                return found, b""
            at, names = await self._scan(where, at, min(_STEP, max(_LEAST_STEP, most)))
            said = await self._heads(where, names)
            found += [each for there in said.values() for each in there or () if _is_met(aim, each.row)]
            if not at:
                where, at = _behind(_shown(where), places), b"0"
            if len(found) >= most:
                break
        return found, b"" if where is _NOWHERE else b"%b|%b" % (_shown(where), at)

    async def _scan(self, place: Place | None, cursor: bytes, count: int) -> tuple[bytes, list[bytes]]:
        command = (b"SCAN", cursor, b"MATCH", _escaped(self._prefix) + b"*", b"COUNT", count)
        question = Question("page", pack([command]), 1, _names)
        return await self._client.run_at(place, question, self._budget)

    async def _step(self, index: bytes, cursor: bytes) -> tuple[bytes, list[bytes]]:
        if not (cursor or b"0").isdigit():
            raise ValueError("not a cursor")
        commands = redis_index.step(index, cursor or b"0", _STEP)
        question = Question("page", pack(commands), 1, redis_index.names_in, at=index)
        return await self._client.run(question, self._budget)

    async def _under(self, aim: Purge, names: Sequence[bytes]) -> list[Lying]:
        """What lies under names, wherever those are."""
        by_place: dict[Place | None, list[bytes]] = {}
        for name in names:
            by_place.setdefault(self._client.place_of(name), []).append(name)
        found: list[Lying] = []
        for place, there in by_place.items():
            said = await self._heads(place, there)
            found += [each for one in said.values() for each in one or ()]
            for name in [name for name, one in said.items() if one is None]:  # another node has it by now
                question = Question("page", _asked_for([name]), 1, partial(_read_one, name), at=name)
                moved = await self._client.run(question, self._budget)
                found += moved
        return [each for each in found if _is_met(aim, each.row)]

    async def _heads(self, place: Place | None, names: Sequence[bytes]) -> dict[bytes, list[Lying] | None]:
        said: dict[bytes, list[Lying] | None] = {}
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            question = Question("page", _asked_for(some), len(some), partial(_read_all, some))
            heads = await self._client.run_at(place, question, self._budget)
            said |= heads
        return said


def _asked_for(names: Sequence[bytes]) -> bytes:
    return pack([(b"EVAL", _HEADS, 1, name, FENCE) for name in names])


def _is_met(aim: Purge, row: Row) -> bool:
    stored = row.stored
    about = (stored.target, stored.tags, stored.route, stored.secondary_key)
    return aim.concerns(CacheKey(row.key, stored.target), *about)


def _read_all(names: Sequence[bytes], replies: list[Any]) -> dict[bytes, list[Lying] | None]:
    """What the heads under some names say; None: another node of a Cluster has that name."""
    return {
        name: None if isinstance(reply, AskError) else _read_heads(name, reply)
        for name, reply in zip(names, replies, strict=True)
    }


def _read_one(name: bytes, replies: list[Any]) -> list[Lying]:
    return _read_heads(name, replies[0])


def _read_heads(name: bytes, reply: Any) -> list[Lying]:
    """What the heads under a name say: nothing where something else stands under it."""
    if is_wrong_type(reply):
        return []
    said = sound(reply)
    if not isinstance(said, list) or len(said) % 3:
        raise NonsenseError("not heads")
    found: list[Lying] = []
    for field, data, size in zip(said[::3], said[1::3], said[2::3], strict=True):
        if not (isinstance(field, bytes) and isinstance(data, bytes) and isinstance(size, int)):
            raise NonsenseError("not a head")
        head = decode_head(data)
        if head is not None:
            row = Row(head.key, head.stored, head.body_length, size)
            found.append(Lying(name, field, data[:HEAD_AT], row))
    return found


def _names(replies: list[Any]) -> tuple[bytes, list[bytes]]:
    match sound(replies[0]):
        case [bytes() as cursor, list() as names] if cursor.isdigit():
            pass
        case _:
            raise NonsenseError("not a part of what there is")
    if not all(isinstance(name, bytes) for name in names):
        raise NonsenseError("not names")
    return (b"" if cursor == b"0" else cursor), names


def _escaped(prefix: bytes) -> bytes:
    """A prefix as a pattern that means itself alone, whatever a namespace may contain."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]\\^-" else bytes([byte]) for byte in prefix)


# Where a page begins ----------------------------------------------------------------------------------------------

_NOWHERE: Final[Place] = ("", -1)


def _shown(place: Place | None) -> bytes:
    return b"" if place is None else f"{place[0]}:{place[1]}".encode()


def _place_in(cursor: bytes, places: Sequence[Place | None]) -> tuple[Place | None, bytes]:
    """The place and its own cursor. A place that is none any more: the next one, from its beginning."""
    if not cursor:
        return (places[0] if places else _NOWHERE), b"0"
    shown, bar, at = cursor.rpartition(b"|")
    if not bar or not at.isdigit():
        raise ValueError("not a cursor")
    for place in places:
        if _shown(place) == shown:
            return place, at
    return _behind(shown, places), b"0"


def _behind(shown: bytes, places: Sequence[Place | None]) -> Place | None:
    return next((place for place in places if _shown(place) > shown), _NOWHERE)
