"""Which names carry a tag, or belong to a URL without being its own: an index beside what is stored. Asks nobody.

It only helps to find and to count: what is purged is decided by the purge log alone. An entry ends with what it points
to, by Redis's clock; one that points to nothing any more (evicted, deleted, stored anew without the tag) is noticed by
whoever reads what it points to. Each index stands alone in its slot.
"""

from typing import Any, Final

from proxy.exchange.purges import Purge, PurgeKind
from proxy.policy.cache_key import CacheKey, has_kin, kinship
from proxy.policy.messages import StoredResponse
from proxy.store.redis_names import index_name
from proxy.store.redis_question import Command, NonsenseError
from proxy.store.redis_transaction import sound

MOST: Final = 100_000
"""Names in one index: beyond it those that end first are left out, and it is not a whole one any more."""
_KIN: Final = b"kin"
_TAG: Final = b"tag"

# ARGV: a name, milliseconds that it is kept, the most names.
_ENTER: Final = b"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
return 1"""


def indexes_of(namespace: str, key: CacheKey, stored: StoredResponse) -> list[bytes]:
    """The indexes that point to what is stored under a key."""
    names = [index_name(namespace, _TAG, tag) for tag in stored.tags]
    if has_kin(key.text):
        names.append(index_name(namespace, _KIN, kinship(key.text)))
    return names


def index_of(namespace: str, aim: Purge) -> bytes | None:
    """The index of what a purge is aimed at; None: there is none, everything has to be looked at."""
    match aim.kind:
        case PurgeKind.TAG:
            return index_name(namespace, _TAG, aim.argument)
        case PurgeKind.URL:
            return index_name(namespace, _KIN, kinship(aim.argument))
        case _:
            return None


def entered(index: bytes, name: bytes, milliseconds: int) -> Command:
    """The command that enters a name for so long; it answers 1."""
    return (b"EVAL", _ENTER, 1, index, name, milliseconds, MOST)


def step(index: bytes, cursor: bytes, count: int) -> list[Command]:
    """The commands that read some of an index."""
    return [(b"ZSCAN", index, cursor, b"COUNT", count)]


def names_in(replies: list[Any]) -> tuple[bytes, list[bytes]]:
    """Where an index goes on (empty: nowhere) and the names that ``step`` brought. Raises NonsenseError."""
    match sound(replies[0]):
        case [bytes() as cursor, list() as pairs] if cursor.isdigit() and len(pairs) % 2 == 0:
            names = pairs[::2]
        case _:
            raise NonsenseError("not a part of an index")
    if not all(isinstance(name, bytes) for name in names):
        raise NonsenseError("not names")
    return (b"" if cursor == b"0" else cursor), names
