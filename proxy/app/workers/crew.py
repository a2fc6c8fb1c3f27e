"""So many workers at any time: starts them, replaces who crashes, or all of them in turn, and ends them.

Binds nothing and serves nothing; who is told of workers that come and go does what they need.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, Protocol

from msgspec import Struct

from proxy.app.workers.backoff import TRIES, failures_after, pause
from proxy.app.workers.messages import Prepare, Setup, Start
from proxy.app.workers.process import CannotServeError, WorkerProcess, how_ended
from proxy.clock import Clock

LOG: Final = logging.getLogger("tambo.workers")
KILL_MARGIN: Final = 10.0
"""Seconds beyond what a drain may take, after which a worker is ended."""


class Watcher(Protocol):
    """Who is told of workers."""

    async def came(self, worker: WorkerProcess) -> None:
        """It serves."""
        ...

    async def went(self, worker: WorkerProcess) -> None:
        """It has ended."""
        ...


class Doom(Struct, frozen=True):
    """Why there is no crew: not one worker could ever serve."""

    reason: str
    is_config: bool


class _Place(Struct):
    """One of the crew's places, and who holds it."""

    worker: WorkerProcess | None = None
    since: float = 0.0
    """Monotonic seconds."""
    failures: int = 0


class Crew:
    """Runs from ``start`` to ``stop``."""

    def __init__(
        self,
        size: int,
        spawn: Callable[[], Awaitable[WorkerProcess]],
        start: Callable[[int], Start],
        watcher: Watcher,
        clock: Clock,
    ) -> None:
        """``spawn``: a process that waits; ``start``: the order for the one of this number."""
        self._places = [_Place() for _ in range(size)]
        self._spawn = spawn
        self._start = start
        self._watcher = watcher
        self._clock = clock
        self._numbers = 0
        self._spare: WorkerProcess | None = None
        self._is_spare_wanted = asyncio.Event()
        self._all: set[WorkerProcess] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._partings: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._prepare: Prepare | None = None
        self._is_stopping = self._is_hurried = False
        self._has_served = False
        self.complete = asyncio.Event()
        """Set once every place was taken for the first time."""
        self.doomed: asyncio.Future[Doom] = asyncio.get_running_loop().create_future()
        self.crashes = 0
        """Workers that ended without having been told to."""
        self.replaced = 0
        """Workers that gave way to others in a rolling restart."""

    @property
    def serving(self) -> list[WorkerProcess]:
        """Who serves now, the one that has for longest first."""
        held = [place.worker for place in self._places if place.worker is not None]
        return sorted((worker for worker in held if not worker.ended.done()), key=lambda worker: worker.number)

    def start(self) -> None:
        """Fill every place, and keep it filled."""
        for place in self._places:
            self._own(self._fill(place))
        self._own(self._keep_spare())

    def _own(self, work: Coroutine[None, None, None], owner: set[asyncio.Task[None]] | None = None) -> None:
        owner = self._tasks if owner is None else owner
        task = asyncio.ensure_future(work)
        owner.add(task)
        task.add_done_callback(owner.discard)
        task.add_done_callback(self._noticed)

    def _noticed(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (bug := task.exception()) is None:
            return
        LOG.error("internal error", exc_info=bug)
        if not self._has_served and not self.doomed.done():
            self.doomed.set_result(Doom(f"{type(bug).__name__}: {bug}", is_config=False))

    # Filling places ------------------------------------------------------------------------------------------------

    async def _fill(self, place: _Place) -> None:
        while not self._is_stopping:
            try:
                worker = await self._bring_up()
            except (CannotServeError, OSError) as error:
                await self._failed(place, error)
                continue
            self._take(place, worker)
            return

    def _take(self, place: _Place, worker: WorkerProcess) -> None:
        place.worker, place.since = worker, self._clock.monotonic()
        self._has_served = True
        if all(each.worker is not None for each in self._places):
            self.complete.set()
        worker.ended.add_done_callback(lambda _: self._ended(place, worker))

    def _ended(self, place: _Place, worker: WorkerProcess) -> None:
        if place.worker is worker and not self._is_stopping:
            place.worker = None
            self._own(self._replace(place, worker))

    async def _replace(self, place: _Place, worker: WorkerProcess) -> None:
        self.crashes += 1
        lived = self._clock.monotonic() - place.since
        place.failures = failures_after(place.failures, lived)
        wait = pause(place.failures)
        LOG.error(
            "worker %d %s; another one takes its place",
            worker.number,
            how_ended(worker.ended.result()),
            extra={"pid": worker.pid, "lived": round(lived, 1), "pause": wait or None},
        )
        await asyncio.sleep(wait)
        await self._fill(place)

    async def _failed(self, place: _Place, error: Exception) -> None:
        place.failures += 1
        LOG.error("a worker cannot start: %s", error)
        is_config = isinstance(error, CannotServeError) and error.is_config
        is_hopeless = is_config or place.failures >= TRIES
        if is_hopeless and not self._has_served and not self.doomed.done():
            self.doomed.set_result(Doom(str(error), is_config))
        await asyncio.sleep(pause(place.failures))

    async def _bring_up(self) -> WorkerProcess:
        """A worker that serves, by the newest configuration. Raises CannotServeError and OSError."""
        spare, self._spare = self._spare, None
        self._is_spare_wanted.set()
        worker = spare if spare is not None and not spare.ended.done() else await self._spawn()
        self._all.add(worker)
        self._numbers += 1
        worker.ended.add_done_callback(lambda _: self._own(self._gone(worker), self._partings))
        await worker.begin(self._start(self._numbers))
        await self._watcher.came(worker)
        while self._prepare is not None and worker.generation < self._prepare.generation:
            order = self._prepare
            problem = await worker.prepare(order)
            if problem is not None or worker.ended.done():
                worker.kill()
                raise CannotServeError(problem or "it ended before it could serve")
            await worker.commit(order.generation)
        return worker

    async def _gone(self, worker: WorkerProcess) -> None:
        self._all.discard(worker)
        await self._watcher.went(worker)

    async def _keep_spare(self) -> None:
        """Have one that waits with everything imported, so that who crashes is replaced at once."""
        await self.complete.wait()
        while not self._is_stopping:
            self._is_spare_wanted.clear()
            try:
                self._spare = await self._spawn()
            except OSError as error:
                LOG.warning("no worker stands by: %s", error)
            await self._is_spare_wanted.wait()

    # All of them ---------------------------------------------------------------------------------------------------

    async def roll(self) -> bool:
        """Replace all, one after the other, each only once its successor serves. False: it could not be done to the
        end, and whoever was not replaced goes on."""
        async with self._turn:
            if sum(worker.is_leaving for worker in self._all) >= len(self._places):
                LOG.warning("no rolling restart: those who were replaced last are still finishing")
                return False
            for place in self._places:
                if place.worker is None:
                    continue  # another one is on its way already
                old = place.worker
                if self._spare is not None:
                    self._spare.dismiss()  # it has the code of before
                    self._spare = None
                try:
                    worker = await self._bring_up()
                except (CannotServeError, OSError) as error:
                    LOG.error("the rolling restart ends here: %s", error)  # noqa: TRY400 - the reason, not our stack
                    return False
                if place.worker is not old:  # it crashed meanwhile, and somebody else takes its place
                    await worker.retire()
                    continue
                place.failures = 0
                self.replaced += 1
                self._take(place, worker)
                if old is not None:
                    await old.retire()
            return True

    async def follow(self, now: Setup, generation: int) -> str | None:
        """Have all follow another configuration, or none: why not."""
        async with self._turn:
            order = Prepare(now, generation)
            workers = self.serving
            answers = await asyncio.gather(*(worker.prepare(order) for worker in workers))
            if problems := [answer for answer in answers if answer is not None]:
                return problems[0]
            self._prepare = order
            # Who came while the others made ready knows nothing of it; who comes from now on does.
            late = [worker for worker in self.serving if worker not in workers]
            await asyncio.gather(*(worker.commit(generation) for worker in workers))
            await asyncio.gather(*(self._bring_along(worker, order) for worker in late))
            return None

    async def _bring_along(self, worker: WorkerProcess, order: Prepare) -> None:
        if await worker.prepare(order) is None:
            await worker.commit(order.generation)
        else:
            worker.kill()  # its successor begins by the new configuration

    def end_now(self) -> None:
        """Cut short a stop that is under way, or about to be."""
        self._is_hurried = True
        for worker in self._all:
            worker.hurry()

    async def stop(self, limit: float) -> None:
        """Have all drain and end; whoever takes more than ``limit`` seconds is ended."""
        self._is_stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._spare is not None:  # first: while it has the sockets too, they take in clients that nobody will answer
            self._spare.kill()
            await self._spare.ended
        workers = list(self._all)
        for worker in workers:
            if self._is_hurried:
                worker.hurry()
            elif not worker.is_leaving:  # to one that drains already this would mean: now
                worker.terminate()
        if workers:
            await asyncio.wait([worker.ended for worker in workers], timeout=limit + KILL_MARGIN)
        for worker in workers:
            worker.kill()
        await asyncio.gather(*(worker.ended for worker in workers))
        await asyncio.gather(*self._partings)
