"""Fixtures of the contracts: each test that asks for ``open_backing`` or ``backing`` runs once for every place."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from proxy.store.backing import Backing
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from tests.support.builders import a_key
from tests.support.clock import FakeClock
from tests.support.places import PLACES, Give, Place


@pytest.fixture
def clock() -> FakeClock:
    """Stands still at T0."""
    return FakeClock()


@pytest.fixture(params=PLACES)
async def open_backing(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Give]:
    """Opens a Backing over one lasting place, as often as it is called."""
    place: Place = request.param

    async with place(tmp_path, clock) as give:

        @asynccontextmanager
        async def open_it() -> AsyncIterator[Backing]:
            async with give() as backing:
                await backing.open()
                await backing.get(a_key("/"))  # as in life: nothing is stored that was not looked up before
                yield backing

        yield open_it


@pytest.fixture
async def backing(open_backing: Give) -> AsyncIterator[Backing]:
    """One open Backing."""
    async with open_backing() as backing:
        yield backing


OpenStore = Callable[[], AbstractAsyncContextManager[TieredStore]]


@pytest.fixture(params=[pytest.param(None, id="memory"), *PLACES])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[OpenStore]:
    """Opens a whole store: memory alone, and memory over each place."""

    @asynccontextmanager
    async def open_over(give: Give | None) -> AsyncIterator[TieredStore]:
        async with AsyncExitStack() as stack:
            backing = None if give is None else await stack.enter_async_context(give())
            store = TieredStore(Memory(10_000_000, clock), backing, clock)
            await store.open()
            await store.lookup(a_key("/"))  # as in life: nothing is stored that was not looked up before
            stack.push_async_callback(store.close)
            yield store

    if request.param is None:
        yield lambda: open_over(None)
        return
    async with request.param(tmp_path, clock) as give:
        yield lambda: open_over(give)


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[TieredStore]:
    """One open store."""
    async with open_store() as store:
        yield store
