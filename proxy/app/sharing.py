"""What a process shares with others beside what is stored, whoever they are: through Redis, or through the hub of one
machine's workers. Decides nothing.
"""

from collections.abc import Callable
from typing import Protocol

from proxy.app.place import WorkerPlace
from proxy.clock import Clock
from proxy.config.model import Config
from proxy.exchange.holdoff import HoldOff
from proxy.exchange.leases import Leases
from proxy.exchange.seats import Seats
from proxy.store.backing import Backing, CarriedOut
from proxy.store.hub.meeting import Meeting
from proxy.store.replica import Learner, Replica


class Shared(Protocol):
    """Opened after the store that is shared, and closed before it."""

    @property
    def replica(self) -> Replica:
        """This process, as one of those that share."""
        ...

    @property
    def leases(self) -> Leases:
        """One fetch per key among them."""
        ...

    @property
    def hold_off(self) -> HoldOff:
        """Their memory of failures."""
        ...

    @property
    def seats(self) -> Seats | None:
        """Their places at the upstream; None: as many as anyone likes."""
        ...

    def open(self, log: Learner) -> None:
        """Begin to share; ``log``: the purges that this process knows."""
        ...

    async def close(self) -> None:
        """Give back what is held and hear nothing more. Idempotent."""
        ...


def make_meeting(config: Config, clock: Clock, place: WorkerPlace | None) -> Meeting | None:
    """Where a supervisor's workers meet over the embedded store; None: there are none, or they share a Redis."""
    if place is None or place.hub is None or config.store.redis_url is not None:
        return None
    upstream = config.upstream
    return Meeting(place.hub, place.number, clock, maximum=upstream.concurrency.max, longest_fetch=upstream.patience)


def shared_by(config: Config, backing: Backing, clock: Clock, told: Callable[[CarriedOut], None]) -> Shared | None:
    """What is shared with other processes through Redis; None: nothing is. ``told`` hears what came of purges."""
    if config.store.redis_url is None:
        return None
    from proxy.app.fleet import make_shared  # noqa: PLC0415 - redis-py is slow to import

    return make_shared(config, backing, clock, told)
