"""The purge log as a Redis stream: positions, entries and what they mean. Pure; talks to nobody.

A position is a stream id as one number: the server's millisecond above 20 bits of sequence. So positions rise over
the death of the log itself (FLUSHALL, eviction, a failover that lost its end), and a log that begins anew can say so in
its own words: its first entry is a hard purge of everything. Whoever holds an earlier position reads that entry like
any other and lets go of what nobody vouches for any more. The same stands in for entries that were trimmed away.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import hiredis
from msgspec import Struct

from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.backing import LoggedPurge
from proxy.store.redis_question import Command, NonsenseError
from proxy.store.redis_transaction import is_wrong_type, sound

BEGINNING: Final = Purge(PurgeKind.ALL, "", PurgeMode.HARD)

PURGED: Final = b"p"
"""What a message begins with that tells of a purge. Alone: of some that were logged."""

# Appends, and tells everyone of it in the protocol's own words; answers the new id and who reads it.
# Answers nothing, and does nothing, where the log has not come to the id that is known, or is not there.
# ARGV: the channel, the one on which whoever purges hears who has learnt it, milliseconds that the log is kept, the
# known id's millisecond (nothing: whatever is there) and its sequence, about how many are kept, the new id, the entry.
_APPEND: Final = b"""
local last = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if last.err then return last end
local before = last[1] and last[1][1] or '0-0'
if ARGV[4] ~= '' then
  local when, which = string.match(before, '^(%d+)-(%d+)$')
  local ahead = tonumber(when) - tonumber(ARGV[4])
  if not last[1] or ahead < 0 or (ahead == 0 and tonumber(which) < tonumber(ARGV[5])) then return '' end
end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', unpack(ARGV, 6))
redis.call('PEXPIRE', KEYS[1], ARGV[3], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT')
local function bulk(value) return '$' .. #value .. '\\r\\n' .. value .. '\\r\\n' end
local said = {'p*4\\r\\n', bulk(ARGV[2]), bulk(before), bulk(id), '*', #ARGV - 7, '\\r\\n'}
for at = 8, #ARGV do said[#said + 1] = bulk(ARGV[at]) end
redis.call('PUBLISH', ARGV[1], table.concat(said))
local clock = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', clock[1] * 1000 + math.floor(clock[2] / 1000))
return {id, redis.call('ZRANGE', KEYS[2], 0, -1)}"""

_SEQUENCE_BITS: Final = 20
_MAX_POSITION: Final = (1 << 63) - 1
"""A position is stored with each response, as a 64-bit number."""


class Log(Struct, frozen=True):
    """Where the log is, and how it is kept."""

    name: bytes
    readers: bytes
    """The sorted set, in its slot, of those who may answer from memory: each says up to where he knows the log."""
    channel: bytes
    """Of everyone who hears what is appended."""
    bound: int
    """About so many entries stay."""
    keep: int
    """Milliseconds for which it is kept at least."""


class Announced(Struct, frozen=True):
    """What a message tells of a purge: all of it."""

    waiter: bytes
    """The channel on which its purger hears who has learnt it; empty: he hears nothing."""
    before: int
    """The position of the entry before it."""
    logged: LoggedPurge


def position_of(stream_id: Any) -> int:
    """The position of ``<millisecond>-<sequence>``. Raises NonsenseError."""
    millisecond, dash, sequence = stream_id.partition(b"-") if isinstance(stream_id, bytes) else (b"", b"", b"")
    if not (dash and millisecond.isdigit() and sequence.isdigit()):
        raise NonsenseError("not an id of the purge log")
    # A sequence beyond its bits (a clock set back under a million purges) carries over: still rising.
    position = (int(millisecond) << _SEQUENCE_BITS) + int(sequence)
    if position > _MAX_POSITION:
        raise NonsenseError("an id of the purge log from beyond the calendar")
    return position


def stream_id_of(position: int) -> bytes:
    """The stream id of a position (0 or above)."""
    return b"%d-%d" % (position >> _SEQUENCE_BITS, position & ((1 << _SEQUENCE_BITS) - 1))


def beginning(position: int) -> LoggedPurge:
    """The entry that stands for everything before ``position`` and in it."""
    return LoggedPurge(position, BEGINNING, (position >> _SEQUENCE_BITS) / 1000)


def append(log: Log, at: bytes, purge: Purge, by: str, known: int | None, waiter: bytes) -> Command:
    """The command that appends a purge under the id ``at`` (``*``: the server's choice) to a log that has come to
    ``known`` (None: whatever is there), and tells of it; appended() reads its reply. ``waiter``: see Announced."""
    entry = [b"kind", purge.kind.value.encode(), b"mode", purge.mode.value.encode(), b"argument", _encoded(purge)]
    if by:
        entry += [b"by", by.encode("utf-8", "replace")]
    when, _, which = (b"", b"", b"") if known is None else stream_id_of(known).partition(b"-")
    where = (log.channel, waiter, log.keep, when, which, log.bound, at)
    return (b"EVAL", _APPEND, 2, log.name, log.readers, *where, *entry)


def appended(reply: Any) -> tuple[int, Any] | None:
    """The new entry's position, and what those say who may not know it; None: the log is lost, or not there. Raises
    NonsenseError."""
    match reply:
        case b"":
            return None
        case [stream_id, readers]:
            return position_of(stream_id), readers
        case _:
            raise NonsenseError("not a place in the purge log")


def announced(message: bytes) -> Announced | None:
    """What a message that begins with PURGED tells; None: nothing that this version understands, so read the log."""
    reader = hiredis.Reader()
    try:
        reader.feed(message[len(PURGED) :])
        match reader.gets():
            case [bytes() as waiter, before, *entry]:
                (one,) = logged([entry])
                return Announced(waiter, position_of(before), one)
            case _:
                return None
    except (hiredis.HiredisError, NonsenseError):
        return None


def last_position(reply: Any) -> int | None:
    """The position in a reply to XREVRANGE ... COUNT 1; None: there is no log, or something else under its name.
    Raises NonsenseError, and the reply itself where it is an error."""
    if is_wrong_type(reply):
        return None
    entries = _entries(sound(reply))
    return position_of(entries[-1][0]) if entries else None


def logged(reply: Any) -> list[LoggedPurge]:
    """The purges in a reply to XRANGE, oldest first. Raises NonsenseError."""
    purges = [
        LoggedPurge(position_of(stream_id), _purge_of(fields), int(stream_id.partition(b"-")[0]) / 1000, _by(fields))
        for stream_id, fields in _entries(sound(reply))
    ]
    if any(later.position <= earlier.position for earlier, later in pairwise(purges)):
        raise NonsenseError("a purge log out of order")
    return purges


def bridged(position: int, first: LoggedPurge, later: Sequence[LoggedPurge]) -> list[LoggedPurge]:
    """What lies behind ``position`` in a log whose oldest entry is ``first``: ``later``, and ahead of it a purge of
    everything if entries between the two may be missing."""
    if first.position - 1 <= position or first.purge == BEGINNING:
        return list(later)
    return [beginning(first.position - 1), *later]


def _encoded(purge: Purge) -> bytes:
    return purge.argument.encode("utf-8", "surrogatepass")


def _entries(reply: Any) -> list[tuple[Any, list[Any]]]:
    if not isinstance(reply, list):
        raise NonsenseError("not a range of the purge log")
    for entry in reply:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], list)):  # noqa: PLR2004 - id, fields
            raise NonsenseError("not an entry of the purge log")
    return [(stream_id, fields) for stream_id, fields in reply]


def _by(fields: list[Any]) -> str:
    said = dict(zip(fields[::2], fields[1::2], strict=False)).get(b"by", b"")
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else ""


def _purge_of(fields: list[Any]) -> Purge:
    """What an entry says. One that this version does not understand is taken for the most it could mean."""
    said = dict(zip(fields[::2], fields[1::2], strict=False))
    try:
        kind = PurgeKind(said[b"kind"].decode())
        mode = PurgeMode(said[b"mode"].decode())
        return Purge(kind, said[b"argument"].decode("utf-8", "surrogatepass"), mode)
    except (KeyError, ValueError, AttributeError):
        return BEGINNING
