"""What Tambos share through Redis beside what is stored: who fetches what. Builds, opens, closes; decides nothing."""

from dataclasses import dataclass

from proxy.config.model import Config
from proxy.store.backing import Backing
from proxy.store.redis_lease import RedisLeases
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import messages_name
from proxy.store.redis_store import RedisStore


@dataclass(frozen=True, slots=True)
class Shared:
    """Opened after the store whose connections it uses, and closed before it."""

    messages: RedisMessages
    leases: RedisLeases

    def open(self) -> None:
        """Begin to share."""
        self.messages.open()
        self.leases.open()

    async def close(self) -> None:
        """Give back what is held and hear nothing more. Idempotent."""
        await self.leases.close()
        await self.messages.close()


def make_shared(backing: Backing) -> Shared | None:
    """None: nothing is shared with other processes."""
    if not isinstance(backing, RedisStore):
        return None
    client = backing.client
    messages = RedisMessages(client.dial, messages_name(backing.namespace), client.limits.command_timeout)
    return Shared(messages, RedisLeases(client, messages, backing.namespace))


def patience(config: Config) -> float:
    """Seconds that a fetch may take, its place in the queue included."""
    return config.upstream.concurrency.queue_timeout + config.upstream.timeout.total
