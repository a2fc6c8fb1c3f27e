"""Carrying out purges in a real Redis: what is removed, what is counted, and that one process does it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from proxy.clock import SystemClock
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.backing import CarriedOut
from proxy.store.redis_address import parse_address
from proxy.store.redis_question import Limits
from proxy.store.redis_removal import RedisRemoval, RemovalPace
from proxy.store.redis_store import RedisStore
from tests.support.builders import a_key, a_stored
from tests.support.redis_many import ask
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.integration

SOFT, HARD = PurgeMode.SOFT, PurgeMode.HARD


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with TemporaryDirectory(dir="/tmp") as short, RedisServer(Path(short), unix=True) as it:
        yield it


class Worker:
    """One process at the same Redis."""

    def __init__(self, server: RedisServer, lease: float = 10.0) -> None:
        limits = Limits(timeout=2.0, command_timeout=5.0)
        self.store = RedisStore(parse_address(server.url), SystemClock(), limits)
        pace = RemovalPace(beat=0.01, lease=lease)
        self.removal = RedisRemoval(self.store.client, "tambo", self.store.purges, SystemClock(), pace)
        self.told: list[CarriedOut] = []

    async def put(self, text: str, position: int, **changes: Any) -> None:
        await self.store.put(a_key(text), a_stored(target=text, position=position, **changes), 60)

    async def purge(self, kind: PurgeKind, argument: str = "", mode: PurgeMode = HARD, by: str = "me") -> int:
        return await self.store.log_purge(Purge(kind, argument, mode), by)

    async def round(self) -> dict[str, int]:
        """What was counted, by argument."""
        self.told.clear()
        await self.removal.round(self.told.append)
        return {each.logged.purge.argument: each.count for each in self.told if each.logged.by}


@asynccontextmanager
async def _working(server: RedisServer, lease: float = 10.0) -> AsyncIterator[Worker]:
    worker = Worker(server, lease)
    await worker.store.open()
    await worker.store.get(a_key("/"))
    yield worker
    await worker.store.close()


@pytest.fixture
async def worker(server: RedisServer) -> AsyncIterator[Worker]:
    ask(server, "FLUSHALL")
    async with _working(server) as it:
        await it.round()
        yield it


def names(server: RedisServer) -> set[str]:
    """The keys that something is stored under."""
    found = ask(server, "KEYS", "tambo:1:*")
    assert isinstance(found, list)
    return {name.decode().removeprefix("tambo:1:") for name in found}


async def _fill(worker: Worker, count: int = 30) -> int:
    begun = await worker.store.purges.last(1.0) or 0
    for number in range(count):
        await worker.put(f"/{'a' if number % 2 else 'b'}/{number}", begun, tags=("t",) if number % 3 == 0 else ())
    return begun


@pytest.mark.parametrize(
    ("kind", "argument", "left"),
    [
        (PurgeKind.PREFIX, "/a/", 15),
        (PurgeKind.PATTERN, "/*/1*", 19),
        (PurgeKind.ROUTE, "default", 0),
        (PurgeKind.ALL, "", 0),
        (PurgeKind.TAG, "t", 20),
        (PurgeKind.PREFIX, "/c", 30),
    ],
)
async def test_hard_purges_are_carried_out_and_counted(
    worker: Worker, server: RedisServer, kind: PurgeKind, argument: str, left: int
) -> None:
    await _fill(worker)
    await worker.purge(kind, argument)
    assert await worker.round() == {argument: 30 - left}
    assert len(names(server)) == left
    assert await worker.round() == {}


async def test_a_soft_purge_is_counted_and_removes_nothing(worker: Worker, server: RedisServer) -> None:
    await _fill(worker)
    await worker.purge(PurgeKind.PREFIX, "/a/", SOFT)
    assert await worker.round() == {"/a/": 15}
    assert len(names(server)) == 30


async def test_each_of_several_counts_what_the_ones_before_have_left(worker: Worker, server: RedisServer) -> None:
    await _fill(worker)
    await worker.purge(PurgeKind.PATTERN, "*/b/*", SOFT)
    await worker.purge(PurgeKind.PREFIX, "/a/1")
    await worker.purge(PurgeKind.PREFIX, "/a/")
    await worker.purge(PurgeKind.PREFIX, "/b/", by="")
    assert await worker.round() == {"*/b/*": 15, "/a/1": 6, "/a/": 9}
    assert names(server) == set()


async def test_what_was_fetched_after_a_purge_stays(worker: Worker, server: RedisServer) -> None:
    await _fill(worker, 4)
    position = await worker.purge(PurgeKind.ALL)
    await worker.put("/a/1", position)
    await worker.round()
    assert names(server) == {"/a/1"}


async def test_what_was_stored_anew_meanwhile_is_not_removed(worker: Worker, server: RedisServer) -> None:
    begun = await _fill(worker, 2)
    position = await worker.purge(PurgeKind.ALL)
    found, _ = await worker.removal._pages.lying(Purge(PurgeKind.ALL, "", HARD), b"", 100)
    assert {each.row.stored.position for each in found} == {begun}
    await worker.put("/a/1", position)
    await worker.removal._remove(found)
    assert names(server) == {"/a/1"}


async def test_nothing_but_a_fence_is_not_left_behind(worker: Worker, server: RedisServer) -> None:
    await worker.put("/a", 0, fence=5)
    await worker.purge(PurgeKind.ALL)
    await worker.round()
    assert names(server) == set()


async def test_more_purges_than_one_walk_takes(worker: Worker, server: RedisServer) -> None:
    await _fill(worker)
    for number in range(150):
        await worker.purge(PurgeKind.PREFIX, f"/b/{number}?")
    await worker.purge(PurgeKind.PREFIX, "/a/")
    assert (await worker.round())["/a/"] == 15
    assert len(names(server)) == 15


async def test_one_process_does_it_and_another_goes_on_when_that_dies(worker: Worker, server: RedisServer) -> None:
    async with _working(server, lease=0.05) as first, _working(server) as second:
        await _fill(worker)
        await worker.purge(PurgeKind.PREFIX, "/a/")
        assert await first.removal._take(5.0) is not None
        assert await second.round() == {}
        assert await worker.round() == {}
        assert len(names(server)) == 30
        assert await first.removal._take(0.0) is not None
        assert await second.round() == {"/a/": 15}
        assert await worker.round() == {}  # it reads that all is done


async def test_a_lease_that_was_lost_ends_the_walk(worker: Worker, server: RedisServer) -> None:
    async with _working(server) as other:
        await worker.purge(PurgeKind.PREFIX, "/a/")
        assert await worker.removal._take(0.0) is not None
        assert await other.removal._take(10.0) is not None
        assert await worker.removal._take(10.0) is None


async def test_everything_that_it_writes_ends(worker: Worker, server: RedisServer) -> None:
    await _fill(worker)
    await worker.purge(PurgeKind.ALL)
    await worker.round()
    found = ask(server, "KEYS", "*")
    assert isinstance(found, list)
    assert found
    for name in found:
        left = ask(server, "PTTL", name)
        assert isinstance(left, int)
        assert 0 < left <= 3_600_000, name
