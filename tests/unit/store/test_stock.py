"""Looking through a store: what is judged, counted once, and given up in time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.errors import StoreUnavailable
from proxy.exchange.entry_ids import entry_id
from proxy.exchange.inventory import SAMPLE, Page, Row
from proxy.exchange.ports import Lookup
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.backing import Found, LoggedPurge
from proxy.store.stats import TierStats
from proxy.store.stock import Stock
from tests.support.builders import T0, a_stored
from tests.support.clock import FakeClock

ALL = Purge(PurgeKind.ALL, "", PurgeMode.SOFT)
TAG = Purge(PurgeKind.TAG, "t", PurgeMode.SOFT)


def a_row(number: int, **changes: Any) -> Row:
    stored = replace(a_stored(b"", target=f"/{number}", cost=0.5), **changes)
    return Row(f"/{number}", stored, 10, 20)


class Shelves:
    """A store in pages, each of which takes some of the clock's time; one may be slow for real."""

    tier = "redis"

    def __init__(self, clock: FakeClock, *pages: Sequence[Row], seconds: float = 0.0) -> None:
        self.stats = TierStats(self.tier)
        self.is_up = True
        self.pages = pages
        self.slow_at: int | None = None
        self.variants: list[StoredResponse] = []
        self._clock = clock
        self._seconds = seconds

    async def page(self, aim: Purge, cursor: bytes, most: int) -> Page:
        if not self.is_up:
            raise StoreUnavailable("page", "down")
        number = int(cursor or b"0")
        if number == self.slow_at:
            await asyncio.Event().wait()
        self._clock.advance(self._seconds)
        following = number + 1
        return Page(self.pages[number], b"%d" % following if following < len(self.pages) else b"")

    async def remove_variant(self, key: CacheKey, variant: bytes) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def get(self, key: CacheKey, *, patient: bool = False) -> Found:
        raise NotImplementedError

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
        raise NotImplementedError

    async def remove(self, key: CacheKey) -> int:
        raise NotImplementedError

    async def log_purge(self, purge: Purge, by: str = "") -> int:
        raise NotImplementedError

    async def purges_after(self, position: int) -> Sequence[LoggedPurge]:
        raise NotImplementedError


class Judge:
    """Purges have taken what is on route ``gone`` and ended what is on ``ended``."""

    def __init__(self, shelves: Shelves | None) -> None:
        self._shelves = shelves

    def judge(self, key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        if stored.route == "gone":
            return None
        return replace(stored, is_ended=True) if stored.route == "ended" else stored

    async def catch_up(self) -> None:
        """There is nothing to learn."""

    async def look_again(self, key: CacheKey) -> Lookup:
        return Lookup(() if self._shelves is None else self._shelves.variants, 0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def a_stock(shelves: Shelves | None, clock: FakeClock) -> Stock:
    return Stock(shelves, Judge(shelves), clock)


async def test_what_was_purged_or_has_run_out_is_not_shown(clock: FakeClock) -> None:
    rows = [a_row(1), a_row(2, route="gone"), a_row(3, route="ended"), a_row(4, response_time=T0 - 61)]
    page = await a_stock(Shelves(clock, rows), clock).page(ALL, b"", 10)
    assert [(row.key, row.stored.is_ended) for row in page.rows] == [("/1", False), ("/3", True)]


async def test_a_tally_counts_each_once_with_its_cost(clock: FakeClock) -> None:
    shelves = Shelves(clock, [a_row(1), a_row(2)], [], [a_row(2), a_row(3)])
    tally = await a_stock(shelves, clock).tally(ALL, 2.0)
    assert (tally.count, tally.is_whole, tally.cost) == (3, True, 1.5)
    assert [row.key for row in tally.sample] == ["/1", "/2", "/3"]


async def test_a_sample_is_bounded(clock: FakeClock) -> None:
    tally = await a_stock(Shelves(clock, [a_row(number) for number in range(50)]), clock).tally(ALL, 2.0)
    assert (tally.count, len(tally.sample)) == (50, SAMPLE)


async def test_a_tally_ends_in_time_and_says_so(clock: FakeClock) -> None:
    shelves = Shelves(clock, *([a_row(number)] for number in range(50)), seconds=0.6)
    tally = await a_stock(shelves, clock).tally(ALL, 2.0)
    assert (tally.count, tally.is_whole) == (4, False)


async def test_a_page_that_does_not_come_ends_it_too(clock: FakeClock) -> None:
    shelves = Shelves(clock, [a_row(1)], [a_row(2)])
    shelves.slow_at = 1
    tally = await a_stock(shelves, clock).tally(ALL, 0.05)
    assert (tally.count, tally.is_whole) == (1, False)


async def test_what_a_purge_meets(clock: FakeClock) -> None:
    shelves = Shelves(clock, [a_row(1), a_row(2)])
    shelves.variants = [a_stored(), a_stored(secondary_key=(("accept", "x"),))]
    stock = a_stock(shelves, clock)
    assert await stock.met(TAG) == 2
    assert await stock.met(Purge(PurgeKind.URL, "/1", PurgeMode.HARD)) == 3  # its two variants, and one row of kin
    entry = Purge(PurgeKind.ENTRY, entry_id("/a", (("accept", "x"),)), PurgeMode.HARD)
    assert await stock.met(entry) == 1
    assert await stock.met(Purge(PurgeKind.ENTRY, entry_id("/a", (("accept", "y"),)), PurgeMode.HARD)) == 0
    for kind in (PurgeKind.PREFIX, PurgeKind.ROUTE, PurgeKind.ALL):
        assert await stock.met(Purge(kind, "/", PurgeMode.HARD)) is None


async def test_what_takes_too_long_to_count_is_not_said(clock: FakeClock) -> None:
    shelves = Shelves(clock, *([a_row(number)] for number in range(50)), seconds=0.6)
    assert await a_stock(shelves, clock).met(TAG) is None


async def test_a_store_that_is_down_keeps_no_purge_from_being_tried(clock: FakeClock) -> None:
    shelves = Shelves(clock, [a_row(1)])
    shelves.is_up = False
    assert await a_stock(shelves, clock).met(TAG) is None
    with pytest.raises(StoreUnavailable):
        await a_stock(shelves, clock).tally(TAG, 1.0)


async def test_memory_alone_cannot_be_looked_through(clock: FakeClock) -> None:
    with pytest.raises(StoreUnavailable):
        await a_stock(None, clock).page(ALL, b"", 10)
    assert await a_stock(None, clock).met(TAG) is None
