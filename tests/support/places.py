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

Open: TypeAlias = Callable[[], AbstractAsyncContextManager[Backing]]
"""Opens a Backing over the same lasting place, and closes it at the end of the block."""

Place: TypeAlias = Callable[[Path, FakeClock], AbstractAsyncContextManager[Open]]
"""Makes a lasting place in an empty folder, and takes it away at the end of the block."""


@asynccontextmanager
async def disk(folder: Path, clock: FakeClock) -> AsyncIterator[Open]:
    """The embedded file."""

    @asynccontextmanager
    async def open_it() -> AsyncIterator[Backing]:
        store = DiskStore(folder / "data", clock, max_variants=8)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    yield open_it


PLACES: dict[str, Place] = {"disk": disk}
"""By name; a name is the test's id."""
