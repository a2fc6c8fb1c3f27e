"""The queue before the upstream: who goes first, who gives way, what the refused are told. Time is virtual."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.breaker import BreakerSettings, State
from proxy.exchange.causes import Cause, Priority
from proxy.exchange.guard import Guard, GuardSettings, Slot
from proxy.exchange.seats import Claim, Seat
from tests.support.scenario import settle
from tests.support.virtual_time import VirtualClock, play

MISS, REFRESH, AHEAD, WARM = Cause.MISS, Cause.REFRESH, Cause.AHEAD, Cause.WARM


class Queue:
    """A guard and everybody who was sent to it, by name."""

    def __init__(self, maximum: int | None = 1, queue: int = 100, queue_timeout: float = 60.0) -> None:
        self.waits: list[float] = []
        self.guard = Guard(GuardSettings(maximum, queue, queue_timeout), VirtualClock(), self.waits.append)
        self.seated: list[str] = []
        self.refused: dict[str, UpstreamError] = {}
        self.slots: dict[str, Slot] = {}
        self.claims: dict[str, Claim] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def send(self, *names: str, cause: Cause = MISS) -> None:
        """They come in this order."""
        for name in names:
            self.claims[name] = Claim(cause)
            self.tasks[name] = asyncio.ensure_future(self._wait(name))
            await settle()

    async def _wait(self, name: str) -> None:
        try:
            self.slots[name] = await self.guard.admit(self.claims[name])
            self.seated.append(name)
        except UpstreamError as error:
            self.refused[name] = error

    async def release_all(self) -> None:
        """One after the other, until nobody is left."""
        while self.slots:
            self.slots.pop(next(iter(self.slots))).release()
            await settle()


def on_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def run() -> None:
        await test()

    def wrapped() -> None:
        play(run())

    wrapped.__name__ = test.__name__
    return wrapped


@on_virtual_time
async def test_who_comes_while_a_place_changes_hands_finds_no_room_that_is_not_there() -> None:
    queue = Queue(maximum=1, queue=1)
    await queue.send("a", "b")
    for name in ("c", "d"):  # these go on before "b" learns that it was given the place
        queue.claims[name] = Claim(MISS)
        queue.tasks[name] = asyncio.ensure_future(queue._wait(name))
    queue.slots.pop("a").release()
    await settle()
    assert queue.seated == ["a", "b"]
    assert queue.guard.queue_depth == 1
    assert [error.detail for error in queue.refused.values()] == ["queue-full"]
    await queue.release_all()


@on_virtual_time
async def test_the_most_urgent_goes_first_then_who_came_first() -> None:
    queue = Queue()
    await queue.send("held")
    await queue.send("w1", cause=WARM)
    await queue.send("a1", cause=AHEAD)
    await queue.send("r1", "r2", cause=REFRESH)
    await queue.send("c1")
    await queue.send("c2", cause=Cause.PASS)
    await queue.send("w2", cause=WARM)
    await queue.release_all()
    assert queue.seated == ["held", "c1", "c2", "r1", "r2", "a1", "w1", "w2"]
    assert (queue.guard.inflight, queue.guard.queue_depth) == (0, 0)


@on_virtual_time
async def test_a_seat_that_is_free_is_taken_without_waiting_or_a_word_of_it() -> None:
    queue = Queue(2, queue=0)
    await queue.send("one", "two")
    assert (queue.seated, queue.waits) == (["one", "two"], [])


@on_virtual_time
async def test_without_a_cap_nobody_waits() -> None:
    queue = Queue(None, queue=0)
    await queue.send(*map(str, range(50)), cause=WARM)
    assert queue.guard.inflight == 50


@on_virtual_time
async def test_in_a_full_queue_the_newcomer_goes_where_nobody_is_less_urgent() -> None:
    queue = Queue(1, queue=2)
    await queue.send("held", "c1", "c2", "c3")
    assert list(queue.refused) == ["c3"]
    assert (queue.refused["c3"].failure, queue.refused["c3"].detail) == (Failure.SHED, "queue-full")
    assert queue.guard.shed == {"queue-full": 1, "queue-timeout": 0, "displaced": 0, "breaker": 0}
    await queue.release_all()
    assert queue.seated == ["held", "c1", "c2"]


@on_virtual_time
async def test_in_a_full_queue_the_last_of_the_least_urgent_gives_way() -> None:
    queue = Queue(1, queue=3)
    await queue.send("held")
    await queue.send("r1", cause=REFRESH)
    await queue.send("w1", "w2", cause=WARM)
    await queue.send("c1")
    assert list(queue.refused) == ["w2"]
    assert queue.refused["w2"].detail == "displaced"
    await queue.send("w3", cause=WARM)
    assert queue.refused["w3"].detail == "queue-full"
    await queue.send("c2", "c3", "c4")
    assert list(queue.refused) == ["w2", "w3", "w1", "r1", "c4"]
    await queue.release_all()
    assert queue.seated == ["held", "c1", "c2", "c3"]


@on_virtual_time
async def test_what_a_client_joins_becomes_as_urgent_as_a_client() -> None:
    queue = Queue()
    await queue.send("held")
    await queue.send("w1", "w2", cause=WARM)
    await queue.send("c1")
    queue.claims["w2"].rise()
    await queue.send("c2")
    await queue.release_all()
    assert queue.seated == ["held", "c1", "w2", "c2", "w1"]


@on_virtual_time
async def test_a_rise_before_or_after_the_queue_does_no_harm() -> None:
    queue = Queue()
    claim = Claim(WARM)
    claim.rise()
    slot = await queue.guard.admit(claim)
    claim.rise()
    slot.release()
    assert (queue.guard.inflight, queue.guard.queue_depth) == (0, 0)


@on_virtual_time
async def test_who_waits_too_long_is_told_its_place_and_when_to_come_again() -> None:
    queue = Queue(2, queue_timeout=60.0)
    for _ in range(3):
        slot = await queue.guard.admit(Claim(MISS))
        await asyncio.sleep(30)
        slot.release()
    await queue.send("h1", "h2")
    for name in ("c1", "c2", "c3"):
        await queue.send(name)
        await asyncio.sleep(1)
    await asyncio.sleep(56)
    assert queue.refused == {}
    await asyncio.sleep(4)
    told = [(error.detail, error.queue_position, error.retry_after) for error in queue.refused.values()]
    assert told == [("queue-timeout", 1, 15), ("queue-timeout", 1, 15), ("queue-timeout", 1, 15)]
    assert queue.guard.shed["queue-timeout"] == 3
    assert queue.guard.queue_depth == 0


@on_virtual_time
async def test_the_refused_are_told_by_what_fetches_took_lately() -> None:
    queue = Queue(4, queue=10)
    for seconds in (60, 60, 60, 60):
        slot = await queue.guard.admit(Claim(MISS))
        await asyncio.sleep(seconds)
        slot.release()
    await queue.send(*(f"h{n}" for n in range(4)), *(f"c{n}" for n in range(10)), "late")
    late = queue.refused["late"]
    assert (late.queue_position, late.retry_after) == (11, 165)  # 11 places, four at once, a minute each


@on_virtual_time
async def test_before_the_first_fetch_is_over_its_time_so_far_is_what_is_known() -> None:
    queue = Queue(1, queue=0)
    await queue.send("first", "at once")
    await asyncio.sleep(25)
    await queue.send("later")
    assert (queue.refused["at once"].retry_after, queue.refused["later"].retry_after) == (1, 25)


@pytest.mark.parametrize(
    ("seconds", "position", "told"),
    [
        pytest.param(0.01, 1, 1, id="never less than a second"),
        pytest.param(120.0, 100, 300, id="never more than five minutes"),
    ],
)
def test_when_to_come_again_has_bounds(seconds: float, position: int, told: int) -> None:
    async def work() -> int:
        queue = Queue(1)
        slot = await queue.guard.admit(Claim(MISS))
        await asyncio.sleep(seconds)
        slot.release()
        return queue.guard.retry_after(position)

    assert play(work()) == told


@on_virtual_time
async def test_newer_fetches_count_for_more() -> None:
    queue = Queue(1)
    for seconds in [100.0] + [10.0] * 20:
        slot = await queue.guard.admit(Claim(MISS))
        await asyncio.sleep(seconds)
        slot.release()
    assert 10 <= queue.guard.retry_after(1) <= 12


@on_virtual_time
async def test_who_leaves_the_queue_leaves_nothing_behind() -> None:
    queue = Queue()
    await queue.send("held", "c1", "c2")
    queue.tasks["c1"].cancel()
    await settle()
    assert queue.guard.queue_depth == 1
    await queue.release_all()
    assert queue.seated == ["held", "c2"]
    assert queue.guard.inflight == 0


@on_virtual_time
async def test_a_seat_that_comes_in_the_moment_of_leaving_goes_to_the_next() -> None:
    queue = Queue()
    await queue.send("held", "c1", "c2")
    queue.slots.pop("held").release()
    queue.tasks["c1"].cancel()
    await settle()
    assert queue.seated == ["held", "c2"]
    await queue.release_all()
    assert (queue.guard.inflight, queue.guard.queue_depth) == (0, 0)


@on_virtual_time
async def test_who_is_displaced_in_the_moment_of_leaving_is_simply_gone() -> None:
    queue = Queue(1, queue=1)
    await queue.send("held")
    await queue.send("w1", cause=WARM)
    coming = asyncio.ensure_future(queue.send("c1"))
    queue.tasks["w1"].cancel()
    await coming
    await queue.release_all()
    assert queue.seated == ["held", "c1"]
    assert (queue.guard.inflight, queue.guard.queue_depth) == (0, 0)


@on_virtual_time
async def test_a_slot_gives_its_seat_back_once() -> None:
    queue = Queue(1)
    await queue.send("held", "c1", "c2")
    slot = queue.slots["held"]
    slot.release()
    slot.release()
    await settle()
    assert queue.seated == ["held", "c1"]


class FarSeats:
    """A pool that must ask elsewhere: it says what it was asked, and offers when the test says so."""

    def __init__(self) -> None:
        self.wanted: list[Priority | None] = []
        self.released = 0

    def serve(self, offer: Callable[[Seat], None]) -> None:
        self.offer = offer

    def want(self, priority: Priority | None) -> None:
        self.wanted.append(priority)

    def resize(self, maximum: int | None) -> None:
        self.maximum = maximum

    def release(self) -> None:
        self.released += 1


@on_virtual_time
async def test_a_pool_elsewhere_hears_of_the_most_urgent_and_its_late_seat_goes_to_them() -> None:
    seats = FarSeats()
    guard = Guard(GuardSettings(4), VirtualClock(), lambda _: None, seats)
    background = asyncio.ensure_future(guard.admit(Claim(WARM)))
    await settle()
    client = asyncio.ensure_future(guard.admit(Claim(MISS)))
    await settle()
    assert seats.wanted == [Priority.WARM, Priority.CLIENT]
    seats.offer(seats)
    slot = await client
    assert seats.wanted[-1] is Priority.WARM
    background.cancel()
    await settle()
    assert seats.wanted[-1] is None
    seats.offer(seats)
    assert seats.released == 1, "a seat that nobody waits for any more is given back"
    slot.release()
    assert (seats.released, guard.inflight) == (2, 0)


@on_virtual_time
async def test_who_may_still_be_seated_is_not_one_too_many_while_a_pool_elsewhere_is_asked() -> None:
    seats = FarSeats()
    guard = Guard(GuardSettings(1, queue=0), VirtualClock(), lambda _: None, seats)
    first = asyncio.ensure_future(guard.admit(Claim(MISS)))
    await settle()
    second = asyncio.ensure_future(guard.admit(Claim(MISS)))
    with pytest.raises(UpstreamError, match="queue-full"):
        await second
    seats.offer(seats)
    slot = await first
    with pytest.raises(UpstreamError, match="queue-full"):
        await guard.admit(Claim(MISS))
    slot.release()


@on_virtual_time
async def test_a_wider_limit_seats_who_waits_and_a_new_breaker_is_minded() -> None:
    queue = Queue(maximum=1)
    await queue.send("a", "b", "c")
    assert queue.seated == ["a"]
    queue.guard.change(GuardSettings(2), BreakerSettings(min_requests=1))
    await settle()
    assert queue.seated == ["a", "b"]
    queue.slots["a"].report(is_good=False)  # it was asked before there was a breaker
    assert not queue.guard.is_open
    queue.slots.pop("a").release()
    await settle()
    queue.slots["c"].report(is_good=False)
    assert queue.guard.state is State.OPEN
    queue.guard.change(GuardSettings(2), None)
    assert not queue.guard.is_open
    await queue.release_all()
