"""The lease on answering from memory, and waiting for the others to confirm a purge."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeServer

from proxy.errors import StoreUnavailable
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.backing import LoggedPurge
from proxy.store.redis_lease import Pace
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import replicas_name
from proxy.store.redis_replica import NOBODY_KNOWS, RedisReplica
from tests.support.builders import a_key
from tests.support.clock import FakeClock
from tests.support.fake_redis import a_client, a_redis_store

PACE = Pace(life=2.0, beat=0.02)
SET = replicas_name("tambo").decode()


class Log:
    """What a process knows of the purge log, with a gate before it learns."""

    def __init__(self, shared: list[int]) -> None:
        self.shared = shared
        self.learnt = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_down = False

    async def catch_up(self) -> None:
        """See Learner."""
        await self.gate.wait()
        if self.is_down:
            raise StoreUnavailable("purges", "down")
        self.learnt = self.shared[-1] if self.shared else 0

    def learn(self, before: int, logged: LoggedPurge) -> bool:
        """See Learner."""
        if before > self.learnt:
            return False
        self.learnt = max(self.learnt, logged.position)
        return True

    def start_over(self, position: int) -> None:
        """See Learner."""
        self.learnt = max(self.learnt, position)


class Process:
    """One of several over one Redis."""

    def __init__(self, server: FakeServer, shared: list[int], pace: Pace = PACE) -> None:
        self.clock = FakeClock()
        self.store = a_redis_store(server)
        self.messages = RedisMessages(self.store.client.dial, b"tambo:wake:1", 1.0)
        self.replica = RedisReplica(self.store.client, self.messages, "tambo", self.clock, pace)
        self.log = Log(shared)

    async def open(self) -> "Process":
        await self.store.open()
        self.messages.open()
        self.replica.open(self.log)
        async with asyncio.timeout(10):
            while not self.replica.is_current():
                await asyncio.sleep(0.001)
        return self

    async def close(self) -> None:
        await self.replica.close()
        await self.messages.close()
        await self.store.close()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def two(server: FakeServer) -> AsyncIterator[tuple[Process, Process]]:
    shared: list[int] = []
    one, other = [await Process(server, shared).open() for _ in range(2)]
    yield one, other
    await one.close()
    await other.close()


async def test_memory_may_answer_for_as_long_as_the_lease(two: tuple[Process, Process]) -> None:
    one, _ = two
    one.log.is_down = True  # what is not read is not vouched for
    await asyncio.sleep(2 * PACE.beat)
    assert one.replica.is_current()
    one.clock.advance(PACE.life - 0.01)
    assert one.replica.is_current()
    one.clock.advance(0.02)
    assert not one.replica.is_current(), "also when the process stood still meanwhile"


async def test_a_purge_is_confirmed_once_all_have_learnt_it(two: tuple[Process, Process]) -> None:
    one, other = two
    other.log.gate.clear()
    one.log.shared.append(7)
    confirming = asyncio.ensure_future(one.replica.confirmed(7))
    await asyncio.sleep(3 * PACE.beat)
    assert not confirming.done()
    other.log.gate.set()
    assert await confirming == ()
    assert other.log.learnt == 7


@pytest.mark.parametrize("knows_it_already", [False, True], ids=["reads it then", "has met it in a look-up"])
async def test_a_purge_is_confirmed_between_two_beats(server: FakeServer, knows_it_already: bool) -> None:
    shared: list[int] = []
    seldom = Pace(life=100.0, beat=40.0)
    one, other = [await Process(server, shared, seldom).open() for _ in range(2)]
    shared.append(7)
    if knows_it_already:
        other.log.learnt = 7
    async with asyncio.timeout(10):
        assert await one.replica.confirmed(7) == ()
    other.clock.advance(seldom.life - 1)
    assert other.replica.is_current(), "from when it was entered"
    other.clock.advance(2)
    assert not other.replica.is_current(), "confirming prolongs nothing"
    shared.append(8)
    async with asyncio.timeout(10):
        assert await one.replica.confirmed(8) == ()
        while not other.replica.is_current():
            await asyncio.sleep(0.001)
    for process in (one, other):
        await process.close()


async def test_who_does_not_confirm_in_time_is_named(two: tuple[Process, Process]) -> None:
    one, other = two
    other.log.is_down = True  # it renews its entry all the same
    confirming = asyncio.ensure_future(one.replica.confirmed(9))
    await asyncio.sleep(PACE.beat)
    one.clock.advance(PACE.life + 1)
    assert await confirming == (other.replica.name,)


async def test_who_has_left_is_not_waited_for(two: tuple[Process, Process]) -> None:
    one, other = two
    await other.replica.close()
    await other.replica.close()
    assert not other.replica.is_current()
    assert await one.replica.confirmed(11) == ()


async def test_who_died_is_waited_for_as_long_as_its_entry(server: FakeServer, two: tuple[Process, Process]) -> None:
    one, _ = two
    one.log.shared.append(5)
    redis = a_client(server)
    seconds, micro = await redis.time()
    ends = seconds * 1000 + micro // 1000 + 300
    await redis.zadd(SET, {"dead|3": ends})
    assert await one.replica.confirmed(5) == ()
    seconds, micro = await redis.time()
    assert seconds * 1000 + micro // 1000 >= ends
    await redis.aclose()


async def test_without_redis_nobody_can_say(server: FakeServer, two: tuple[Process, Process]) -> None:
    one, _ = two
    server.connected = False
    confirming = asyncio.ensure_future(one.replica.confirmed(5))
    await asyncio.sleep(PACE.beat)
    one.clock.advance(PACE.life + 1)
    assert await confirming == (NOBODY_KNOWS,)
    server.connected = True


async def test_nothing_is_left_in_redis(server: FakeServer) -> None:
    process = await Process(server, []).open()
    redis = a_client(server)
    assert await redis.pttl(SET) > 365 * 86_400_000, "the last thing that a full Redis evicts, but with an end"
    await process.close()
    assert await redis.exists(SET) == 0
    await redis.aclose()


async def test_a_purge_that_was_told_is_learnt_and_confirmed_without_reading_the_log(server: FakeServer) -> None:
    seldom = Pace(life=100.0, beat=40.0)
    one, other = [await Process(server, [], seldom).open() for _ in range(2)]
    one.store.purges.waiter = one.replica
    begun = (await one.store.get(a_key("/a"))).position
    other.log.learnt = begun
    other.log.gate.clear()  # it can read nothing
    async with asyncio.timeout(10):
        for number in range(3):
            position = await one.store.log_purge(Purge(PurgeKind.TAG, f"{number}", PurgeMode.HARD))
            assert await one.replica.confirmed(position) == ()
            assert other.log.learnt == position
    await one.close()
    await other.close()


async def test_who_has_missed_a_purge_reads_the_log_before_it_confirms(server: FakeServer) -> None:
    seldom = Pace(life=100.0, beat=40.0)
    shared: list[int] = []
    one, other = [await Process(server, shared, seldom).open() for _ in range(2)]
    one.store.purges.waiter = one.replica
    other.log.gate.clear()
    position = await one.store.log_purge(Purge(PurgeKind.TAG, "1", PurgeMode.HARD))
    confirming = asyncio.ensure_future(one.replica.confirmed(position))
    shared.append(position)
    await asyncio.sleep(0.1)
    assert not confirming.done()
    assert other.log.learnt == 0
    other.log.gate.set()
    async with asyncio.timeout(10):
        assert await confirming == ()
    await one.close()
    await other.close()
