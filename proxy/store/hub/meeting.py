"""Everything that a worker shares through the hub, put together. Decides nothing."""

import os
from pathlib import Path

from proxy.clock import Clock
from proxy.exchange.holdoff import FailureMemory
from proxy.store.hub.client import HubClient
from proxy.store.hub.company import HubCompany
from proxy.store.hub.failures import HubHoldOff
from proxy.store.hub.leases import HubLeases
from proxy.store.hub.places import HubSeats
from proxy.store.hub.replica import HubReplica
from proxy.store.replica import Learner


class Meeting:
    """Opened after the store that is shared, closed before it; ``seats`` is None where there is no limit."""

    def __init__(self, path: Path, number: int, clock: Clock, *, maximum: int | None, longest_fetch: float) -> None:
        """``path``: the hub's socket. ``number``: this worker's. ``maximum``: seats for all workers together."""
        self._client = HubClient(path, f"worker {number} (process {os.getpid()})")
        self.leases = HubLeases(self._client)
        self.hold_off = HubHoldOff(self._client, clock, FailureMemory(clock, longest_fetch=longest_fetch))
        self.seats = None if maximum is None else HubSeats(self._client, maximum)
        seats = self.seats
        self.replica = HubReplica(self._client, clock, lambda: () if seats is None else seats.held)
        self.company = HubCompany(self._client, self.replica)

    def open(self, log: Learner) -> None:
        """Begin to share; ``log``: the purges that this process knows."""
        self._client.open()
        self.replica.open(log)

    async def close(self) -> None:
        """Say nothing more: what is held goes to others. Idempotent."""
        await self.replica.close()
        await self._client.close()
