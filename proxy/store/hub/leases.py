"""One fetch per key among the workers of a machine. Satisfies proxy.exchange.leases.Leases; the hub hands them out, and
a worker that dies gives its own back by that.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from msgspec import Struct

from proxy.exchange.causes import Priority
from proxy.exchange.leases import Elsewhere, Ending, Held, Note, Taken, Wish
from proxy.store.hub.client import Answer, HubClient
from proxy.store.hub.words import Busy, End, Ended, Given, Take, Urge
from proxy.store.redis_names import fill_digest

_PATIENCE: Final = 1.0
"""Seconds to wait for the hub's answer."""
_GRACE: Final = 0.05
"""Seconds for an answer to show that it had come in time."""
_MOST_WAITED_FOR: Final = 100_000
MOST_UNCLAIMED: Final = 256
"""Ends that were heard and that nobody has asked for yet: one is asked for at once, or never."""
_GONE: Final = Note(Ending.GONE)


class _Lease(Struct, eq=False):
    """Satisfies proxy.exchange.leases.Lease."""

    digest: bytes
    holder: str
    fence: int
    wish: Wish
    leases: "HubLeases"
    is_over: bool = False

    def end(self, note: Note) -> None:
        """See Lease."""
        if not self.is_over:
            self.is_over = True
            self.leases.give_back(self, note)


class _Awaited(Struct, eq=False):
    ended: "asyncio.Future[Note]"
    waiting: int = 0


class HubLeases:
    """Lives as long as the client it uses."""

    def __init__(self, client: HubClient) -> None:
        self._client = client
        self._held: dict[bytes, _Lease] = {}
        self._awaited: OrderedDict[tuple[bytes, str], _Awaited] = OrderedDict()
        self._over: OrderedDict[tuple[bytes, str], Note] = OrderedDict()
        client.on(Ended, self._ended)
        client.on(Urge, self._urged)
        client.on_loss(self._lost)

    # Satisfies Leases --------------------------------------------------------------------------------------------

    async def take(self, wish: Wish) -> Taken:
        """See Leases."""
        digest = fill_digest(wish.key)
        asked = self._client.ask(
            lambda ask: Take(ask, digest, int(wish.priority), wish.position, wish.over),
            lambda answer: self._answered(digest, wish, answer),
        )
        if asked is None:
            return None
        try:
            await _patiently(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: self._decline(digest, done))
            raise
        if not asked.done() or asked.exception() is not None:
            asked.add_done_callback(lambda done: self._decline(digest, done))
            return None
        match asked.result():
            case Given(_, holder):
                lease = self._held.get(digest)
                return Held(lease) if lease is not None and lease.holder == holder else None
            case Busy(_, holder, position, priority):
                return Elsewhere(holder, position, Priority(priority))
            case _:
                return Note(Ending.ALONE)

    async def outlast(self, key: str, holder: str) -> Note | None:
        """See Leases."""
        name = fill_digest(key), holder
        over = self._over.pop(name, None)
        if over is not None:
            return over
        awaited = self._awaited.get(name)
        if awaited is None:
            return _GONE if self._client.is_connected else None
        awaited.waiting += 1
        try:
            return await asyncio.shield(awaited.ended)
        except ConnectionError:
            return None
        finally:
            awaited.waiting -= 1

    def urge(self, key: str) -> None:
        """See Leases."""
        self._client.say(Urge(fill_digest(key)))

    # With the hub ------------------------------------------------------------------------------------------------

    def give_back(self, lease: _Lease, note: Note) -> None:
        """A lease ends: the hub tells whoever waits for it."""
        if self._held.get(lease.digest) is lease:
            del self._held[lease.digest]
        self._client.say(End(lease.digest, lease.holder, note.ending.value, note.data))

    @property
    def kept(self) -> int:
        """How many ends are kept for who asks for them."""
        return len(self._over)

    def _answered(self, digest: bytes, wish: Wish, answer: Answer) -> None:
        """Know at once whose it is: the hub's next word may be that somebody waits for it, or that it is over."""
        match answer:
            case Given(_, holder, fence):
                self._held[digest] = _Lease(digest, holder, fence, wish, self)
            case Busy(_, holder):
                self._await(digest, holder)
            case _:
                pass

    def _decline(self, digest: bytes, asked: "asyncio.Future[Answer]") -> None:
        """A lease that comes when nobody waits for it any more."""
        if not asked.cancelled() and asked.exception() is None and isinstance(given := asked.result(), Given):
            lease = self._held.get(digest)
            if lease is not None and lease.holder == given.holder:
                lease.end(_GONE)

    def _await(self, digest: bytes, holder: str) -> None:
        """Be ready for its end, which may come before anybody asks for it."""
        if (digest, holder) in self._awaited:
            return
        self._awaited[digest, holder] = _Awaited(asyncio.get_running_loop().create_future())
        while len(self._awaited) > _MOST_WAITED_FOR:
            _, oldest = self._awaited.popitem(last=False)
            oldest.ended.set_result(_GONE)

    def _ended(self, word: Ended) -> None:
        name = word.digest, word.holder
        awaited = self._awaited.pop(name, None)
        if awaited is None:
            return
        note = Note(Ending(word.ending), word.data)
        if awaited.waiting:
            awaited.ended.set_result(note)
            return
        self._over[name] = note
        while len(self._over) > MOST_UNCLAIMED:
            self._over.popitem(last=False)

    def _urged(self, word: Urge) -> None:
        if (lease := self._held.get(word.digest)) is not None:
            lease.wish.on_urged()

    def _lost(self) -> None:
        for awaited in self._awaited.values():
            awaited.ended.set_exception(ConnectionError("the hub is gone"))
            awaited.ended.exception()  # seen: nobody may be waiting
        self._awaited.clear()
        self._over.clear()
        self._held.clear()


async def _patiently(asked: "asyncio.Future[Answer]") -> None:
    """Wait for an answer as long as there may be one; what lies unread because this process stood still is one."""
    await asyncio.wait([asked], timeout=_PATIENCE)
    if not asked.done():
        await asyncio.sleep(0)  # lets the loop read
        await asyncio.wait([asked], timeout=_GRACE)
