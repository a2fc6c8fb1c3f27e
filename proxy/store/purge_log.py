"""What purges are known in this process, and whether one of them concerns something. Stores nothing that lasts.

Positions rise in time: whatever was fetched after position p was read is out of reach of every purge up to p. So one
comparison answers for what is newer than the newest purge held here; the rest costs a few dictionary look-ups.

The log stays small in three ways. A purge replaces an older one like it, and one of everything replaces the weaker
ones before it. Once a purge is carried out on all that is stored it is *forgotten*: reads need it no more, and a fetch
that began before it is refused from then on, since nobody can say any more what concerned it (so it is forgotten only
after longer than a fetch takes). Last, beyond ``limit`` the older half is folded into one purge of everything: that
may end more than was asked for, never less.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.exchange.residence import Residence
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import SecondaryKey, StoredResponse
from proxy.store.backing import LoggedPurge
from proxy.store.purge_marks import Marks

LIMIT: Final = 20_000


class PurgeLog:
    """The purges that still matter, in the order of their positions."""

    def __init__(self, limit: int = LIMIT, residence: Residence | None = None) -> None:
        """``limit``: how many purges are held at most; ``residence``: told of each new one."""
        self._limit = limit
        self._residence = residence or Residence()
        self._entries: OrderedDict[Purge, LoggedPurge] = OrderedDict()
        self._marks = {PurgeMode.HARD: Marks(), PurgeMode.SOFT: Marks()}
        self._newest = 0
        self.last = 0
        """The highest position known: what a fetch that begins now is given."""
        self.floor = 0
        """Purges up to here may have been forgotten."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_crowded(self) -> bool:
        """Whether half the room is taken."""
        return len(self._entries) * 2 > self._limit

    def add(self, logged: LoggedPurge) -> None:
        """Take in a purge; one that is known already changes nothing."""
        self.advance(logged.position)
        if logged.purge.kind is PurgeKind.ALL and logged.purge.argument:
            logged = replace(logged, purge=replace(logged.purge, argument=""))  # one of a kind, whatever was written
        known = self._entries.get(logged.purge)
        if logged.position <= self.floor or (known is not None and known.position >= logged.position):
            return
        if logged.purge.kind is PurgeKind.ALL:
            self._replace_weaker(logged)
        self._insert(logged)
        if len(self._entries) > self._limit:
            self._fold()

    def advance(self, position: int) -> None:
        """Note that the log has come to ``position``."""
        self.last = max(self.last, position)

    def strongest(
        self,
        position: int,
        key_text: str,
        target: str,
        tags: Sequence[str] | None = (),
        route: str | None = "",
        secondary: SecondaryKey | None = None,
    ) -> PurgeMode | None:
        """The strongest purge behind ``position`` that concerns what is stored under this key from this target with
        these tags on this route and these selecting fields; None: they are not known yet."""
        if position >= self._newest:
            return None
        for mode, marks in self._marks.items():
            if marks.concern(position, key_text, target, tags, route, secondary):
                return mode
        return None

    def since(
        self, position: int, key: CacheKey, target: str, stored: StoredResponse | None = None
    ) -> PurgeMode | None:
        """The same for a fetch that began at ``position`` and brought ``stored``, if anything yet; hard where that is
        too long ago to say."""
        if position < self.floor:
            return PurgeMode.HARD
        if stored is None:
            return self.strongest(position, key.text, target, None, None)
        return self.strongest(position, key.text, target, stored.tags, stored.route, stored.secondary_key)

    def left(self, key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        """What the purges since it began leave of a fetch: what it brought, the same ended, or nothing."""
        return _spared(stored, self.since(stored.position, key, stored.target, stored))

    def judge(self, key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        """What the purges leave of a stored response: itself, itself ended, or nothing."""
        if stored.position >= self._newest:  # nearly always
            return stored
        about = (key.text, stored.target, stored.tags, stored.route, stored.secondary_key)
        return _spared(stored, self.strongest(stored.position, *about))

    def last_before(self, moment: float) -> int:
        """The position up to which every purge was logged before ``moment`` (wall seconds)."""
        for logged in self._entries.values():
            if logged.at >= moment:
                return logged.position - 1
        return self.last

    def forget(self, up_to: int) -> None:
        """Drop the purges up to this position, which are carried out on all that is stored."""
        self.floor = max(self.floor, up_to)
        self.advance(up_to)
        while self._entries:
            logged = next(iter(self._entries.values()))
            if logged.position > up_to:
                return
            self._drop(logged.purge)
        self._newest = 0

    def _insert(self, logged: LoggedPurge) -> None:
        self._entries[logged.purge] = logged
        self._entries.move_to_end(logged.purge)
        self._marks[logged.purge.mode].set(logged.purge, logged.position)
        self._newest = max(self._newest, logged.position)
        self._residence.begin_epoch()

    def _drop(self, purge: Purge) -> None:
        del self._entries[purge]
        self._marks[purge.mode].clear(purge)

    def _replace_weaker(self, everything: LoggedPurge) -> None:
        hard = everything.purge.mode is PurgeMode.HARD
        for logged in list(self._entries.values()):
            if logged.position < everything.position and (hard or logged.purge.mode is PurgeMode.SOFT):
                self._drop(logged.purge)

    def _fold(self) -> None:
        older = list(self._entries.values())[: len(self._entries) // 2]
        hard = any(logged.purge.mode is PurgeMode.HARD for logged in older)
        for logged in older:
            self._drop(logged.purge)
        purge = Purge(PurgeKind.ALL, "", PurgeMode.HARD if hard else PurgeMode.SOFT)
        last = older[-1]
        if purge not in self._entries:
            self._insert(LoggedPurge(last.position, purge, last.at))
            self._entries.move_to_end(purge, last=False)


def _spared(stored: StoredResponse, purged: PurgeMode | None) -> StoredResponse | None:
    """What a purge leaves: itself, itself ended, or nothing."""
    match purged:
        case None:
            return stored
        case PurgeMode.SOFT:
            return stored if stored.is_ended else replace(stored, is_ended=True)
        case PurgeMode.HARD:
            return None
