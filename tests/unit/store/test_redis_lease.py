"""A key's lease in Redis: one holder, an end, and what it leaves to those who wait."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeServer
from fakeredis.aioredis import FakeRedis

from proxy.exchange.causes import Priority
from proxy.exchange.leases import Elsewhere, Ending, Held, Lease, Note, Wish
from proxy.store.redis_lease import Pace, RedisLeases
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_store import RedisStore
from tests.support.fake_redis import a_client, a_redis_store

NAME = "tambo:fill:1:"
PACE = Pace(life=0.4, beat=0.1)


class Process:
    """One process's end of it."""

    def __init__(self, server: FakeServer, pace: Pace = PACE) -> None:
        self.store: RedisStore = a_redis_store(server)
        self.messages = RedisMessages(self.store.client.dial, b"tambo:wake:1", 1.0)
        self.leases = RedisLeases(self.store.client, self.messages, "tambo", pace)
        self.urged = 0

    async def open(self) -> None:
        await self.store.open()
        self.messages.open()
        self.leases.open()

    async def close(self) -> None:
        await self.leases.close()
        await self.messages.close()
        await self.store.close()

    @property
    def asked(self) -> int:
        """How often Redis was asked about leases."""
        return sum(times for (operation, _), times in self.store.stats.operations.items() if operation == "lease")

    def wish(self, key: str = "/a", over: str = "") -> Wish:
        return Wish(key, 7, Priority.WARM, self._urge, over)

    def _urge(self) -> None:
        self.urged += 1

    async def lease(self, key: str = "/a", over: str = "") -> Lease:
        taken = await self.leases.take(self.wish(key, over))
        assert isinstance(taken, Held)
        return taken.lease

    async def loses(self, key: str = "/a") -> Elsewhere:
        taken = await self.leases.take(self.wish(key))
        assert isinstance(taken, Elsewhere)
        return taken


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def redis(server: FakeServer) -> AsyncIterator[FakeRedis]:
    client = a_client(server)
    yield client
    await client.aclose()


@pytest.fixture
async def processes(server: FakeServer) -> AsyncIterator[list[Process]]:
    both = [Process(server), Process(server)]
    for process in both:
        await process.open()
    yield both
    for process in both:
        await process.close()


async def test_one_holds_it_and_the_other_hears_who_and_for_what(processes: list[Process]) -> None:
    ours, theirs = processes
    await ours.lease()
    other = await theirs.loses()
    assert (other.position, other.priority) == (7, Priority.WARM)
    await theirs.lease("/b")


async def test_it_is_kept_up_for_as_long_as_it_takes(processes: list[Process], redis: FakeRedis) -> None:
    ours, theirs = processes
    lease = await ours.lease()
    (name,) = await redis.keys(NAME + "*")
    waiting = asyncio.ensure_future(theirs.leases.outlast("/a", (await theirs.loses()).holder))
    deadline = asyncio.get_running_loop().time() + 3 * PACE.life
    while asyncio.get_running_loop().time() < deadline:
        assert await redis.pttl(name) > 0
        await asyncio.sleep(PACE.beat / 2)
    assert not waiting.done()
    lease.end(Note(Ending.GONE))
    assert await waiting == Note(Ending.GONE)
    await theirs.lease()


@pytest.mark.parametrize("note", [Note(Ending.SPOKEN, b"\x00 said"), Note(Ending.FAILED, b"why"), Note(Ending.ALONE)])
async def test_who_waited_learns_what_became_of_it(processes: list[Process], note: Note) -> None:
    ours, theirs = processes
    lease = await ours.lease()
    waiting = asyncio.ensure_future(theirs.leases.outlast("/a", (await theirs.loses()).holder))
    lease.end(note)
    assert await waiting == note


async def test_a_message_wakes_who_waits_and_no_look_now_and_then(server: FakeServer) -> None:
    """Without one they would look again after ten minutes."""
    ours, theirs = Process(server, Pace(life=600.0, beat=300.0)), Process(server, Pace(life=600.0, beat=300.0))
    for process in (ours, theirs):
        await process.open()
    async with asyncio.timeout(20):
        while not theirs.messages.is_connected:
            await asyncio.sleep(0.001)
        lease = await ours.lease()
        holder = (await theirs.loses()).holder
        before = theirs.asked
        waiting = [asyncio.ensure_future(theirs.leases.outlast("/a", holder)) for _ in range(3)]
        while theirs.asked < before + 3:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)  # they have read that it is held still
        lease.end(Note(Ending.SPOKEN, b"said"))
        assert [await each for each in waiting] == [Note(Ending.SPOKEN, b"said")] * 3
    assert theirs.asked == before + 6, "a look each before the message, and one after it"
    for process in (ours, theirs):
        await process.close()


async def test_who_comes_after_a_failure_asks_anew_and_after_a_private_answer_goes_alone(
    processes: list[Process],
) -> None:
    ours, theirs = processes
    for ending in (Ending.FAILED, Ending.ALONE):
        lease = await ours.lease()
        holder = (await theirs.loses()).holder
        lease.end(Note(ending, b"x"))
        await theirs.leases.outlast("/a", holder)
    assert await theirs.leases.take(theirs.wish()) == Note(Ending.ALONE)


async def test_it_ends_by_itself_with_its_holder(server: FakeServer, processes: list[Process]) -> None:
    dead = Process(server, Pace(life=0.4, beat=60.0))
    await dead.store.open()
    await dead.lease()
    ours, _ = processes
    began = asyncio.get_running_loop().time()
    assert await ours.leases.outlast("/a", (await ours.loses()).holder) == Note(Ending.GONE)
    assert asyncio.get_running_loop().time() - began < 5
    await ours.lease()
    await dead.store.close()


async def test_later_leases_have_higher_fences_and_an_end_too_late_changes_nothing(
    processes: list[Process], redis: FakeRedis
) -> None:
    ours, theirs = processes
    first = await ours.lease()
    holder = (await theirs.loses()).holder
    second = await theirs.lease(over=holder)
    assert second.fence > first.fence
    first.end(Note(Ending.ALONE))
    await ours.leases.close()
    assert (await ours.loses()).holder != holder


async def test_a_lease_that_redis_lost_is_taken_up_again(processes: list[Process], redis: FakeRedis) -> None:
    ours, theirs = processes
    await ours.lease()
    await redis.flushall()
    async with asyncio.timeout(10):
        while not await redis.keys(NAME + "*"):
            await asyncio.sleep(0.01)
    await theirs.loses()


async def test_its_holder_hears_that_a_client_waits(processes: list[Process]) -> None:
    ours, theirs = processes
    await ours.lease()
    async with asyncio.timeout(10):
        while not ours.messages.is_connected:
            await asyncio.sleep(0.01)
        while not ours.urged:
            theirs.leases.urge("/a")
            await asyncio.sleep(0.01)


async def test_without_redis_nobody_waits(server: FakeServer, processes: list[Process]) -> None:
    ours, theirs = processes
    await ours.lease()
    waiting = asyncio.ensure_future(theirs.leases.outlast("/a", (await theirs.loses()).holder))
    server.connected = False
    assert await waiting is None
    assert await theirs.leases.take(theirs.wish("/b")) is None
    server.connected = True


async def test_what_is_no_lease_is_not_believed(processes: list[Process], redis: FakeRedis) -> None:
    ours, _ = processes
    await ours.lease()
    (name,) = await redis.keys(NAME + "*")
    for nonsense in (b"Lx", b"L0123456789abcdefx y", b"L0123456789abcdef9 7"):
        await redis.set(name, nonsense)
        assert await ours.leases.take(ours.wish()) is None
