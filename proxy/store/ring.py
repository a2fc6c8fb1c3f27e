"""The memory tier's queues: slots linked in a ring, so that any of them leaves without a search. Decides nothing."""

from math import inf
from typing import Final

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse

PAST: Final = -inf
"""Monotonic seconds: what ended so has ended for everybody. One object, for a million slots hold it."""


class Slot:
    """A key's place in memory: its variants, when each runs out (monotonic seconds), and its neighbours.

    Satisfies proxy.exchange.residence.Seal.
    """

    __slots__ = (
        "_ends", "doubts", "following", "in_main", "is_complete", "preceding", "soonest_end", "text",
        "until", "uses", "variants", "weight",
    )  # fmt: skip

    def __init__(self, key: CacheKey) -> None:
        self.text = key.text
        self.variants: tuple[StoredResponse, ...] = ()
        self._ends: tuple[float, ...] = ()
        """Empty where they all end together."""
        self.soonest_end = inf
        self.until = PAST
        self.weight = 0
        """Bytes, overhead included."""
        self.uses = 0
        self.is_complete = False
        self.doubts = 0
        """The memory's doubts about everything when this was known to be right; -1: it is doubted itself."""
        self.in_main = False
        self.preceding: Slot = self
        self.following: Slot = self

    @property
    def key(self) -> CacheKey:
        """Made anew each time: of a million keys that are held, few are asked for. Without a variant, it has no
        target."""
        return CacheKey(self.text, self.variants[0].target if self.variants else "")

    @property
    def ends(self) -> tuple[float, ...]:
        """When each variant runs out."""
        return self._ends or (self.soonest_end,) * len(self.variants)

    def hold(self, variants: tuple[StoredResponse, ...], ends: tuple[float, ...]) -> None:
        """Hold these in place of what there was; no seal of before is whole any more."""
        self.variants, self.soonest_end, self.until = variants, min(ends), PAST
        self._ends = ends if len(set(ends)) > 1 else ()

    def unlink(self) -> None:
        """Leave the ring; alone afterwards, so that nothing keeps anything else alive."""
        self.preceding.following = self.following
        self.following.preceding = self.preceding
        self.preceding = self.following = self

    def let_go(self) -> None:
        """Be in no ring again. What is alone knows itself, and only a collection of garbage would find that out."""
        del self.preceding, self.following


class Ring:
    """A first-in-first-out queue of slots that knows its weight in bytes."""

    __slots__ = ("head", "weight")

    def __init__(self) -> None:
        self.head = Slot(CacheKey("", ""))
        """No key's place: the mark between the newest and the oldest."""
        self.weight = 0

    @property
    def oldest(self) -> Slot | None:
        """The slot that came first; None when there is none."""
        first = self.head.following
        return None if first is self.head else first

    def append(self, slot: Slot) -> None:
        """Take in a slot that is in no ring, as the newest."""
        last = self.head.preceding
        slot.preceding, slot.following = last, self.head
        last.following = self.head.preceding = slot
        self.weight += slot.weight

    def remove(self, slot: Slot) -> None:
        """Let go of a slot that is in this ring."""
        slot.unlink()
        self.weight -= slot.weight
