"""Fixtures of the contracts: each test that asks for ``open_backing`` or ``backing`` runs once for every place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.store.backing import Backing
from tests.support.clock import FakeClock
from tests.support.places import PLACES, Open, Place


@pytest.fixture
def clock() -> FakeClock:
    """Stands still at T0."""
    return FakeClock()


@pytest.fixture(params=[pytest.param(place, id=name) for name, place in PLACES.items()])
async def open_backing(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Open]:
    """Opens a Backing over one lasting place, as often as it is called."""
    place: Place = request.param
    async with place(tmp_path, clock) as open_it:
        yield open_it


@pytest.fixture
async def backing(open_backing: Open) -> AsyncIterator[Backing]:
    """One open Backing."""
    async with open_backing() as backing:
        yield backing
