"""What a lasting store behind the memory tier offers. A protocol only: the embedded file and Redis implement it."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from proxy.exchange.inventory import Page
from proxy.exchange.purges import Purge
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.stats import TierStats


class Found(Struct, frozen=True):
    """The variants under a key that could be read (an unreadable one is missing here, counted and removed), and
    the purge log's last position, read in the same moment or before."""

    variants: Sequence[StoredResponse]
    position: int
    heads: Sequence[bytes] = ()
    """Of each variant, all that is said of it but its body; empty where nobody may go by them."""
    bodies: Sequence[bytes] | None = None
    """Where all that is stored has the heads that were asked about, in their order: the bodies, and no variants."""


class LoggedPurge(Struct, frozen=True):
    """A purge and its place in the log (rising, gaps allowed; the wall second it was logged)."""

    position: int
    purge: Purge
    at: float
    by: str = ""
    """Who wants to read in the log how many it met; empty: that is known, or nobody does."""


class CarriedOut(Struct, frozen=True):
    """A purge of which nothing is left to do."""

    logged: LoggedPurge
    count: int
    """How many stored responses were removed or ended for it."""


class Backing(Protocol):
    """A store that survives a restart. Every method raises StoreUnavailable and nothing else."""

    tier: str
    """``disk`` or ``redis``: a metric label."""
    stats: TierStats
    """What it counts, its operations included."""

    async def open(self) -> None:
        """Make ready; called once. A Redis that does not answer is not an error here."""
        ...

    async def close(self) -> None:
        """Write what is pending and let go of everything. Idempotent."""
        ...

    async def get(self, key: CacheKey, *, patient: bool = False) -> Found:
        """All variants in one round trip. ``patient``: what is missed here is fetched for half a minute, or has been
        waited for that long: it may take longer than a client's look-up."""
        ...

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
        """Store one variant for ``keep_for`` seconds (above 0), replacing the one with the same secondary key."""
        ...

    async def remove(self, key: CacheKey) -> int:
        """Remove every variant; how many there were."""
        ...

    async def log_purge(self, purge: Purge, by: str = "") -> int:
        """Append to the purge log so that it lasts; its position. ``by``: see LoggedPurge.

        Positions never fall, even when the log itself was lost: a fetch that began before must still be older than
        every later purge (a log that begins anew may begin at the wall clock's milliseconds).
        """
        ...

    async def purges_after(self, position: int) -> Sequence[LoggedPurge]:
        """The log behind ``position``, oldest first."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether the last operations went through (Redis: the breaker is closed)."""
        ...


@runtime_checkable
class AtHand(Protocol):
    """A Backing that most often can be read without waiting."""

    def at_hand(self, key: CacheKey, heads: Sequence[bytes]) -> Found | None:
        """What ``get`` finds; None where that has to wait, or fails. ``heads``: see Prompt."""
        ...


@runtime_checkable
class Prompt(Protocol):
    """A Backing that can be asked without a coroutine that waits."""

    def ask(self, key: CacheKey, heads: Sequence[bytes], then: Callable[[Found | None], None]) -> bool:
        """Begin what ``get`` does, and tell ``then`` later, never at once, what was found; None where that has to be
        asked for by ``get``. False: so has it to be now, and nobody is told. ``heads``: those that are known, in
        order, if any are; where they are all there still is, nothing is decoded but bodies."""
        ...


def prompt(backing: object) -> Prompt | None:
    """The same, where it is one."""
    return backing if isinstance(backing, Prompt) else None


def at_hand(backing: object) -> AtHand | None:
    """The same, where it is one."""
    return backing if isinstance(backing, AtHand) else None


@runtime_checkable
class Watched(Protocol):
    """A Backing that others change too, and that tells when they did."""

    def watch(self, doubt: Callable[[str | None], None]) -> None:
        """Tell ``doubt`` from now on of each key whose variants were changed, by its text, also where we did it
        ourselves; None: any may have been. Called once, after ``open``."""
        ...


@runtime_checkable
class Browsed(Protocol):
    """A Backing whose content can be looked through."""

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        """Some of what such a purge is aimed at, purged or not: one bounded step behind ``cursor`` (empty: from the
        beginning), about ``most`` rows. Raises ValueError for a cursor that no page gave."""
        ...

    async def remove_variant(self, key: CacheKey, variant: bytes) -> None:
        """Remove one variant of a key, by its digest."""
        ...


class Swept(Struct, frozen=True):
    """One step of a sweep."""

    changed: int
    """How many stored responses this step removed or ended."""
    carried_out: int
    """Every purge up to this position is now carried out on what is stored: reads need not ask the log about it."""
    more: bool
    """Whether another step has work to do now."""
    ended: Sequence[CarriedOut] = ()
    """The purges that this step came to the end of."""


@runtime_checkable
class Sweeps(Protocol):
    """A Backing that can carry out logged purges on what it stores, bit by bit; any other keeps its log longer."""

    async def sweep(self) -> Swept:
        """Remove what expired and carry out logged purges: one step of a few milliseconds. Raises StoreUnavailable."""
        ...

    async def forget_purges(self, up_to: int) -> None:
        """Drop log entries up to a position that was carried out. Raises StoreUnavailable."""
        ...
