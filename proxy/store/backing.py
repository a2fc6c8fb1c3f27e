"""What a lasting store behind the memory tier offers. A protocol only: the embedded file and Redis implement it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.exchange.ports import Purge
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse


@dataclass(frozen=True, slots=True)
class Found:
    """The variants under a key that could be read (an unreadable one is missing here, counted and removed), and
    the purge log's last position, read in the same moment or before."""

    variants: Sequence[StoredResponse]
    position: int


@dataclass(frozen=True, slots=True)
class LoggedPurge:
    """A purge and its place in the log (1, 2, 3, ...; the wall second it was logged)."""

    position: int
    purge: Purge
    at: float


class Backing(Protocol):
    """A store that survives a restart. Every method raises StoreUnavailable and nothing else."""

    tier: str
    """``disk`` or ``redis``: a metric label."""

    async def open(self) -> None:
        """Make ready; called once. A Redis that does not answer is not an error here."""
        ...

    async def close(self) -> None:
        """Write what is pending and let go of everything. Idempotent."""
        ...

    async def get(self, key: CacheKey) -> Found:
        """All variants in one round trip."""
        ...

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
        """Store one variant for ``keep_for`` seconds (above 0), replacing the one with the same secondary key."""
        ...

    async def remove(self, key: CacheKey) -> int:
        """Remove every variant; how many there were."""
        ...

    async def log_purge(self, purge: Purge) -> int:
        """Append to the purge log so that it lasts; its position."""
        ...

    async def purges_after(self, position: int) -> Sequence[LoggedPurge]:
        """The log behind ``position``, oldest first."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether the last operations went through (Redis: the breaker is closed)."""
        ...
