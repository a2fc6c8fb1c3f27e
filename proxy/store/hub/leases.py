"""One fetch per key among the workers of a machine. Satisfies proxy.exchange.leases.Leases; the hub hands them out, and
a worker that dies gives its own back by that.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from proxy.exchange.causes import Priority
from proxy.exchange.leases import Elsewhere, Ending, Held, Note, Taken, Wish
from proxy.store.hub.client import Answer, HubClient
from proxy.store.hub.words import Busy, End, Ended, Given, Take, Urge
from proxy.store.redis_names import fill_digest

_PATIENCE: Final = 1.0
"""Seconds to wait for the hub's answer."""
_MOST_WAITED_FOR: Final = 100_000
_GONE: Final = Note(Ending.GONE)


@dataclass(eq=False, slots=True)
class _Lease:
    """Satisfies proxy.exchange.leases.Lease."""

    digest: bytes
    holder: str
    fence: int
    wish: Wish
    leases: "HubLeases" = field(repr=False)
    is_over: bool = False

    def end(self, note: Note) -> None:
        """See Lease."""
        if not self.is_over:
            self.is_over = True
            self.leases.give_back(self, note)


class HubLeases:
    """Lives as long as the client it uses."""

    def __init__(self, client: HubClient) -> None:
        self._client = client
        self._held: dict[bytes, _Lease] = {}
        self._awaited: OrderedDict[tuple[bytes, str], asyncio.Future[Note]] = OrderedDict()
        client.on(Ended, self._ended)
        client.on(Urge, self._urged)
        client.on_loss(self._lost)

    # Satisfies Leases --------------------------------------------------------------------------------------------

    async def take(self, wish: Wish) -> Taken:
        """See Leases."""
        digest = fill_digest(wish.key)
        asked = self._client.ask(lambda ask: Take(ask, digest, int(wish.priority), wish.position, wish.over))
        if asked is None:
            return None
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await asyncio.shield(asked)
        except (TimeoutError, ConnectionError):
            asked.add_done_callback(lambda done: self._decline(digest, done))
            return None
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: self._decline(digest, done))
            raise
        match answer:
            case Given(_, holder, fence):
                lease = _Lease(digest, holder, fence, wish, self)
                self._held[digest] = lease
                return Held(lease)
            case Busy(_, holder, position, priority):
                self._await(digest, holder)
                return Elsewhere(holder, position, Priority(priority))
            case _:
                return Note(Ending.ALONE)

    async def outlast(self, key: str, holder: str) -> Note | None:
        """See Leases."""
        awaited = self._awaited.get((fill_digest(key), holder))
        if awaited is None:
            return _GONE if self._client.is_connected else None
        try:
            note = await asyncio.shield(awaited)
        except ConnectionError:
            return None
        self._awaited.pop((fill_digest(key), holder), None)
        return note

    def urge(self, key: str) -> None:
        """See Leases."""
        self._client.say(Urge(fill_digest(key)))

    # With the hub ------------------------------------------------------------------------------------------------

    def give_back(self, lease: _Lease, note: Note) -> None:
        """A lease ends: the hub tells whoever waits for it."""
        if self._held.get(lease.digest) is lease:
            del self._held[lease.digest]
        self._client.say(End(lease.digest, lease.holder, note.ending.value, note.data))

    def _decline(self, digest: bytes, asked: "asyncio.Future[Answer]") -> None:
        """A lease that comes when nobody waits for it any more."""
        if not asked.cancelled() and asked.exception() is None and isinstance(given := asked.result(), Given):
            self._client.say(End(digest, given.holder, Ending.GONE.value))

    def _await(self, digest: bytes, holder: str) -> None:
        """Be ready for its end, which may come before anybody asks for it."""
        if (digest, holder) in self._awaited:
            return
        self._awaited[digest, holder] = asyncio.get_running_loop().create_future()
        while len(self._awaited) > _MOST_WAITED_FOR:
            _, oldest = self._awaited.popitem(last=False)
            if not oldest.done():
                oldest.set_result(_GONE)

    def _ended(self, word: Ended) -> None:
        awaited = self._awaited.get((word.digest, word.holder))
        if awaited is not None and not awaited.done():
            awaited.set_result(Note(Ending(word.ending), word.data))

    def _urged(self, word: Urge) -> None:
        if (lease := self._held.get(word.digest)) is not None:
            lease.wish.on_urged()

    def _lost(self) -> None:
        for awaited in self._awaited.values():
            if not awaited.done():
                awaited.set_exception(ConnectionError("the hub is gone"))
                awaited.exception()  # seen: nobody may be waiting
        self._awaited.clear()
