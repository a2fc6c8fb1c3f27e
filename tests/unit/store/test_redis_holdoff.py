"""What several processes over one Redis know of each other's failures."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from fakeredis import FakeServer
from fakeredis.aioredis import FakeRedis

from proxy.clock import SystemClock
from proxy.errors import Failure
from proxy.exchange.holdoff import FailureMemory
from proxy.store.redis_holdoff import RedisHoldOff
from proxy.store.redis_messages import RedisMessages
from tests.support.fake_redis import a_client, a_redis_store
from tests.support.scenario import a_route

ROUTE = a_route("ruc", hold_off=60.0)
NAMES = "tambo:holdoff:1:*"


class Process:
    """One process's end of it."""

    def __init__(self, server: FakeServer) -> None:
        self.store = a_redis_store(server)
        self.messages = RedisMessages(self.store.client.dial, b"tambo:wake:1", 1.0)
        clock = SystemClock()
        memory = FailureMemory(clock, lambda: 1.0)
        self.hold_off = RedisHoldOff(self.store.client, self.messages, "tambo", clock, memory)

    async def open(self) -> None:
        await self.store.open()
        self.messages.open()
        self.hold_off.open()
        await until(lambda: self.messages.is_connected)

    async def close(self) -> None:
        await self.hold_off.close()
        await self.messages.close()
        await self.store.close()

    def fail(self, key: str = "/a", times: int = 1) -> None:
        for _ in range(times):
            self.hold_off.failed(key, ROUTE, Failure.TIMEOUT, None)

    def count(self, key: str = "/a") -> int:
        setback = self.hold_off.setback(key)
        return 0 if setback is None else setback.count


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def redis(server: FakeServer) -> AsyncIterator[FakeRedis]:
    client = a_client(server)
    yield client
    await client.aclose()


@pytest.fixture
async def both(server: FakeServer) -> AsyncIterator[tuple[Process, Process]]:
    ours, theirs = Process(server), Process(server)
    for process in (ours, theirs):
        await process.open()
    yield ours, theirs
    for process in (ours, theirs):
        await process.close()


async def test_the_others_hear_of_a_failure_and_go_on_counting(both: tuple[Process, Process]) -> None:
    ours, theirs = both
    ours.fail(times=3)
    await until(lambda: theirs.count() == 3)
    mine, heard = ours.hold_off.setback("/a"), theirs.hold_off.setback("/a")
    assert mine is not None
    assert heard is not None
    assert (heard.route, heard.failure) == ("ruc", Failure.TIMEOUT)
    assert heard.until == pytest.approx(mine.until, abs=2)
    assert heard.forgotten == pytest.approx(mine.forgotten, abs=2)
    theirs.fail()
    await until(lambda: ours.count() == 4)


async def test_a_success_anywhere_clears_it_everywhere(both: tuple[Process, Process], redis: FakeRedis) -> None:
    ours, theirs = both
    ours.fail()
    await until(lambda: theirs.count() == 1)
    theirs.hold_off.succeeded("/a")
    await until(lambda: ours.count() == 0)
    assert await redis.keys(NAMES) == []


async def test_who_comes_later_learns_it_when_it_would_fetch(both: tuple[Process, Process], server: FakeServer) -> None:
    ours, theirs = both
    ours.fail(times=2)
    await until(lambda: theirs.count() == 2)
    late = Process(server)
    await late.open()
    assert late.count() == 0
    await late.hold_off.learn("/a")
    assert late.count() == 2
    await late.hold_off.learn("/never-failed")
    assert late.count("/never-failed") == 0
    await late.close()


async def test_what_is_kept_in_redis_has_an_end(both: tuple[Process, Process], redis: FakeRedis) -> None:
    ours, theirs = both
    ours.fail()
    await until(lambda: theirs.count() == 1)
    (name,) = await redis.keys(NAMES)
    assert 55_000 < await redis.pttl(name) <= 61_000


async def test_without_redis_each_has_its_own_and_tells_when_it_is_back(
    both: tuple[Process, Process], server: FakeServer
) -> None:
    ours, theirs = both
    server.connected = False
    ours.fail("/a", times=2)
    await ours.hold_off.learn("/a")
    await theirs.hold_off.learn("/a")
    assert (ours.count(), theirs.count()) == (2, 0)
    server.connected = True
    await until(lambda: ours.store.is_up and theirs.store.is_up)

    async def learnt() -> None:
        while theirs.count() != 2:
            await theirs.hold_off.learn("/a")
            await asyncio.sleep(0.01)

    async with asyncio.timeout(20):
        await learnt()
    assert ours.count() == 2


async def test_what_may_have_ended_unheard_is_not_believed_any_longer(both: tuple[Process, Process]) -> None:
    ours, theirs = both
    ours.fail()
    await until(lambda: theirs.count() == 1)
    theirs.hold_off._hear(b"")
    assert theirs.count() == 0
    await theirs.hold_off.learn("/a")
    assert theirs.count() == 1


async def test_what_is_no_setback_is_not_believed(both: tuple[Process, Process], redis: FakeRedis) -> None:
    ours, theirs = both
    ours.fail()
    await until(lambda: theirs.count() == 1)
    (name,) = await redis.keys(NAMES)
    theirs.hold_off._hear(b"")
    for value in (b"", b"1 2", b"x 1 timeout ruc", b"1 1 what ruc", b"\xff\xff", b"1 1e9 timeout ruc"):
        await redis.set(name, value, px=5000)
        await theirs.hold_off.learn("/a")
        assert theirs.count() == 0, value


async def test_there_is_a_bound_to_what_waits_to_be_told(both: tuple[Process, Process], server: FakeServer) -> None:
    ours, _ = both
    server.connected = False
    for number in range(1500):
        ours.fail(f"/{number}")
    assert len(ours.hold_off._unsaid) == 1000
    server.connected = True
