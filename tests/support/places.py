"""Places where a Backing lasts: what the contract of every Backing is tested on. To add one, write a Place and list it.

A Place is opened as often as a test likes; each time gives a new Backing over what the one before left behind.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from proxy.store.backing import Backing
from proxy.store.disk import DiskStore
from tests.support.clock import FakeClock

Give: TypeAlias = Callable[[], AbstractAsyncContextManager[Backing]]
"""Gives a Backing over the same lasting place, not yet opened, and closes it at the end of the block."""

Place: TypeAlias = Callable[[Path, FakeClock], AbstractAsyncContextManager[Give]]
"""Makes a lasting place in an empty folder, and takes it away at the end of the block."""


@asynccontextmanager
async def disk(folder: Path, clock: FakeClock) -> AsyncIterator[Give]:
    """The embedded file."""

    @asynccontextmanager
    async def give() -> AsyncIterator[Backing]:
        store = DiskStore(folder / "data", clock, max_variants=8)
        try:
            yield store
        finally:
            await store.close()

    yield give


PLACES: dict[str, Place] = {"disk": disk}
"""By name; a name is the test's id."""
