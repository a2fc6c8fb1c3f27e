"""Which node of a Cluster has which slot, as the nodes tell it. Pure; asks nobody."""

from collections.abc import Sequence
from typing import Any, Final

from redis.crc import key_slot

from proxy.store.redis_address import Place
from proxy.store.redis_question import NonsenseError

SLOTS: Final = 16_384


class SlotTable:
    """The primaries of all slots; None where nobody has one."""

    def __init__(self) -> None:
        self._owners: list[Place | None] = [None] * SLOTS

    def of(self, name: bytes) -> Place | None:
        """Who has a name."""
        return self._owners[slot_of(name)]

    def move(self, slot: int, place: Place) -> None:
        """A node said that another has this slot. A number that is no slot is ignored."""
        if 0 <= slot < SLOTS:
            self._owners[slot] = place

    def places(self) -> frozenset[Place]:
        """The primaries that have slots."""
        return frozenset(owner for owner in self._owners if owner is not None)

    @property
    def covered(self) -> int:
        """How many slots have their owner."""
        return SLOTS - self._owners.count(None)

    @property
    def is_whole(self) -> bool:
        """Whether every slot has its owner."""
        return None not in self._owners

    def learn(self, reply: Any, asked: Place) -> None:
        """Take over a reply to CLUSTER SLOTS; ``asked`` gave it, and is meant where no host is said. Raises
        NonsenseError, and then nothing was changed."""
        owners: list[Place | None] = [None] * SLOTS
        if not isinstance(reply, list):
            raise NonsenseError("not a list of slots")
        for each in reply:
            first, last, place = _range(each, asked)
            owners[first : last + 1] = [place] * (last + 1 - first)
        self._owners = owners


def slot_of(name: bytes) -> int:
    """The slot of a name: of what stands in its first braces, or of all of it."""
    return int(key_slot(name))


def _range(said: Any, asked: Place) -> tuple[int, int, Place]:
    match said:
        case [int() as first, int() as last, [host, int() as port, *_], *_] if 0 <= first <= last < SLOTS:
            return first, last, (host.decode() if isinstance(host, bytes) and host else asked[0], port)
        case _:
            raise NonsenseError("not a range of slots")


def spread(places: Sequence[Place], first: int) -> list[Place]:
    """The same places, beginning with another each time, so that no node is asked by everyone."""
    return [*places[first % len(places) :], *places[: first % len(places)]] if places else []
