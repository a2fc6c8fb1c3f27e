"""Who gets a connection, and when one is opened."""

import asyncio
from typing import cast

import pytest

from proxy.store.redis_connection import RedisConnection
from proxy.store.redis_pool import RedisPool
from tests.support.clock import FakeClock


class Link:
    """Stands in for a connection."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.is_closed = False
        self.owes = False
        self.is_sending = False

    async def open(self) -> None:
        if self.refuses:
            raise ConnectionRefusedError("refused")

    async def is_reusable(self) -> bool:
        return not self.owes

    async def settle(self) -> None:
        self.owes = False

    async def close(self, wait: bool = False) -> None:
        self.is_closed = True


class Dialler:
    """Makes links and remembers them."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.refuses = False

    def __call__(self) -> RedisConnection:
        self.links.append(Link(self.refuses))
        return cast("RedisConnection", self.links[-1])


@pytest.fixture
def dial() -> Dialler:
    return Dialler()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pool(dial: Dialler, clock: FakeClock) -> RedisPool:
    return RedisPool(dial, clock, size=2, connect_timeout=1)


async def test_a_connection_is_opened_by_need_and_used_again(pool: RedisPool, dial: Dialler) -> None:
    first = await pool.acquire()
    pool.release(first)
    assert await pool.acquire() is first
    assert len(dial.links) == 1
    await pool.close()


async def test_no_more_than_its_size_and_first_come_first_served(pool: RedisPool, dial: Dialler) -> None:
    held = [await pool.acquire(), await pool.acquire()]
    waiting = [asyncio.ensure_future(pool.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    for connection in held:
        pool.release(connection)
    assert [await waiting[0], await waiting[1]] == held
    assert not waiting[2].done()
    assert len(dial.links) == 2
    waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await pool.close()
    assert all(link.is_closed for link in dial.links)


async def test_a_connection_given_to_one_who_just_left_is_not_lost(pool: RedisPool) -> None:
    held = [await pool.acquire(), await pool.acquire()]
    leaving = asyncio.ensure_future(pool.acquire())
    await asyncio.sleep(0)
    pool.release(held[0])
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await pool.acquire() is held[0]
    await pool.close()


async def test_a_connection_that_owes_or_was_closed_is_replaced(pool: RedisPool, dial: Dialler) -> None:
    first = await pool.acquire()
    pool.release(first)
    dial.links[0].owes = True
    assert await pool.acquire() is not first
    assert dial.links[0].is_closed
    await pool.close()


async def test_a_refusal_is_told_to_all_who_wait_and_the_next_try_is_not_at_once(
    pool: RedisPool, dial: Dialler, clock: FakeClock
) -> None:
    dial.refuses = True
    told = await asyncio.gather(*(pool.acquire() for _ in range(5)), return_exceptions=True)
    assert all(isinstance(error, ConnectionRefusedError) for error in told)
    with pytest.raises(ConnectionError, match="not reachable: refused"):
        await pool.acquire()
    assert pool.attempts == 1
    clock.advance(0.31)
    dial.refuses = False
    await pool.acquire()
    assert pool.attempts == 2
    await pool.close()


async def test_attempts_are_paced(pool: RedisPool) -> None:
    """The second connection must wait its turn in real time."""
    loop = asyncio.get_running_loop()
    await pool.acquire()
    began = loop.time()
    await pool.acquire()
    assert loop.time() - began >= 0.19
    await pool.close()


async def test_one_who_left_in_the_middle_gives_the_connection_back_settled(pool: RedisPool, dial: Dialler) -> None:
    first = await pool.acquire()
    dial.links[0].owes = True
    pool.settle_later(first, 1)
    assert await pool.acquire() is first
    assert not dial.links[0].owes
    await pool.close()


async def test_closing_tells_those_who_wait(pool: RedisPool) -> None:
    await pool.acquire()
    await pool.acquire()
    waiting = asyncio.ensure_future(pool.acquire())
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(ConnectionError):
        await waiting
    with pytest.raises(ConnectionError):
        await pool.acquire()


async def test_idle_connections_can_be_forgotten(pool: RedisPool, dial: Dialler) -> None:
    pool.release(await pool.acquire())
    await pool.forget_idle()
    assert dial.links[0].is_closed
    assert pool.live == 0
    await pool.close()


async def test_it_is_silent_until_something_is_answered(pool: RedisPool, dial: Dialler, clock: FakeClock) -> None:
    began = clock.monotonic()
    assert pool.is_silent(began), "no connection at all"
    clock.advance(1)
    held = [await pool.acquire(), await pool.acquire()]
    assert pool.is_silent(clock.monotonic()), "open connections are no answers"
    dial.links[0].is_sending = True
    assert pool.is_silent(began)
    dial.links[1].is_sending = True
    assert not pool.is_silent(began), "nothing is owed yet"
    pool.release(held[0])
    assert not pool.is_silent(began)
    clock.advance(1)
    assert pool.is_silent(clock.monotonic()) == (not dial.links[1].is_sending)
    await pool.drop(held[1])
    assert pool.is_silent(clock.monotonic())
    await pool.close()


async def test_a_connection_that_passes_from_one_who_left_to_the_next_is_no_answer(
    pool: RedisPool, clock: FakeClock
) -> None:
    clock.advance(1)
    leaving = asyncio.ensure_future(pool.acquire())
    while not pool.live:
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert pool.live == 1
    assert pool.is_silent(clock.monotonic())
    await pool.close()
