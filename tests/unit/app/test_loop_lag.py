"""How late the event loop was, for how long that is told, and that nothing of it is left behind."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from proxy.app.loop_lag import PERIOD, SPAN, LoopLag
from proxy.clock import SystemClock
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def lag(clock: FakeClock) -> AsyncIterator[LoopLag]:
    made = LoopLag(clock)
    made.start()
    yield made
    made.stop()


def looked_after(lag: LoopLag, clock: FakeClock, seconds: float) -> float:
    lag.stop()  # the timer that the look stands for
    clock.advance(seconds)
    lag.look()
    return lag.seconds


async def test_a_loop_in_time_has_no_lag(lag: LoopLag, clock: FakeClock) -> None:
    assert lag.seconds == 0
    assert looked_after(lag, clock, PERIOD) == 0
    assert looked_after(lag, clock, PERIOD / 2) == 0


async def test_the_longest_lag_is_told_for_10_to_20_seconds(lag: LoopLag, clock: FakeClock) -> None:
    assert looked_after(lag, clock, PERIOD + 0.7) == pytest.approx(0.7)
    assert looked_after(lag, clock, PERIOD + 0.3) == pytest.approx(0.7)
    seconds = 0.0
    while looked_after(lag, clock, PERIOD) > 0.5:
        seconds += PERIOD
    assert SPAN - 2 <= seconds <= 2 * SPAN
    assert lag.seconds == 0


async def test_a_lag_longer_than_is_remembered_is_told(lag: LoopLag, clock: FakeClock) -> None:
    assert looked_after(lag, clock, PERIOD + 5 * SPAN) == pytest.approx(5 * SPAN)


async def test_a_lag_that_no_look_has_seen_yet_counts(lag: LoopLag, clock: FakeClock) -> None:
    clock.advance(PERIOD + 0.4)
    assert lag.seconds == pytest.approx(0.4)


async def test_who_blocks_the_loop_is_seen() -> None:
    lag = LoopLag(SystemClock())
    lag.start()
    await asyncio.sleep(0)
    time.sleep(PERIOD + 0.3)  # noqa: ASYNC251 - that is the fault
    await asyncio.sleep(0.01)
    assert lag.seconds >= 0.25
    lag.stop()


async def test_it_ends_at_once_and_more_than_once() -> None:
    before = asyncio.all_tasks()
    lag = LoopLag(FakeClock())
    lag.start()
    assert asyncio.all_tasks() == before
    lag.stop()
    lag.stop()
    assert lag.seconds == 0
