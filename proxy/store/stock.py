"""All that is stored and can still be used, page by page: what lies in the lasting store, judged by the purge log.

Satisfies proxy.exchange.inventory.Inventory. Changes nothing, and no client waits for it.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from msgspec.structs import replace

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.entry_ids import entry_id, read_entry_id, variant_digest
from proxy.exchange.inventory import SAMPLE, Page, Row, Tally
from proxy.exchange.ports import Lookup
from proxy.exchange.purges import Purge, PurgeKind
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.policy.reuse import keep_for
from proxy.store.backing import Backing, Browsed

MOST_SECONDS: Final = 1.0
"""For counting what a purge meets."""
_STEP: Final = 250

Judge = Callable[[CacheKey, StoredResponse], StoredResponse | None]


class Purged(Protocol):
    """What purges leave of a stored response, and learning the purges of others."""

    def judge(self, key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        """Itself, another in its place, or None."""
        ...

    async def catch_up(self) -> None:
        """Raises StoreUnavailable."""
        ...

    async def look_again(self, key: CacheKey) -> Lookup:
        """All that is stored under a key, whatever memory holds. Raises StoreUnavailable."""
        ...


class Stock:
    """Looks through a lasting store."""

    def __init__(self, backing: Backing | None, store: Purged, clock: Clock) -> None:
        self._backing = backing
        self._store = store
        self._clock = clock

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        """See Inventory."""
        return await self._page(aim, cursor, most, is_current=False)

    async def _page(self, aim: Purge, cursor: bytes, most: int, *, is_current: bool) -> Page:
        """``is_current``: somebody else sees to it that the purges of others are known here."""
        if not isinstance(self._backing, Browsed):
            raise StoreUnavailable("page", "what is stored cannot be looked through")
        if is_current:
            found = await self._backing.page(aim, cursor, most)
        else:
            found, _ = await asyncio.gather(self._backing.page(aim, cursor, most), self._store.catch_up())
        return Page([row for each in found.rows if (row := self._judged(each)) is not None], found.cursor)

    async def tally(self, aim: Purge, seconds: float) -> Tally:
        """See Inventory. What stands in two pages is counted once."""
        return await self._tally(aim, seconds)

    async def _tally(self, aim: Purge, seconds: float, but: str | None = None) -> Tally:
        """What is under the key ``but`` is not counted: who counts that learns what others have purged, too."""
        until = self._clock.monotonic() + seconds
        seen: set[str] = set()
        sample: list[Row] = []
        cost, cursor = 0.0, b""
        while True:
            left = until - self._clock.monotonic()
            page = await self._within(left, aim, cursor, is_current=but is not None or bool(cursor))
            if page is None:
                return Tally(len(seen), is_whole=False, cost=cost, sample=sample)
            for row in page.rows:
                name = entry_id(row.key, row.stored.secondary_key)
                if name not in seen and row.key != but:
                    seen.add(name)
                    cost += row.stored.cost
                    if len(sample) < SAMPLE:
                        sample.append(row)
            cursor = page.cursor
            if not cursor or self._clock.monotonic() >= until:
                return Tally(len(seen), not cursor, cost, sample)
            await asyncio.sleep(0)  # give way

    async def _within(self, seconds: float, aim: Purge, cursor: bytes, *, is_current: bool) -> Page | None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await self._page(aim, cursor, _STEP, is_current=is_current)
        except TimeoutError:
            return None

    async def met(self, purge: Purge) -> int | None:
        """How many stored responses a purge is about to meet, in memory alone or in the lasting store; None where it
        would take more than a second to say or cannot be said now, and for kinds of which nobody knows how long."""
        try:
            return await self._met(purge)
        except StoreUnavailable:
            return None  # whether the purge can be made to last is another matter

    async def _met(self, purge: Purge) -> int | None:
        if purge.kind is PurgeKind.ENTRY:
            return int(await self.find(purge.argument) is not None)
        if purge.kind is PurgeKind.URL:
            looking = self._store.look_again(CacheKey(purge.argument, ""))
            if not self._is_browsed:
                return len((await looking).candidates)
            own, kin = await asyncio.gather(looking, self._tally(purge, MOST_SECONDS, but=purge.argument))
            return len(own.candidates) + kin.count if kin.is_whole else None
        if purge.kind is not PurgeKind.TAG or not self._is_browsed:
            return None
        found = await self.tally(purge, MOST_SECONDS)
        return found.count if found.is_whole else None

    @property
    def _is_browsed(self) -> bool:
        return isinstance(self._backing, Browsed)

    async def find(self, entry: str) -> StoredResponse | None:
        """See Inventory."""
        text, digest = read_entry_id(entry)
        variants = (await self._store.look_again(CacheKey(text, ""))).candidates
        return next((stored for stored in variants if variant_digest(stored.secondary_key) == digest), None)

    def _judged(self, row: Row) -> Row | None:
        if row.stored.response_time + keep_for(row.stored) <= self._clock.now():
            return None  # it stands there as long as another variant of its key does
        stored = self._store.judge(CacheKey(row.key, row.stored.target), row.stored)
        return None if stored is None else row if stored is row.stored else replace(row, stored=stored)
