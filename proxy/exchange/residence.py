"""What a memory tier and those who answer from it share, so that a hit asks nobody. Decides nothing.

Whoever answers from memory holds a seal on what it found. It may answer as long as the seal's time is not over, the
seal still shows the very variants that were found, and the epoch is the one in which it looked.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from proxy.policy.messages import StoredResponse


class Seal(Protocol):
    """One key's place in memory."""

    until: float
    """Monotonic seconds up to which a look-up finds ``variants``, unless another epoch begins; in the past when the
    seal was broken: by a change, a removal or a doubt."""
    uses: int
    """How often it was used lately, up to MOST_USES: raised by whoever answers, read by who makes room."""

    @property
    def variants(self) -> Sequence[StoredResponse]:
        """What is held now."""
        ...


class Known(Struct, frozen=True):
    """What was found under a key beyond memory, kept without its bodies: good for nothing until it is found again."""

    variants: Sequence[StoredResponse]
    heads: Sequence[bytes]
    """By which it is known again, as the store wrote them."""


class Sought(Struct, frozen=True):
    """What is stored under a key beyond memory, and no purge concerns."""

    variants: Sequence[StoredResponse]
    heads: Sequence[bytes] = ()
    """What ``Known`` may be made with; empty: nothing may."""
    bodies: Sequence[bytes] | None = None
    """Where what was known is all there is: the bodies of ``variants``, which have none."""


MOST_USES = 3


class Residence:
    """Two numbers for everybody."""

    __slots__ = ("epoch", "hits")

    def __init__(self) -> None:
        self.epoch = 0
        """Raised by whatever may change what look-ups find under many keys at once: a purge, a doubt, a mode."""
        self.hits = 0
        """Look-ups that were answered under a seal and that no tier has counted yet."""

    def begin_epoch(self) -> None:
        """No seal of before is good any more."""
        self.epoch += 1
