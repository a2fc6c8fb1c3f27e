"""Leases of fetches in Redis: one name per key, with its holder's token or what the last holder left, always with an
end. Satisfies proxy.exchange.leases.Leases; fetches and judges nothing.

Every script touches the one name it is given, so that it runs on a Cluster as it does on a single Redis. Their clock is
the server's, and so is the fence. Messages only wake: what holds is read from the name, now and then without a message
as well, and for the last time when the holder's lease must have ended.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from msgspec import Struct

from proxy.errors import StoreUnavailable
from proxy.exchange.alone import ALONE_SECONDS
from proxy.exchange.causes import Priority
from proxy.exchange.leases import Elsewhere, Ending, Held, Note, Taken, Wish
from proxy.store.lasting import lasting
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import fill_digest, fill_name
from proxy.store.redis_question import Command, NonsenseError, Question, Redis, pack
from proxy.store.redis_transaction import number, sound

T = TypeVar("T")

_LEASE: Final = b"L"
_NOTES: Final = {Ending.ALONE: b"A", Ending.SPOKEN: b"S", Ending.FAILED: b"F"}
_ENDINGS: Final = {letter: ending for ending, letter in _NOTES.items()}
_TOKEN: Final = 16
"""Characters. A value: letter, token; of a lease then priority, blank, position; of a note its data."""
_AT_DATA: Final = 1 + _TOKEN
_NOTE_SECONDS: Final = 3.0
"""How long a failure or an answer waits for those who wait for it: longer than their slowest look."""
_MARGIN: Final = 0.02
_MOST_FAULTS: Final = 3
"""Looks in a row that failed until who waits goes on by itself."""
_FAULT_PAUSE: Final = 0.1

# ARGV: new value, milliseconds, a holder that does not count. The server's microseconds, or what is there.
_TAKE: Final = b"""
local held = redis.call('GET', KEYS[1])
if held then
  local letter = string.sub(held, 1, 1)
  if letter == 'A' or (letter == 'L' and string.sub(held, 2, 17) ~= ARGV[3]) then return held end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local now = redis.call('TIME')
return now[1] * 1000000 + now[2]"""

# ARGV: value, milliseconds. Kept up also where it was lost, and nobody else came.
_EXTEND: Final = b"""
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 17) ~= string.sub(ARGV[1], 1, 17) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1"""

# ARGV: letter and token, channel, message, note or nothing, its milliseconds.
_END: Final = b"""
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, 17) ~= ARGV[1] then return 0 end
if ARGV[4] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5]) end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1"""


class Pace(Struct, frozen=True):
    """Seconds: how long a lease lasts unless it is kept up, and how often that is done."""

    life: float = 2.0
    beat: float = 0.5


class _Lease(Struct, eq=False):
    """Satisfies proxy.exchange.leases.Lease."""

    name: bytes
    value: bytes
    fence: int
    on_urged: Callable[[], None]
    on_end: Callable[["_Lease", Note], None]
    is_over: bool = False

    def end(self, note: Note) -> None:
        """See Lease."""
        if not self.is_over:
            self.is_over = True
            self.on_end(self, note)


class RedisLeases:
    """Opened and closed with the client whose Redis it uses."""

    def __init__(self, client: Redis, messages: RedisMessages, namespace: str, pace: Pace | None = None) -> None:
        self._client = client
        self._messages = messages
        self._namespace = namespace
        self._pace = pace or Pace()
        self._held: dict[bytes, _Lease] = {}
        self._waiting: dict[bytes, set[asyncio.Event]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None
        messages.listen(self._hear)

    def open(self) -> None:
        """Begin to keep up what is held."""
        self._beating = lasting(self._beat, "leases in Redis")

    async def close(self) -> None:
        """Give back what is held, for a second at most. Idempotent."""
        for lease in tuple(self._held.values()):
            lease.end(Note(Ending.GONE))
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    # Satisfies Leases ----------------------------------------------------------------------------------------------

    async def take(self, wish: Wish) -> Taken:
        """See Leases."""
        if self._client.is_doubtful:
            return None
        name, token = fill_name(self._namespace, wish.key), secrets.token_hex(_TOKEN // 2).encode()
        value = b"%s%s%d %d" % (_LEASE, token, wish.priority, wish.position)
        try:
            found = await self._run((_TAKE, name, value, self._life, wish.over.encode()), _taken)
        except StoreUnavailable:
            return None
        if isinstance(found, int):
            lease = _Lease(name, value, found, wish.on_urged, self._end)
            self._held[fill_digest(wish.key)] = lease
            return Held(lease)
        return found

    async def outlast(self, key: str, holder: str) -> Note | None:
        """See Leases."""
        name, digest, faults = fill_name(self._namespace, key), fill_digest(key), 0
        woken = asyncio.Event()
        self._waiting.setdefault(digest, set()).add(woken)
        try:
            while faults < _MOST_FAULTS:
                woken.clear()
                try:
                    found, left = await self._peek(name)
                except StoreUnavailable:
                    faults += 1
                    await asyncio.sleep(_FAULT_PAUSE)
                    continue
                faults = 0
                if not found or found[1:_AT_DATA] != holder.encode():
                    return Note(Ending.GONE)
                if found[:1] != _LEASE:
                    return Note(_ENDINGS.get(found[:1], Ending.GONE), found[_AT_DATA:])
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(max(left, 0.0), self._pace.life) + _MARGIN):
                        await woken.wait()
        finally:
            self._waiting[digest].discard(woken)
            if not self._waiting[digest]:
                del self._waiting[digest]
        return None

    def urge(self, key: str) -> None:
        """See Leases."""
        message = b"u" + fill_digest(key)
        question = Question("urge", pack([(b"PUBLISH", self._messages.channel, message)]), 1, lambda _: None)
        self._client.later(self._client.run(question, self._client.limits.command_timeout))

    # Keeping up and giving back ------------------------------------------------------------------------------------

    @property
    def _life(self) -> int:
        return int(self._pace.life * 1000)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._pace.beat)
            for lease in tuple(self._held.values()):
                if lease.is_over:
                    continue
                try:
                    await self._run((_EXTEND, lease.name, lease.value, self._life), _count)
                except StoreUnavailable:
                    break  # the others would not fare better now

    def _end(self, lease: _Lease, note: Note) -> None:
        digest = lease.name.rpartition(b":")[2]
        if self._held.get(digest) is lease:
            del self._held[digest]
        work = self._give_back(lease, note, digest)
        task = asyncio.get_running_loop().create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _give_back(self, lease: _Lease, note: Note, digest: bytes) -> None:
        token = lease.value[1:_AT_DATA]
        letter = _NOTES.get(note.ending)
        left = b"" if letter is None else letter + token + note.data
        seconds = ALONE_SECONDS if note.ending is Ending.ALONE else _NOTE_SECONDS
        arguments = (self._messages.channel, b"f" + digest, left, int(seconds * 1000))
        with suppress(StoreUnavailable):  # it ends by itself
            await self._run((_END, lease.name, _LEASE + token, *arguments), _count)

    def _hear(self, message: bytes) -> None:
        kind, digest = message[:1], message[1:]
        if kind == b"u":
            if (lease := self._held.get(digest)) is not None:
                lease.on_urged()
            return
        if kind in {b"f", b""}:
            wakings = self._waiting.get(digest, ()) if digest else [w for all_ in self._waiting.values() for w in all_]
            for waking in wakings:
                waking.set()

    async def _peek(self, name: bytes) -> tuple[bytes, float]:
        question = Question("lease", pack([(b"GET", name), (b"PTTL", name)]), 2, _peeked, at=name)
        return await self._client.run(question, self._client.limits.command_timeout)

    async def _run(self, command: Command, read: Callable[[list[Any]], T]) -> T:
        script, name, *arguments = command
        at = name if isinstance(name, bytes) else b""
        question = Question("lease", pack([(b"EVAL", script, 1, name, *arguments)]), 1, read, at=at)
        return await self._client.run(question, self._client.limits.command_timeout)


def _taken(replies: list[Any]) -> "int | Elsewhere | Note":
    reply = sound(replies[0])
    if isinstance(reply, int):
        return reply
    if not isinstance(reply, bytes) or len(reply) < _AT_DATA:
        raise NonsenseError("not a lease")
    if reply[:1] == _NOTES[Ending.ALONE]:
        return Note(Ending.ALONE)
    priority, _, position = reply[_AT_DATA:].partition(b" ")
    try:
        return Elsewhere(reply[1:_AT_DATA].decode(), int(position), Priority(int(priority)))
    except ValueError:
        raise NonsenseError("not a lease") from None


def _peeked(replies: list[Any]) -> tuple[bytes, float]:
    found, left = map(sound, replies)
    return found or b"", number(left) / 1000


def _count(replies: list[Any]) -> int:
    return number(sound(replies[0]))
