"""A purge desk over an empty store in memory, for admin listeners whose entries nobody asks for."""

from proxy.exchange.inventory import Inventory
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from tests.support.clock import FakeClock


def no_inventory() -> Inventory:
    """Of a store that cannot be looked through."""
    clock = FakeClock()
    return TieredStore(Memory(1000, clock), None, clock).stock
