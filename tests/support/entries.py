"""The entries endpoints over an empty store in memory, for admin listeners whose entries nobody asks for."""

from proxy.edge.admin.entries import Entries
from proxy.exchange.purging import Purger
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from tests.support.clock import FakeClock


def no_entries(purger: Purger) -> Entries:
    """Of a store that cannot be looked through."""
    clock = FakeClock()
    return Entries(TieredStore(Memory(1000, clock), None, clock).stock, purger, clock.now, lambda *_: None)
