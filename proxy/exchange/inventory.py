"""What can be known of all that is stored, page by page: its values, and the port. Reads nothing itself."""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

from proxy.exchange.purges import Purge
from proxy.policy.messages import StoredResponse


class Row(Struct, frozen=True):
    """One stored response as it lies in the lasting store."""

    key: str
    """Its cache key's text."""
    stored: StoredResponse
    """Without its body, whose checksum nobody looked at."""
    length: int
    """Bytes of its body."""
    size: int
    """Bytes that it takes at rest, compressed where it is."""


class Page(Struct, frozen=True):
    """Some of what is stored, in no order that means anything. What was changed meanwhile may stand in two pages."""

    rows: Sequence[Row]
    cursor: bytes
    """Where the next page begins; empty: this was the last."""


SAMPLE: Final = 10
"""Rows that a tally shows."""


class Tally(Struct, frozen=True):
    """What a purge would meet."""

    count: int
    is_whole: bool
    """Whether that is all; else at least so many."""
    cost: float
    """Seconds of upstream time that fetching it again would take."""
    sample: Sequence[Row]

    def with_another(self, other: "Tally") -> "Tally":
        """Both together."""
        is_whole = self.is_whole and other.is_whole
        return Tally(self.count + other.count, is_whole, self.cost + other.cost, [*self.sample, *other.sample][:SAMPLE])


class Inventory(Protocol):
    """All that is stored and that no hard purge concerns. Every method raises StoreUnavailable."""

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        """Some of what such a purge would meet: one bounded step, which may find nothing although more is there.
        About ``most`` rows. Raises ValueError for a cursor that no page gave."""
        ...

    async def tally(self, aim: Purge, seconds: float) -> Tally:
        """Count what such a purge would meet, for so many seconds at most."""
        ...

    async def find(self, entry: str) -> StoredResponse | None:
        """A stored response by its id, with its body; None: there is none. Raises ValueError for what is no id."""
        ...
