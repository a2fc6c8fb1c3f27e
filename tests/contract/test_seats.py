"""What every pool of seats promises the guard, at once or a little later."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from proxy.clock import SystemClock
from proxy.exchange.causes import Cause, Priority
from proxy.exchange.guard import Guard, GuardSettings, Slot
from proxy.exchange.seats import Claim, CountedSeats, Seat, Seats
from proxy.store.hub.places import HubSeats
from tests.support.hubs import a_hub

MAXIMUM = 2


@pytest.fixture(params=["counted", "hub"])
async def seats(request: pytest.FixtureRequest) -> AsyncIterator[Seats]:
    """A pool of two."""
    if request.param == "counted":
        yield CountedSeats(MAXIMUM)
        return
    async with a_hub() as hubs:
        client = hubs.client()
        shared = HubSeats(client, MAXIMUM)
        await hubs.opened(client)
        yield shared


class Wanting:
    """Takes what is offered, and wants no more by itself."""

    def __init__(self, seats: Seats) -> None:
        self.got: list[Seat] = []
        seats.serve(self.got.append)

    async def has(self, count: int) -> None:
        """Wait for so many, and a little longer for one too many."""
        await until(lambda: len(self.got) >= count)
        await asyncio.sleep(0.02)
        assert len(self.got) == count


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_one_wish_is_one_seat(seats: Seats) -> None:
    wanting = Wanting(seats)
    seats.want(Priority.CLIENT)
    await wanting.has(1)


async def test_there_are_no_more_than_there_are(seats: Seats) -> None:
    wanting = Wanting(seats)
    for count in (1, 2, 2):
        seats.want(Priority.WARM)
        await wanting.has(count)
    wanting.got[0].release()
    await wanting.has(3)


async def test_a_wish_may_be_taken_back(seats: Seats) -> None:
    wanting = Wanting(seats)
    for count in (1, 2, 2):
        seats.want(Priority.CLIENT)
        await wanting.has(count)
    seats.want(None)
    wanting.got[0].release()
    await wanting.has(2)
    seats.want(Priority.CLIENT)
    await wanting.has(3)


async def test_before_a_guard_many_come_and_go_and_all_get_their_turn(seats: Seats) -> None:
    guard = Guard(GuardSettings(MAXIMUM, queue=100, queue_timeout=20), SystemClock(), lambda _: None, seats)
    most = 0

    async def visit(cause: Cause) -> None:
        nonlocal most
        slot: Slot = await guard.admit(Claim(cause))
        most = max(most, guard.inflight)
        await asyncio.sleep(0)
        slot.release()

    causes = [cause for cause in Cause for _ in range(10)]
    await asyncio.gather(*map(visit, causes))
    assert most <= MAXIMUM
    assert (guard.inflight, guard.queue_depth) == (0, 0)
