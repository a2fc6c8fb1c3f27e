"""A small book of what is to be done later, kept beside what is stored: named values that end by themselves, and who
works at what. A protocol only: the embedded file and Redis implement it."""

from collections.abc import Sequence
from typing import Final, Protocol

MOST_NAMES: Final = 2000
"""Names that are listed at once."""


class Ledger(Protocol):
    """Shared by all Tambos that share a store; outlives them. Every method raises StoreUnavailable and nothing else."""

    async def close(self) -> None:
        """Let go of everything. Idempotent."""
        ...

    async def write(self, name: str, value: bytes, keep_for: float) -> None:
        """Keep ``value`` under ``name`` for so many seconds from now, in place of what is there."""
        ...

    async def read(self, name: str) -> bytes | None:
        """What is kept under ``name``; None: nothing, or its time is over."""
        ...

    async def remove(self, name: str) -> None:
        """Keep nothing under ``name`` any more."""
        ...

    async def names(self, prefix: str) -> Sequence[str]:
        """The names that begin so and whose time is not over, sorted; the last MOST_NAMES of them."""
        ...

    async def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Take the work called ``name``, or keep it: nobody else gets it for so many seconds. False: another has it."""
        ...

    async def let_go(self, name: str, holder: str) -> None:
        """Leave the work to others, where it is this one's."""
        ...
