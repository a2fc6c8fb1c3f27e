"""What Tambos share through Redis beside what is stored: who fetches what, and how many at once. Decides nothing."""

from collections.abc import Callable

from msgspec import Struct

from proxy.clock import Clock
from proxy.config.model import Config
from proxy.exchange.holdoff import FailureMemory
from proxy.store.backing import Backing, CarriedOut
from proxy.store.redis_holdoff import RedisHoldOff
from proxy.store.redis_lease import RedisLeases
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import messages_name
from proxy.store.redis_removal import RedisRemoval
from proxy.store.redis_replica import RedisReplica
from proxy.store.redis_seats import RedisSeats
from proxy.store.redis_store import RedisStore
from proxy.store.replica import Learner


class RedisShared(Struct, frozen=True):
    """Opened after the store whose connections it uses, and closed before it."""

    messages: RedisMessages
    replica: RedisReplica
    leases: RedisLeases
    hold_off: RedisHoldOff
    removal: RedisRemoval
    told: Callable[[CarriedOut], None]
    """Hears what came of purges."""
    seats: RedisSeats | None
    """None: as many requests to the upstream as anyone likes."""

    def open(self, log: Learner) -> None:
        """Begin to share; ``log``: the purges that this process knows."""
        self.messages.open()
        self.replica.open(log)
        self.leases.open()
        self.hold_off.open()
        self.removal.open(log, self.told)
        if self.seats is not None:
            self.seats.open()

    async def close(self) -> None:
        """Give back what is held and hear nothing more. Idempotent."""
        await self.removal.close()
        await self.leases.close()
        await self.hold_off.close()
        await self.replica.close()
        if self.seats is not None:
            await self.seats.close()
        await self.messages.close()


def make_shared(
    config: Config, backing: Backing, clock: Clock, told: Callable[[CarriedOut], None]
) -> RedisShared | None:
    """What is shared through Redis; None: nothing is. ``told`` hears what came of purges."""
    if not isinstance(backing, RedisStore):
        return None
    client = backing.client
    messages = RedisMessages(client.dial, messages_name(backing.namespace), client.limits.command_timeout)
    replica = RedisReplica(client, messages, backing.namespace, clock)
    backing.purges.waiter = replica
    maximum = config.upstream.concurrency.max
    seats = None if maximum is None else RedisSeats(client, messages, backing.namespace, maximum)
    memory = FailureMemory(clock, longest_fetch=config.upstream.patience)
    hold_off = RedisHoldOff(client, messages, backing.namespace, clock, memory)
    removal = RedisRemoval(client, backing.namespace, backing.purges, clock)
    leases = RedisLeases(client, messages, backing.namespace)
    return RedisShared(messages, replica, leases, hold_off, removal, told, seats)
