"""Who holds which place: restarts that overlap, crashes in the middle of one, and an end at any time. The workers are
scripted; real ones are in tests/integration/test_workers.py."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import pytest

from proxy.app.workers.crew import Crew
from proxy.app.workers.messages import Prepare, Setup, Start
from proxy.app.workers.process import CannotServeError, WorkerProcess
from proxy.clock import SystemClock

SETUP = Setup(None, "", ())


class Scripted(WorkerProcess):
    """A worker that begins and ends when it is told to by a test."""

    def __init__(self, pid: int, gate: asyncio.Event, failure: CannotServeError | None) -> None:
        self._pid = pid
        self._gate = gate
        self._failure = failure
        self.number = self.generation = 0
        self.mode = ""
        self.counted = None
        self.is_leaving = False
        self.is_dismissed = False
        self.is_drained = True
        """Nobody is with it, so that the first signal ends it."""
        self._signals = 0
        self.ended = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        return self._pid

    async def begin(self, start: Start) -> None:
        self.number, self.generation = start.number, start.generation
        await self._gate.wait()
        if self._failure is not None:
            self.end(1)
            raise self._failure

    async def prepare(self, order: Prepare) -> str | None:
        return None

    async def commit(self, generation: int) -> None:
        self.generation = generation

    async def retire(self) -> None:
        self.is_leaving = True

    def terminate(self) -> None:
        self.is_leaving = True
        self._signals += 1
        if self.is_drained or self._signals > 1:
            self.end(0)

    def hurry(self) -> None:
        self.is_leaving = True
        self.end(0)

    def kill(self) -> None:
        self.end(-9)

    def dismiss(self) -> None:
        self.is_leaving = self.is_dismissed = True
        self.end(0)

    def end(self, code: int) -> None:
        """It has ended."""
        if not self.ended.done():
            self.ended.set_result(code)


class Play:
    """A crew of two, and everybody who was ever started for it, in that order."""

    def __init__(self) -> None:
        self.spawned: list[Scripted] = []
        self.here: set[WorkerProcess] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: CannotServeError | None = None
        self.crew = Crew(2, self.spawn, self.start, self, SystemClock())

    async def spawn(self) -> WorkerProcess:
        worker = Scripted(1000 + len(self.spawned), self.gate, self.failure)
        self.spawned.append(worker)
        return worker

    @staticmethod
    def start(number: int) -> Start:
        return Start(number, None, "/run", (), SETUP, SETUP, 0)

    async def came(self, worker: WorkerProcess) -> None:
        """See Watcher."""
        self.here.add(worker)

    async def went(self, worker: WorkerProcess) -> None:
        """See Watcher."""
        self.here.discard(worker)

    @property
    def numbers(self) -> list[int]:
        """Who serves."""
        return [worker.number for worker in self.crew.serving]

    async def begins(self, number: int) -> None:
        """Wait until the worker of this number is told to start."""
        await self.until(lambda: any(worker.number == number for worker in self.spawned))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.001)


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    it = Play()
    it.crew.start()
    await it.until(lambda: len(it.spawned) == 3)  # two that serve, one that stands by
    yield it
    it.gate.set()
    for worker in it.spawned:
        if worker.is_leaving:
            worker.end(0)  # a stop would wait for it
    await it.crew.stop(1)
    assert all(worker.ended.done() for worker in it.spawned), "nobody outlives the crew"
    assert it.here == set()


async def test_who_crashes_is_replaced_by_who_stands_by(play: Play) -> None:
    assert play.numbers == [1, 2]
    play.spawned[0].end(-11)
    await play.until(lambda: play.numbers == [2, 3])
    assert play.spawned[2].number == 3
    assert play.crew.crashes == 1
    await play.until(lambda: len(play.spawned) == 4)


async def test_a_rolling_restart_replaces_all_and_none_by_the_one_that_stood_by(play: Play) -> None:
    assert await play.crew.roll()
    assert play.numbers == [3, 4]
    assert [worker.is_leaving for worker in play.spawned[:2]] == [True, True]
    assert play.spawned[2].is_dismissed, "it had imported the code of before"
    assert (play.crew.replaced, play.crew.crashes) == (2, 0)
    for worker in play.spawned[:2]:
        worker.end(0)
    await play.until(lambda: len(play.here) == 2)
    assert play.numbers == [3, 4]


async def test_restarts_that_overlap_leave_one_crew(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    play.gate.clear()
    both = [asyncio.ensure_future(play.crew.roll()) for _ in range(2)]
    await play.begins(3)
    assert play.numbers == [1, 2], "each serves until its successor does"
    play.gate.set()
    assert [await each for each in both] == [True, False]
    assert play.numbers == [3, 4]
    assert [line.message for line in caplog.records if line.levelno == logging.WARNING] == [
        "no rolling restart: those who were replaced last are still finishing"
    ]
    for worker in play.spawned[:2]:
        worker.end(0)
    await play.until(lambda: len(play.here) == 2)
    assert await play.crew.roll(), "they have finished"
    assert play.numbers == [5, 6]


@pytest.mark.parametrize("which", [0, 1], ids=["the one being replaced", "one whose turn comes"])
async def test_a_crash_while_a_rolling_restart_runs_leaves_every_place_taken_once(play: Play, which: int) -> None:
    play.gate.clear()
    rolling = asyncio.ensure_future(play.crew.roll())
    await play.begins(3)
    play.spawned[which].end(-9)
    await play.until(lambda: play.crew.crashes == 1)
    play.gate.set()
    assert await rolling
    await play.until(lambda: len(play.numbers) == 2)
    old = {1, 2}
    assert old.isdisjoint(play.numbers)
    staying = [each for each in play.spawned if each.number and not (each.is_leaving or each.ended.done())]
    assert sorted(worker.number for worker in staying) == play.numbers


async def test_who_cannot_serve_ends_the_restart_and_the_others_go_on(play: Play) -> None:
    play.failure = CannotServeError("no port")
    assert not await play.crew.roll()
    assert play.numbers == [1, 2]
    assert play.crew.replaced == 0
    play.failure = None


async def test_a_stop_before_anybody_serves_waits_for_nobody() -> None:
    play = Play()
    play.gate.clear()
    play.crew.start()
    await play.until(lambda: len(play.spawned) == 2)
    async with asyncio.timeout(20):
        await play.crew.stop(3600)
    assert [worker.ended.result() for worker in play.spawned] == [0, 0]
    assert not play.crew.complete.is_set()
    assert len(play.spawned) == 2, "nobody takes their places"


async def test_a_stop_in_a_rolling_restart_ends_old_and_new(play: Play) -> None:
    play.gate.clear()
    rolling = asyncio.ensure_future(play.crew.roll())
    await play.begins(3)
    rolling.cancel()
    async with asyncio.timeout(20):
        await play.crew.stop(3600)
    assert all(worker.ended.done() for worker in play.spawned)


async def test_who_stands_by_ends_before_the_others_are_told(play: Play) -> None:
    """It has the sockets too, and would take in clients that nobody answers."""
    ended: list[WorkerProcess] = []

    async def see_off(worker: WorkerProcess) -> None:
        await worker.ended
        ended.append(worker)

    watching = asyncio.gather(*map(see_off, play.spawned))
    async with asyncio.timeout(20):
        await play.crew.stop(3600)
        await watching
    assert ended[0] is play.spawned[2]
    assert not play.spawned[2].is_dismissed, "it would take its time"
    assert len(ended) == 3


@pytest.mark.parametrize("steps", range(4))
async def test_a_second_signal_is_heard_however_soon_it_comes(play: Play, steps: int) -> None:
    """Also before the first one was told to anybody."""
    for worker in play.spawned:
        worker.is_drained = False
    stopping = asyncio.ensure_future(play.crew.stop(3600))
    for _ in range(steps):
        await asyncio.sleep(0)
    play.crew.end_now()
    async with asyncio.timeout(20):
        await stopping


async def test_a_configuration_that_nobody_can_serve_is_told_at_once() -> None:
    play = Play()
    play.failure = CannotServeError("upstream.url: missing", is_config=True)
    play.crew.start()
    async with asyncio.timeout(20):
        doom = await play.crew.doomed
    assert (doom.reason, doom.is_config) == ("upstream.url: missing", True)
    await play.crew.stop(1)


async def test_all_follow_another_configuration_and_who_comes_later_too(play: Play) -> None:
    assert await play.crew.follow(SETUP, 1) is None
    assert {worker.generation for worker in play.crew.serving} == {1}
    play.spawned[0].end(-9)
    await play.until(lambda: play.numbers == [2, 3])
    assert {worker.generation for worker in play.crew.serving} == {1}
