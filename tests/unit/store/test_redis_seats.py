"""The places at the upstream, shared through Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from fakeredis import FakeServer
from fakeredis.aioredis import FakeRedis

from proxy.exchange.causes import Priority
from proxy.exchange.seats import Seat
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import seats_name
from proxy.store.redis_seats import RedisSeats, SeatPace
from tests.support.fake_redis import a_client, a_redis_store

PACE = SeatPace(life=1.0, beat=0.1, settle=2.5)
NAME = seats_name("tambo").decode()
MOST = 2


class Process:
    """One process's end of it, which wants a place as long as ``wants`` says so."""

    def __init__(self, server: FakeServer, pace: SeatPace = PACE) -> None:
        self.store = a_redis_store(server)
        self.messages = RedisMessages(self.store.client.dial, b"tambo:wake:1", 1.0)
        self.seats = RedisSeats(self.store.client, self.messages, "tambo", MOST, pace)
        self.seats.serve(self._take)
        self.got: list[Seat] = []
        self.wants = 0
        self.priority = Priority.CLIENT
        self.on_got: Callable[[], None] = lambda: None

    def want(self, times: int, priority: Priority = Priority.CLIENT) -> None:
        self.wants, self.priority = times, priority
        self.seats.want(priority if times else None)

    def _take(self, seat: Seat) -> None:
        if not self.wants:
            seat.release()
            return
        self.got.append(seat)
        self.on_got()
        self.want(self.wants - 1, self.priority)

    async def open(self) -> None:
        await self.store.open()
        self.messages.open()
        self.seats.open()
        async with asyncio.timeout(10):
            while not self.messages.is_connected:
                await asyncio.sleep(0.001)

    async def close(self) -> None:
        await self.seats.close()
        await self.messages.close()
        await self.store.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def _has(some: list[str], number: int) -> bool:
    return len(some) == number


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


async def test_there_are_so_many_for_all_and_a_free_one_goes_to_who_waits(both: tuple[Process, Process]) -> None:
    ours, theirs = both
    ours.want(5)
    await until(lambda: len(ours.got) == MOST)
    theirs.want(1)
    await asyncio.sleep(3 * PACE.beat)
    assert (len(ours.got), len(theirs.got)) == (MOST, 0)
    for seat in tuple(ours.got):
        seat.release()
    await until(lambda: len(theirs.got) == 1)
    await until(lambda: len(ours.got) == MOST + 1)


async def test_a_message_wakes_who_waits_for_a_place(server: FakeServer) -> None:
    """Without one it would ask again after five minutes."""
    pace = SeatPace(life=600.0, beat=300.0)
    ours, theirs = Process(server, pace), Process(server, pace)
    for process in (ours, theirs):
        await process.open()
    ours.want(MOST)
    await until(lambda: len(ours.got) == MOST)
    theirs.want(1)
    await until(lambda: theirs.seats._is_in_line)
    ours.got[0].release()
    await until(lambda: len(theirs.got) == 1)
    for process in (ours, theirs):
        await process.close()


async def test_they_take_turns(both: tuple[Process, Process]) -> None:
    ours, theirs = both
    order: list[str] = []
    for name, process in (("ours", ours), ("theirs", theirs)):
        process.on_got = partial(order.append, name)
    ours.want(MOST)
    await until(lambda: len(ours.got) == MOST)
    ours.want(4)
    theirs.want(4)
    await asyncio.sleep(3 * PACE.beat)
    for number in range(8):
        (ours.got.pop(0) if ours.got else theirs.got.pop(0)).release()
        await until(partial(_has, order, MOST + number + 1))
    assert {order[at] for at in (2, 3)} == {order[at] for at in (4, 5)} == {"ours", "theirs"}


async def test_the_more_urgent_process_goes_first(both: tuple[Process, Process]) -> None:
    ours, theirs = both
    ours.want(MOST)
    await until(lambda: len(ours.got) == MOST)
    ours.want(1, Priority.WARM)
    await asyncio.sleep(2 * PACE.beat)
    theirs.want(1, Priority.REFRESH)
    await asyncio.sleep(2 * PACE.beat)
    ours.got[0].release()
    await until(lambda: bool(theirs.got))
    assert len(ours.got) == MOST


async def test_who_waits_no_more_holds_nobody_up(both: tuple[Process, Process]) -> None:
    ours, theirs = both
    ours.want(MOST)
    await until(lambda: len(ours.got) == MOST)
    theirs.want(1)
    await asyncio.sleep(2 * PACE.beat)
    theirs.want(0)
    ours.want(1)
    ours.got[0].release()
    await until(lambda: len(ours.got) == MOST + 1)
    assert theirs.got == []


async def test_what_the_dead_held_comes_free(server: FakeServer, both: tuple[Process, Process]) -> None:
    dead = Process(server, SeatPace(life=1.0, beat=60.0))
    await dead.open()
    dead.want(MOST)
    await until(lambda: len(dead.got) == MOST)
    ours, _ = both
    ours.want(MOST)
    await until(lambda: len(ours.got) == MOST)
    await dead.close()


async def test_without_redis_each_keeps_to_the_number_and_tells_when_it_is_back(
    server: FakeServer, both: tuple[Process, Process], redis: FakeRedis
) -> None:
    ours, theirs = both
    ours.want(MOST + 1)
    await until(lambda: len(ours.got) == MOST)
    server.connected = False
    theirs.want(MOST + 1)
    await until(lambda: len(theirs.got) == MOST)
    assert len(ours.got) == MOST
    server.connected = True
    await until(lambda: ours.store.is_up and theirs.store.is_up)
    await asyncio.sleep(PACE.settle + 3 * PACE.beat)
    ours.got.pop().release()
    await asyncio.sleep(3 * PACE.beat)
    assert (len(ours.got), len(theirs.got)) == (MOST - 1, MOST), "three of two are taken: nobody gets one"
    for seat in theirs.got:
        seat.release()
    await until(lambda: len(ours.got) + len(theirs.got) > MOST + 1)


async def test_a_moment_without_redis_multiplies_nothing(server: FakeServer) -> None:
    pace = SeatPace(life=60.0, beat=0.05, alone=30.0)
    ours, theirs = Process(server, pace), Process(server, pace)
    for process in (ours, theirs):
        await process.open()
    ours.want(MOST)
    await until(lambda: len(ours.got) == MOST)
    server.connected = False
    theirs.want(1)
    await until(lambda: not theirs.store.is_up)
    await asyncio.sleep(5 * pace.beat)
    assert theirs.got == []
    server.connected = True
    await until(lambda: ours.store.is_up and theirs.store.is_up)
    await asyncio.sleep(5 * pace.beat)
    assert theirs.got == []
    ours.got[0].release()
    await until(lambda: len(theirs.got) == 1)
    for process in (ours, theirs):
        await process.close()


async def test_a_redis_that_forgot_everything_gives_no_place_twice(server: FakeServer, redis: FakeRedis) -> None:
    """Whoever waits is the first to ask it, before those who hold places have told of them again."""
    slow, quick = SeatPace(life=60.0, beat=0.5), SeatPace(life=60.0, beat=0.2)
    holding, waiting = Process(server, slow), Process(server, quick)
    for process in (holding, waiting):
        await process.open()
    holding.want(MOST)
    await until(lambda: len(holding.got) == MOST)
    waiting.want(1)
    await asyncio.sleep(2 * quick.beat)
    for part in range(4):  # wherever in their beats they are
        await redis.flushall()
        await asyncio.sleep(slow.beat * (2 + part / 4))
        assert waiting.got == []
    holding.got[0].release()
    await until(lambda: len(waiting.got) == 1)
    for process in (holding, waiting):
        await process.close()


async def test_nothing_is_left_when_everyone_has_gone(server: FakeServer, redis: FakeRedis) -> None:
    process = Process(server, SeatPace(life=60.0, beat=0.1))
    await process.open()
    process.want(MOST + 1)
    await until(lambda: len(process.got) == MOST)
    await process.close()
    await process.close()
    assert await redis.exists(NAME) == 0


async def test_a_mistake_while_asking_leaves_nobody_waiting(
    server: FakeServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no one thought of ends one round of asking: it once ended all, and every client waited to its time-out."""
    process = Process(server)
    await process.open()
    try:
        ask = process.store.client.run
        mistakes = iter([RuntimeError("the handler is closed")])

        async def mistaken(*arguments: Any) -> Any:
            for mistake in mistakes:
                raise mistake
            return await ask(*arguments)

        monkeypatch.setattr(process.store.client, "run", mistaken)
        process.want(1)
        await until(lambda: bool(process.got))
        assert "internal error" in caplog.text
    finally:
        await process.close()
