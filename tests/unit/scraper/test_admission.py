"""Slots, turns and the breaker, without waiting."""

import asyncio

import pytest

from scraper_backend.admission import Breaker, Pacer, Slots
from scraper_backend.errors import Busy
from tests.support.clock import FakeClock


async def test_slots_are_held_by_so_many_and_no_more() -> None:
    slots, leave = Slots(2, 1, 60), asyncio.Event()

    async def visitor() -> None:
        async with slots.hold():
            await leave.wait()

    visitors = [asyncio.ensure_future(visitor()) for _ in range(3)]
    await asyncio.sleep(0)
    assert (slots.in_use, slots.waiting) == (2, 1)
    with pytest.raises(Busy) as refused:
        async with slots.hold():
            pass
    assert refused.value.retry_after == 10
    leave.set()
    await asyncio.gather(*visitors)
    assert (slots.in_use, slots.waiting) == (0, 0)


async def test_a_wait_has_an_end_and_leaves_no_trace() -> None:
    slots = Slots(1, 5, 0.01)
    async with slots.hold():
        with pytest.raises(Busy):
            async with slots.hold():
                pass
        assert (slots.in_use, slots.waiting) == (1, 0)
    async with slots.hold():
        assert slots.in_use == 1


async def test_who_gives_up_waiting_takes_no_slot() -> None:
    slots = Slots(1, 5, 60)
    async with slots.hold():
        waiting = asyncio.ensure_future(slots.hold().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert slots.waiting == 0
    async with asyncio.timeout(1), slots.hold():
        assert slots.in_use == 1


async def test_turns_are_a_gap_apart_in_the_order_of_asking() -> None:
    clock, slept = FakeClock(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    pacer = Pacer(1.1, clock.monotonic, sleep)
    await pacer.turn()
    await pacer.turn()
    clock.advance(0.5)
    await pacer.turn()
    clock.advance(10)
    await pacer.turn()
    assert slept == [1.1, 1.7]


def test_the_breaker_opens_after_so_many_blocks_in_a_row() -> None:
    clock = FakeClock()
    breaker = Breaker(2, 180, clock.monotonic)
    breaker.note(blocked=True)
    breaker.note(blocked=False)
    breaker.note(blocked=True)
    assert breaker.wait() is None
    breaker.note(blocked=True)
    assert breaker.wait() == 180
    clock.advance(179.5)
    assert breaker.wait() == 1


def test_an_open_breaker_lets_one_through_per_period_and_closes_on_any_page() -> None:
    clock = FakeClock()
    breaker = Breaker(1, 180, clock.monotonic)
    breaker.note(blocked=True)
    clock.advance(180)
    assert breaker.wait() is None
    assert breaker.wait() == 180
    breaker.note(blocked=True)
    assert breaker.wait() == 180
    clock.advance(180)
    assert breaker.wait() is None
    breaker.note(blocked=False)
    assert [breaker.wait(), breaker.wait()] == [None, None]
