"""Works through lists of URLs, one list at a time in the whole fleet, and goes on with what another process left.
Judges no answer, and speaks to no client.

A job is kept in the ledger: the list once, how far it has come every other second. Whoever holds the work called
``warm`` works at the oldest list; when it dies its hold ends, and another goes on where the ledger says it was.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import inf
from typing import Final

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.ledger import Ledger
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.purging import authority_of, target_of
from proxy.exchange.serve import Exchange
from proxy.exchange.warm_book import WarmBook
from proxy.exchange.warm_fetch import USUAL_PAUSE, Fresh, Later, Unwarmed, Warmed, Warming, warm
from proxy.exchange.warm_list import MOST_AHEAD, WarmJob, WarmOrder, WarmState
from proxy.policy.messages import Fields, RequestHead

LOG: Final = logging.getLogger("tambo.warm")
WORK: Final = "warm"
HOLD: Final = 8.0
"""Seconds after which a dead process's job is another's."""
BEAT: Final = 2.0
"""Seconds between two notes of how far a job has come."""
IDLE: Final = 4.0
"""Seconds between two looks for a job that others ordered or left."""
_BLIND_LOOKS: Final = 15
"""Looks in a row that only read whether anything was ordered since there was nothing to do."""
LONGEST_PAUSE: Final = 60.0
MOST_REPEATS: Final = 2
"""Of a good answer that could not be kept: a store that is out for a moment, a purge meanwhile."""


class _OverError(Exception):
    """This process works at the job no more. ``state``: how it ended; None: another may go on."""

    def __init__(self, state: WarmState | None) -> None:
        super().__init__(state)
        self.state = state


class Warmer:
    """Takes orders, and carries them out while it is open."""

    def __init__(self, ledger: Ledger, switch: ModeSwitch, clock: Clock) -> None:
        self._ledger = ledger
        self._book = WarmBook(ledger, clock)
        self._switch = switch
        self._clock = clock
        self._me = secrets.token_hex(8)
        self._kicked = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._job: WarmJob | None = None
        self._exchange: Exchange | None = None
        self._newest: bytes | None = None
        self._blind_looks = _BLIND_LOOKS

    def follow(self, exchange: Exchange) -> None:
        """Fetch by these routes from now on."""
        self._exchange = exchange

    def open(self) -> None:
        """Begin to work at what there is."""
        self._kicked.set()
        self._working = asyncio.create_task(self._work())  # noqa: TID251 - owned: close() ends it

    async def close(self) -> None:
        """Work at nothing any more; what is being fetched is its flight's. Idempotent."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    # Orders ----------------------------------------------------------------------------------------------------------

    async def order(self, wanted: WarmOrder, by: str) -> WarmJob:
        """Put a list into the ledger. Raises TooManyJobsError and StoreUnavailable."""
        job = await self._book.order(wanted, by, wanted.parallel or self._usual_parallel())
        self._kicked.set()
        LOG.info("warm job", extra={"job": job.id, "urls": job.total, "by": by or None})
        return job

    async def find(self, name: str) -> WarmJob | None:
        """A job as it stands; one that was cancelled before its turn came is over. Raises StoreUnavailable."""
        return self._job if self._job is not None and self._job.id == name else await self._book.find(name)

    async def jobs(self) -> Sequence[WarmJob]:
        """All that are remembered, the oldest first. Raises StoreUnavailable."""
        mine = self._job
        return [mine if mine is not None and job.id == mine.id else job for job in await self._book.all()]

    async def cancel(self, name: str) -> WarmJob | None:
        """Let a job end before its time; what is being fetched is finished. None: there is no such job. Raises
        StoreUnavailable."""
        job = await self.find(name)
        if job is None or job.state.is_over:
            return job
        await self._book.cancel(job)
        self._kicked.set()
        return await self.find(name)

    def _usual_parallel(self) -> int:
        """Half of the places at the upstream: clients find one free."""
        maximum = None if self._exchange is None else self._exchange.refresher.guard.maximum
        return max(1, (maximum or 4) // 2)

    # Working ---------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE):
                    await self._kicked.wait()
            is_told = self._kicked.is_set()
            self._kicked.clear()
            try:
                if is_told or await self._may_be_work():
                    while await self._work_at_oldest():
                        pass
            except StoreUnavailable as error:
                LOG.debug("no ledger", extra={"detail": error.detail})
            except Exception:  # a bug must not end all later jobs
                LOG.exception("internal error", extra={"where": "warming"})

    async def _may_be_work(self) -> bool:
        """Whether to look through the ledger: something was ordered since there was nothing to do, or it is long ago
        (a job can be there although its order broke off). One value is read."""
        newest = await self._book.newest()
        self._blind_looks += 1
        return newest != self._newest or self._blind_looks > _BLIND_LOOKS

    async def _work_at_oldest(self) -> bool:
        """Work at a job until it is over. False: there is none, or it is another's."""
        newest = await self._book.newest()
        jobs = await self._book.unfinished()
        # A job that another works at may be left to us any moment: then the next look is a whole one too.
        self._newest, self._blind_looks = newest, _BLIND_LOOKS if jobs else 0
        job = next(iter(jobs), None)
        if job is None or not await self._ledger.hold(WORK, self._me, HOLD):
            return False
        try:
            # Only who holds the work changes a job: so this is how far it really is.
            job = await self.find(job.id)
            if job is not None and not job.state.is_over:
                await self._carry_out(job)
            return True
        finally:
            self._job = None
            with suppress(StoreUnavailable):  # it ends by itself
                await self._ledger.let_go(WORK, self._me)

    async def _carry_out(self, job: WarmJob) -> None:
        urls = await self._book.urls(job)
        self._job, job.state = job, WarmState.RUNNING
        if await self._book.is_cancelled(job.id):  # while nobody worked at it
            await self._finish(job, WarmState.CANCELLED)
            return
        if len(urls) != job.total:
            LOG.error("a warm job's list cannot be read", extra={"job": job.id})
            await self._finish(job, WarmState.CANCELLED)
            return
        try:
            state = await self._walk_through(job, urls)
        except asyncio.CancelledError:
            with suppress(StoreUnavailable):
                await self._book.note(job)  # whoever goes on begins where this one was
            raise
        if state is None:
            raise StoreUnavailable("hold", "another process works at it")
        await self._finish(job, state)

    async def _walk_through(self, job: WarmJob, urls: Sequence[str]) -> WarmState | None:
        """How the job ended; None: it is another's now."""
        places = iter(range(job.next, job.total))
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep(job))
                walking = [group.create_task(self._walk(job, urls, places)) for _ in range(job.parallel)]
                await asyncio.wait(walking)
                keeping.cancel()
        except ExceptionGroup as several:
            over = several.exceptions[0]
            if isinstance(over, _OverError):
                return over.state
            raise
        return WarmState.DONE

    async def _keep(self, job: WarmJob) -> None:
        """Note how far it has come, and see that it is still ours and still wanted."""
        until = self._clock.monotonic() + HOLD
        while True:
            try:
                if not await self._ledger.hold(WORK, self._me, HOLD):
                    raise _OverError(None)
                until = self._clock.monotonic() + HOLD
                if await self._book.is_cancelled(job.id):
                    raise _OverError(WarmState.CANCELLED)
                await self._book.note(job)
            except StoreUnavailable:
                if self._clock.monotonic() >= until - BEAT:
                    raise _OverError(None) from None
            await asyncio.sleep(BEAT)

    async def _finish(self, job: WarmJob, state: WarmState) -> None:
        job.state, job.waits_for, job.finished = state, None, self._clock.now()
        await self._book.finish(job)
        counts = {"fetched": job.fetched, "fresh": job.fresh, "failed": job.failed}
        LOG.info("warm job over", extra={"job": job.id, "state": state.value, **counts})

    async def _walk(self, job: WarmJob, urls: Sequence[str], places: Iterator[int]) -> None:
        for at in places:
            if not job.pending(at):
                continue
            while len(job.ahead) >= MOST_AHEAD:  # noqa: ASYNC110 - one URL takes minutes: a look a second costs less
                await asyncio.sleep(1.0)
            began = self._clock.monotonic()
            outcome = await self._insist(job, urls[at])
            job.settle(at)
            match outcome:
                case Warmed():
                    job.fetched += 1
                case Fresh():
                    job.fresh += 1
                case Unwarmed(why):
                    job.fail(urls[at], why)
            job.took(self._clock.monotonic() - began)
            await asyncio.sleep(0)  # what is fresh is found without waiting: others want their turn

    async def _insist(self, job: WarmJob, url: str) -> Warmed | Fresh | Unwarmed:
        tries = 0
        while True:
            outcome = await self._try(job, url)
            match outcome:
                case Later(seconds, why):
                    job.waits_for = why
                    await asyncio.sleep(min(LONGEST_PAUSE, max(1.0, seconds)))
                case Unwarmed(is_passing=True) if tries < MOST_REPEATS:
                    tries += 1
                    await asyncio.sleep(USUAL_PAUSE)
                case _:
                    job.waits_for = None
                    return outcome

    async def _try(self, job: WarmJob, url: str) -> Warming:
        if self._exchange is None or not self._switch.is_normal_now:
            return Later(USUAL_PAUSE, "the operator's mode fetches or keeps nothing")
        fields = Fields(job.fields or (("Accept", "*/*"),))
        request = RequestHead("GET", target_of(url), fields, authority=authority_of(url))
        return await warm(self._exchange, request, job.created if job.force else inf)
