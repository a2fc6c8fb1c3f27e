"""What those who answer hits at once are handed: by whom, and on which connection. Protocols and values only."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from proxy.clock import Clock
from proxy.edge.server.header_block import Said
from proxy.edge.server.origin import Origin
from proxy.edge.server.settings import Finished
from proxy.exchange.standing import Standings
from proxy.exchange.tallies import Tallies


class Pending(Protocol):
    """A request that is looked up before it is answered."""

    data: bytes
    """The whole of it, as it came."""


class Served(Protocol):
    """The connection that a hit is answered on."""

    origin: Origin
    write: Callable[[bytes], None]
    """Hands bytes to the transport; nothing that was written before is still waiting there."""
    heard_at: float
    """Monotonic seconds: when a hit was answered last, or such a request came."""
    said: Said
    """The header section that came last, as it was read."""
    pending: Pending | None
    """What ``hold`` was called with, until it is settled or taken back."""

    def hold(self, pending: Pending) -> None:
        """Answer this one later, by ``settle``. If anything else is to happen before that, it is taken back, and
        goes the long way."""
        ...

    def settle(self, data: bytes | None) -> bool:
        """Write the pending one's answer. False: it went the long way, as with None it has to."""
        ...


class HitHooks(Struct, frozen=True):
    """What a hit needs of the rest."""

    standings: Standings
    clock: Clock
    tally: Tallies
    """Where hits are counted."""
    finished: Callable[[Finished], None]
    may_log: Callable[[], bool]
    """Whether some hits are logged; asked once a second."""
    logs_hit: Callable[[], bool]
    """Where some are: whether this one is, so that it has to be told of by itself."""
    bug: Callable[[str, BaseException], None]
    """An exception that should not be: where, and which."""
