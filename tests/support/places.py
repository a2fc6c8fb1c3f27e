"""Places where a Backing lasts: what the contract of every Backing is tested on. To add one, write a Place and list it.

A Place is opened as often as a test likes; each time gives a new Backing over what the one before left behind.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
from _pytest.mark import ParameterSet

from proxy.store.backing import Backing
from proxy.store.disk import DiskStore
from proxy.store.redis_address import parse_address
from proxy.store.redis_question import Limits
from proxy.store.redis_store import Bounds, RedisStore
from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer

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


@asynccontextmanager
async def redis(folder: Path, clock: FakeClock) -> AsyncIterator[Give]:
    """A real redis-server on a unix socket."""
    with TemporaryDirectory(dir="/tmp") as short, RedisServer(Path(short), unix=True) as server:

        @asynccontextmanager
        async def give() -> AsyncIterator[Backing]:
            limits = Limits(timeout=2.0, command_timeout=5.0)
            store = RedisStore(parse_address(server.url), clock, limits, Bounds(variants=8))
            try:
                yield store
            finally:
                await store.close()

        yield give


PLACES: list[ParameterSet] = [
    pytest.param(disk, id="disk"),
    pytest.param(redis, id="redis", marks=pytest.mark.integration),
]
"""For parametrising: whoever adds a Backing adds a line."""
