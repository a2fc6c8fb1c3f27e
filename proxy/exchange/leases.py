"""One fetch per key among processes: the lease a fill takes first, and what it leaves to those who waited. Waits for
nothing itself; a process that shares with nobody has no leases at all."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeAlias

from msgspec import Struct

from proxy.exchange.causes import Priority


class Ending(StrEnum):
    """What became of a fetch, for those who waited for it elsewhere."""

    GONE = "gone"
    """Look again: it was stored, or nobody can say."""
    ALONE = "alone"
    """Its asker's only: everybody goes by itself, those who come within the next seconds too."""
    SPOKEN = "spoken"
    """An answer that is not stored and nobody's own."""
    FAILED = "failed"
    """No answer."""


class Note(Struct, frozen=True):
    """What the holder of a lease left: bytes where the ending needs them (proxy.exchange.notes)."""

    ending: Ending
    data: bytes = b""


class Lease(Protocol):
    """A key's lease, ours. It is kept up until ``end``, and ends by itself soon after this process does."""

    @property
    def fence(self) -> int:
        """Microseconds of the clock that all share: later leases of a key have higher ones."""
        ...

    def end(self, note: Note) -> None:
        """Give it back and tell those who wait. The first call counts. Never raises and never waits."""
        ...


class Held(Struct, frozen=True):
    """It is ours now."""

    lease: Lease


class Elsewhere(Struct, frozen=True):
    """Another process has it. ``position``: the purge log's, before its fetch began."""

    holder: str
    position: int
    priority: Priority


Taken: TypeAlias = Held | Elsewhere | Note | None
"""A Note: the last one was its asker's only, a moment ago. None: there is nobody to ask, everyone is on his own."""


class Wish(Struct, frozen=True):
    """For which key (a CacheKey's text) a lease is wanted, with what to tell others of the fetch.

    ``over``: a holder that does not count, because its fetch began before a purge. ``on_urged`` hears that somebody
    elsewhere waits for it whom a client waits for.
    """

    key: str
    position: int
    priority: Priority
    on_urged: Callable[[], None]
    over: str = ""


class Leases(Protocol):
    """The leases of all processes that share a store. Never raises: without them everyone goes on by itself."""

    async def take(self, wish: Wish) -> Taken:
        """Ask for a key's lease, for about a second at most."""
        ...

    async def outlast(self, key: str, holder: str) -> Note | None:
        """Wait until that holder is done or its lease has ended; None: nobody can be asked any more."""
        ...

    def urge(self, key: str) -> None:
        """Tell the holder that a client waits."""
        ...
