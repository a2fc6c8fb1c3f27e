"""The memory tier: stored responses as they are, bounded in bytes. Synchronous; knows no purge log and no other tier.

Who leaves first is decided as in S3-FIFO (Yang et al., SOSP 2023). A key comes into a small first-in-first-out queue
of a tenth of the room. Leaving it, it is dropped if nobody asked for it meanwhile, else it moves to the main queue; so
a scan over keys that are asked for once washes through the small queue and leaves the main one alone. In the main queue
a key that was asked for gets another round for each of up to three uses. A dropped key is remembered by its hash for
a while: if it comes back, it goes straight to the main queue. A hit thus moves nothing: it adds 1 to a small integer.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from proxy.clock import Clock
from proxy.exchange.residence import MOST_USES, Residence
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.ring import PAST, Ring, Slot
from proxy.store.shards import Shards
from proxy.store.stats import TierStats
from proxy.store.weight import rounded, weight_of, weight_of_key

_SMALL_SHARE: Final = 10
_DOUBTED: Final = -1
_LEAST_REMEMBERED: Final = 64
_PATIENCE: Final = 100
"""Moves that one put makes at most before it drops the oldest whatever its uses: a bound on its time."""

Judge = Callable[[CacheKey, StoredResponse], StoredResponse | None]
"""What is to become of a stored response: itself, another in its place, or None: nothing."""


class Cause(StrEnum):
    """The ways out of memory."""

    EVICTED = "evicted"
    EXPIRED = "expired"
    REPLACED = "replaced"
    PURGED = "purged"


class Memory:
    """Holds every variant of a key together: they come, are found and leave as one."""

    def __init__(self, capacity: int, clock: Clock, max_variants: int = 64) -> None:
        """``capacity``: bytes, overhead included, at least 0 (then nothing is held). ``max_variants``: for each key."""
        self._capacity = capacity
        self._clock = clock
        self._max_variants = max_variants
        self._slots: Shards[str, Slot] = Shards()
        self._small = Ring()
        self._main = Ring()
        self._sweeping_at: Slot | None = None
        self._doubts = 0
        self._dropped: Shards[int, bool] = Shards()
        self._dropped_order: deque[int] = deque()
        self.removals: Counter[Cause] = Counter()
        self.stats = TierStats("memory")
        self.residence = Residence()

    @property
    def holds(self) -> bool:
        """Whether there is any room."""
        return self._capacity > 0

    def resident(self, key: CacheKey) -> Sequence[StoredResponse]:
        """All variants that are held and have not run out: the very objects, no copies."""
        slot = self._slots.get(key.text)
        if slot is None:
            return ()
        if self._clock.monotonic() >= slot.soonest_end and not self._expire(slot):
            return ()
        if slot.uses < MOST_USES:
            slot.uses += 1
        return slot.variants

    def is_complete(self, key: CacheKey) -> bool:
        """Whether what ``resident`` gives is all there is, so that no other tier needs to be asked."""
        slot = self._slots.get(key.text)
        return slot is not None and slot.is_complete and slot.doubts == self._doubts

    def is_doubted(self, key: CacheKey) -> bool:
        """Whether what is held may be another than what the lasting store has now."""
        slot = self._slots.get(key.text)
        return slot is not None and slot.doubts != self._doubts

    def seal(self, key: CacheKey, until: float) -> Slot | None:
        """Promise what is held under a key for as long as nothing changes, up to ``until`` (monotonic seconds) at
        most; None: nothing is."""
        slot = self._slots.get(key.text)
        if slot is not None:
            slot.until = min(until, slot.soonest_end)
        return slot

    def doubt(self, text: str | None) -> None:
        """Somebody changed what the lasting store has under a key (its text; None: maybe under any)."""
        if text is None:
            self._doubts += 1
            self.residence.begin_epoch()
        elif (slot := self._slots.get(text)) is not None:
            slot.doubts, slot.until = _DOUBTED, PAST

    def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
        """Hold ``stored`` for ``keep_for`` seconds from now, in place of the variant with the same secondary key."""
        if not self._capacity:
            return
        end = self._clock.monotonic() + keep_for
        slot = self._slots.get(key.text)
        if slot is None:
            slot = self._admit(key)
        others = [
            (variant, until)
            for variant, until in zip(slot.variants, slot.ends, strict=True)
            if variant.secondary_key != stored.secondary_key
        ]
        self._note(Cause.REPLACED, len(slot.variants) - len(others))
        kept = others[max(0, len(others) - self._max_variants + 1) :]
        self._note(Cause.EVICTED, len(others) - len(kept))
        # Without selecting fields the newest answers every request: older variants elsewhere do not matter.
        slot.is_complete = slot.is_complete or not stored.secondary_key
        self._fill(slot, [*kept, (stored, end)])
        self._make_room()

    def complete(self, key: CacheKey) -> None:
        """Note that every variant any tier has is held now, and nothing else."""
        slot = self._slots.get(key.text)
        if slot is not None:
            slot.is_complete = True
            slot.doubts = self._doubts

    def remove(self, key: CacheKey, cause: Cause) -> int:
        """Let go of every variant; how many there were."""
        slot = self._slots.get(key.text)
        return 0 if slot is None else self._leave(slot, cause)

    def revise(self, key: CacheKey, judge: Judge) -> int:
        """Ask ``judge`` about each variant of a key; how many it changed or dropped."""
        slot = self._slots.get(key.text)
        return 0 if slot is None else self._revise(slot, judge)

    @property
    def is_in_mid_sweep(self) -> bool:
        """Whether the next call of ``sweep`` goes on where another one ended."""
        return self._sweeping_at is not None

    def sweep(self, judge: Judge, limit: int) -> bool:
        """Ask ``judge`` about the next ``limit`` keys and let go of what has run out; whether more are left.

        The first call, and each after a False, begins anew. What is held all the while is asked about once at least.
        """
        slot = self._sweeping_at or self._small.head.following
        for _ in range(limit):
            # From the small queue on to the main one, never back: nothing slips by when it moves between them.
            if slot is self._small.head:
                slot = self._main.head.following
            if slot is self._main.head:
                self._sweeping_at = None
                return False
            self._sweeping_at = slot.following
            if self._clock.monotonic() < slot.soonest_end or self._expire(slot):
                self._revise(slot, judge)
            slot = self._sweeping_at
        return True

    # Changing one slot -----------------------------------------------------------------------------------------

    def _fill(self, slot: Slot, held: Sequence[tuple[StoredResponse, float]]) -> None:
        ring = self._main if slot.in_main else self._small
        weight = rounded(weight_of_key(slot.text) + sum([weight_of(variant) for variant, _ in held]))
        ring.weight += weight - slot.weight
        self.stats.bytes += weight - slot.weight
        self.stats.entries += len(held) - len(slot.variants)
        slot.weight = weight
        slot.hold(tuple(variant for variant, _ in held), tuple(end for _, end in held))

    def _keep(self, slot: Slot, held: Sequence[tuple[StoredResponse, float]], cause: Cause) -> bool:
        """Let go of the variants that are not in ``held``; whether the slot is still there."""
        if not held:
            self._leave(slot, cause)
            return False
        self._note(cause, len(slot.variants) - len(held))
        self._fill(slot, held)
        return True

    def _expire(self, slot: Slot) -> bool:
        now = self._clock.monotonic()
        held = [(variant, end) for variant, end in zip(slot.variants, slot.ends, strict=True) if now < end]
        return self._keep(slot, held, Cause.EXPIRED)

    def _revise(self, slot: Slot, judge: Judge) -> int:
        before = slot.variants
        judged = [(judge(slot.key, variant), end) for variant, end in zip(before, slot.ends, strict=True)]
        held = [(variant, end) for variant, end in judged if variant is not None]
        changed = sum(old is not new for old, (new, _) in zip(before, judged, strict=True))
        if changed:
            self._keep(slot, held, Cause.PURGED)
        return changed

    # Coming and leaving ----------------------------------------------------------------------------------------

    def _admit(self, key: CacheKey) -> Slot:
        slot = Slot(key)
        self._slots.set(key.text, slot)
        slot.doubts = self._doubts
        name = hash(key.text)
        if name in self._dropped:
            self._dropped.discard(name)
            slot.in_main = True
        (self._main if slot.in_main else self._small).append(slot)
        return slot

    def _leave(self, slot: Slot, cause: Cause) -> int:
        self._unlink(slot)
        slot.let_go()
        slot.until = PAST
        self._slots.discard(slot.text)
        self.stats.bytes -= slot.weight
        self.stats.entries -= len(slot.variants)
        self._note(cause, len(slot.variants))
        return len(slot.variants)

    def _unlink(self, slot: Slot) -> None:
        if slot is self._sweeping_at:
            self._sweeping_at = slot.following
        (self._main if slot.in_main else self._small).remove(slot)

    def _note(self, cause: Cause, count: int) -> None:
        if count:
            self.removals[cause] += count
            if cause is Cause.EVICTED:
                self.stats.evictions += count

    # Making room -----------------------------------------------------------------------------------------------

    def _make_room(self) -> None:
        patience = _PATIENCE
        while self.stats.bytes > self._capacity:
            small, main = self._small.oldest, self._main.oldest
            from_small = main is None or self._small.weight * _SMALL_SHARE > self._capacity
            slot = small if from_small and small is not None else main
            if slot is None:
                return
            if slot.uses and patience:
                patience -= 1
                self._move_on(slot)
            else:
                self._leave(slot, Cause.EVICTED)
                if not slot.in_main:
                    self._remember(hash(slot.text))

    def _move_on(self, slot: Slot) -> None:
        """What was asked for goes from the small queue to the main one, and there gets another round for each use."""
        self._unlink(slot)
        slot.uses = slot.uses - 1 if slot.in_main else 0
        slot.in_main = True
        self._main.append(slot)

    def _remember(self, name: int) -> None:
        self._dropped.set(name, True)
        self._dropped_order.append(name)
        while len(self._dropped_order) > max(_LEAST_REMEMBERED, len(self._slots)):
            self._dropped.discard(self._dropped_order.popleft())
