"""The exchange's store: memory over one lasting store, with the purge log between. Judges no freshness, no Vary.

A read is compared with the log wherever it comes from, so a purge is true for every look-up that begins after it was
logged; that the bytes go too is the housekeeper's work, later and in steps. While the lasting store is out, what is in
memory is still answered, and kept; a purge fails, since nothing could promise that it lasts.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from proxy.clock import Clock
from proxy.errors import StoreUnavailable, SupersededError
from proxy.exchange.ports import Lookup
from proxy.exchange.purges import Purge, Purged, PurgeKind, PurgeMode
from proxy.exchange.residence import Known, Seal, Sought
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.backing import Backing, Browsed, Found, LoggedPurge, Watched, at_hand, prompt
from proxy.store.housekeeper import Housekeeper
from proxy.store.memory import Memory
from proxy.store.merging import Readings, hold, merged, put_late
from proxy.store.purge_log import PurgeLog
from proxy.store.replica import Replica
from proxy.store.stats import TierStats
from proxy.store.stock import Stock

LOG: Final = logging.getLogger("tambo.store")

FENCE: Final = 600.0
"""Seconds for which a purge is remembered at least: longer than a fetch may take until it is stored."""


class TieredStore:
    """Satisfies proxy.exchange.ports.Store."""

    def __init__(
        self,
        memory: Memory,
        backing: Backing | None,
        clock: Clock,
        fence: float = FENCE,
        replica: Replica | None = None,
        *,
        trusts_memory: bool = True,
    ) -> None:
        """``backing`` None: memory alone, nothing outlives the process. ``replica`` None: nobody else shares it.
        ``trusts_memory``: whether memory answers while the lasting store is out although others may have purged."""
        self._memory, self._backing, self._clock, self._replica = memory, backing, clock, replica
        self._trusts_memory = trusts_memory or replica is None
        self._readings = Readings()
        self._prompt = prompt(backing)
        self._at_hand = at_hand(backing)
        self.residence = memory.residence
        self._log = PurgeLog(residence=memory.residence)
        self._learnt = 0
        """The position up to which no purge of the lasting store's log is unknown here."""
        self.fence = fence
        """Seconds for which a purge is remembered: longer than a fetch may take until it is stored."""
        self.stock: Final = Stock(backing, self, clock)
        self.housekeeper = Housekeeper(self, memory, backing, self._log, lambda: clock.now() - self.fence)

    @property
    def learnt(self) -> int:
        """See proxy.store.replica.Learner."""
        return self._learnt

    @property
    def position(self) -> int:
        """The purge log's last position that is known here."""
        return self._log.last

    @property
    def is_vouched(self) -> bool:
        """See Store."""
        return self._trusts_memory or (self._replica is not None and self._replica.is_current())

    @property
    def keeps(self) -> bool:
        """Whether anything outlives this process."""
        return self._backing is not None

    @property
    def tiers(self) -> Sequence[TierStats]:
        """What each tier counts, memory first."""
        hits, self.residence.hits = self.residence.hits, 0
        self._memory.stats.operations["get", "hit"] += hits
        return [self._memory.stats] if self._backing is None else [self._memory.stats, self._backing.stats]

    async def open(self) -> None:
        """Open the lasting store, learn its purges, begin to keep house. Raises ConfigError."""
        if self._backing is not None:
            await self._backing.open()
            if isinstance(self._backing, Watched):
                self._backing.watch(self._doubt)
            try:
                await self.catch_up()
            except StoreUnavailable as error:
                LOG.warning("the purge log is read later", extra={"detail": error.detail})
        self.housekeeper.start()

    async def close(self) -> None:
        """End housekeeping, write what is pending, close. Idempotent."""
        await self.housekeeper.stop()
        if self._backing is not None:
            await self._backing.close()

    # Looking up ------------------------------------------------------------------------------------------------

    def resident(self, key: CacheKey) -> Sequence[StoredResponse] | None:
        """What a look-up would find, where memory alone can tell; None: ask ``lookup``. Never waits.

        Good for as long as ``position`` stays what it is and memory holds these very objects.
        """
        is_alone = self._backing is None or (self._trusts_memory and not self._backing.is_up)
        if not (is_alone or self._replica is None or self._replica.is_current()):
            return None
        variants = self._in_memory(key)
        return variants if variants and (is_alone or self._memory.is_complete(key)) else None

    def at_hand(self, key: CacheKey, known: Known | None) -> Sought | None:
        """See proxy.exchange.standing.ResidentStore."""
        if self._at_hand is None:
            return None
        found = self._at_hand.at_hand(key, () if known is None else known.heads)
        return self._sought(key, known, found, is_the_latest=True)

    def seek(self, key: CacheKey, known: Known | None, then: Callable[[Sought | None], None]) -> bool:
        """See proxy.exchange.standing.ResidentStore."""
        if self._prompt is None:
            return False
        read = self._readings.begin(key)

        def ended(found: Found | None) -> None:
            then(self._sought(key, known, found, is_the_latest=self._readings.end(key, read)))

        if self._prompt.ask(key, () if known is None else known.heads, ended):
            return True
        _ = self._readings.end(key, read)
        return False

    def _sought(self, key: CacheKey, known: Known | None, found: Found | None, *, is_the_latest: bool) -> Sought | None:
        if found is None or found.position > self._learnt:  # purges that are not known here have to be learnt
            return None
        if found.bodies is not None and known is not None:
            stands = all(self.judge(key, variant) is variant for variant in known.variants)
            self._memory.stats.operations["get", "miss"] += stands
            return Sought(known.variants, known.heads, found.bodies) if stands else None
        variants = self._visible(key, found, is_the_latest=is_the_latest)
        self._memory.stats.operations["get", "miss"] += bool(variants)  # who finds nothing looks up again
        is_all = not self._memory.holds and variants == tuple(found.variants)
        return Sought(variants, found.heads if is_all else ())

    def seal(self, key: CacheKey, variants: Sequence[StoredResponse]) -> Seal | None:
        """A seal on what ``resident`` gives, where it gives these very objects; already past where memory has to be
        asked each time. Whoever answers under it counts in ``residence``."""
        if self.resident(key) is not variants:
            return None
        return self._memory.seal(key, math.inf if self._replica is None else self._replica.current_until)

    def _doubt(self, text: str | None) -> None:
        self._memory.doubt(text)
        self._readings.doubt(text)

    async def lookup(self, key: CacheKey) -> Lookup:
        """All variants that no hard purge concerns. Raises StoreUnavailable (with nothing usable in memory)."""
        held = self.resident(key)
        self._memory.stats.operations["get", "miss" if held is None else "hit"] += 1
        if held is None:
            held = await self._look_further(key)
        return Lookup(held, self._log.last)

    async def look_again(self, key: CacheKey) -> Lookup:
        """What is stored, with what others have put into the lasting store meanwhile. Raises StoreUnavailable."""
        return Lookup(await self._look_further(key, patient=True), self._log.last)

    async def _look_further(self, key: CacheKey, *, patient: bool = False) -> Sequence[StoredResponse]:
        if self._backing is None:
            return self._in_memory(key)
        read = self._readings.begin(key)
        try:
            found = await self._backing.get(key, patient=patient)
            if found.position > self._learnt:
                await self.catch_up()
                self._learnt = max(self._learnt, found.position)
                self._log.advance(found.position)
        except StoreUnavailable:
            if self.is_vouched and (held := self._in_memory(key)):
                return held
            raise
        finally:
            is_the_latest = self._readings.end(key, read)
        # From here on nothing waits: what was purged while we read is judged with the purge, not put into memory.
        return self._visible(key, found, is_the_latest=is_the_latest)

    def _visible(self, key: CacheKey, found: Found, *, is_the_latest: bool) -> Sequence[StoredResponse]:
        """What of it no hard purge concerns, with what memory has."""
        judged = (self.judge(key, variant) for variant in found.variants)
        visible = [variant for variant in judged if variant is not None]
        held = self._in_memory(key)
        return merged(self._memory, key, held, visible, self._clock.now(), is_the_latest=is_the_latest)

    def _in_memory(self, key: CacheKey) -> Sequence[StoredResponse]:
        """What memory holds and no hard purge concerns; what one does concern leaves now."""
        variants = self._memory.resident(key)
        for variant in variants:
            if self.judge(key, variant) is not variant:
                self._memory.revise(key, self.judge)
                return self._memory.resident(key)
        return variants

    def judge(self, key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        """What the purges known here leave of a stored response: itself, itself ended, or nothing."""
        return self._log.judge(key, stored)

    # Storing ---------------------------------------------------------------------------------------------------

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> bool:
        """Keep ``stored`` for ``keep_for`` seconds; False: a later hard purge concerns it. Raises StoreUnavailable
        where it could not be handed to the lasting store; memory holds it all the same, but see ``put_late``."""
        left = self._log.left(key, stored)
        if left is None or stored.cost > self.fence:  # so long ago that purges since may be forgotten
            return False
        since = max(stored.cost, self._clock.now() - stored.fence / 1e6 if stored.fence else 0.0)
        if self._backing and self._replica and not self._replica.was_current(since):
            then = partial(hold, self._memory, self._log.left, key, left, keep_for)
            await put_late(self._backing, self._readings, key, left, keep_for, then)
            return True
        self._memory.put(key, left, keep_for)
        if self._backing is not None:
            try:
                await self._backing.put(key, left, keep_for)
            except SupersededError:  # the next look-up finds the newer one
                self._memory.revise(key, lambda _, held: None if held is left else held)
        return True

    # Purging ---------------------------------------------------------------------------------------------------

    async def purge(self, purge: Purge, by: str = "") -> Purged:
        """Make a purge true for every look-up that begins after this returns; what a URL, a tag or an entry met is
        counted where somebody asked (``by``) and it takes no longer than a second.
        Raises StoreUnavailable, and then nothing is claimed: the log may have it or not."""
        count = await self.stock.met(purge) if by else None
        position = await self._make_true(purge, by if count is None else "")
        if not by:  # whoever asked says so himself
            LOG.info("purge", extra={"kind": purge.kind.value, "mode": purge.mode.value, "position": position})
        late, _ = await asyncio.gather(self._confirmed(position), self._clear(purge))
        return Purged(count, position, late)

    async def _clear(self, purge: Purge) -> None:
        """Carry out a purge of one key at once; any other is carried out by the housekeeper."""
        if (one := purge.of_one_key) is None:
            return
        key, variant = CacheKey(one[0], ""), one[1]
        self._memory.revise(key, self.judge)
        if purge.mode is PurgeMode.SOFT:
            return
        try:
            if self._backing is not None and variant is None:
                await self._backing.remove(key)
            elif isinstance(self._backing, Browsed) and variant is not None:
                await self._backing.remove_variant(key, variant)
        except StoreUnavailable as error:
            # It is logged, so nobody is given it any more; that it still takes room is no reason to fail.
            LOG.warning("purged, but not removed yet", extra={"detail": error.detail})

    async def _make_true(self, purge: Purge, by: str) -> int:
        position = await self._backing.log_purge(purge, by) if self._backing else self._log.last + 1
        self._log.add(LoggedPurge(position, purge, self._clock.now()))
        if purge.of_one_key is None:
            self.housekeeper.wake()  # of any other little is left: that has time until the next round
        return position

    async def _confirmed(self, position: int) -> tuple[str, ...]:
        return () if self._replica is None else await self._replica.confirmed(position)

    async def catch_up(self) -> None:
        """Learn the purges that others logged. Raises StoreUnavailable."""
        for logged in await self._backing.purges_after(self._learnt) if self._backing else ():
            self.learn(0, logged)

    def learn(self, before: int, logged: LoggedPurge) -> bool:
        """See proxy.store.replica.Learner."""
        if before > self._learnt:
            return False
        self._log.add(logged)
        self._learnt = max(self._learnt, logged.position)
        return True

    def start_over(self, position: int) -> None:
        """See Learner."""
        self.learn(0, LoggedPurge(position, Purge(PurgeKind.ALL, "", PurgeMode.HARD), self._clock.now()))

    def purged_since(self, position: int, key: CacheKey) -> PurgeMode | None:
        """See Store."""
        return self._log.since(position, key, key.target)
