"""Warm jobs as they stand in the ledger: ordered, found, cancelled, noted, ended. Fetches nothing, and works at none.

Of each job the ledger has how far it has come, for as long as it is remembered, and its list until it is over; and once
for all of them which was ordered last, so that who has nothing to do need not look at them.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from proxy.clock import Clock
from proxy.exchange.ledger import Ledger
from proxy.exchange.warm_list import WarmJob, WarmOrder, WarmState, pack_job, pack_urls, read_job, read_urls

MOST_UNFINISHED: Final = 20
"""Jobs that wait or run at once."""
MOST_FINISHED: Final = 100
"""Jobs that are remembered after their end."""
_UNFINISHED_FOR: Final = 30 * 86_400.0
_FINISHED_FOR: Final = 7 * 86_400.0
"""Seconds for which a job is remembered."""
_JOB: Final = "warm:"
_LIST: Final = "warm-list:"
_CANCEL: Final = "warm-cancel:"
_NEWEST: Final = "warm-newest"


class TooManyJobsError(Exception):
    """MOST_UNFINISHED jobs wait already."""


class WarmBook:
    """The ledger's pages about warm jobs. Every method raises StoreUnavailable."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def order(self, wanted: WarmOrder, by: str, parallel: int) -> WarmJob:
        """Write a new job down, and forget the oldest that are over. Raises TooManyJobsError."""
        known = await self._names(_JOB)
        unfinished = await self.unfinished()
        if len(unfinished) >= MOST_UNFINISHED:
            raise TooManyJobsError
        going_on = {job.id for job in unfinished}
        for old in [name for name in known if name not in going_on][:-MOST_FINISHED]:
            for kind in (_JOB, _CANCEL):
                await self._ledger.remove(kind + old)
        now = self._clock.now()
        name = f"{int(now * 1000):012x}{secrets.token_hex(4)}"
        job = WarmJob(name, now, by, len(wanted.urls), parallel, wanted.force, wanted.fields)
        await self._ledger.write(_LIST + name, pack_urls(wanted.urls), _UNFINISHED_FOR)
        await self.note(job)
        await self._ledger.write(_NEWEST, name.encode(), _UNFINISHED_FOR)
        return job

    async def newest(self) -> bytes | None:
        """Something else after each order."""
        return await self._ledger.read(_NEWEST)

    async def find(self, name: str) -> WarmJob | None:
        """A job as it was noted last; one that was cancelled before its turn came is over."""
        data = await self._ledger.read(_JOB + name)
        job = None if data is None else read_job(data)
        if job is not None and job.state is WarmState.QUEUED and await self.is_cancelled(name):
            job.state = WarmState.CANCELLED
        return job

    async def all(self) -> Sequence[WarmJob]:
        """All that are remembered, the oldest first."""
        return await self._found(await self._names(_JOB))

    async def unfinished(self) -> Sequence[WarmJob]:
        """Those that wait or run, the oldest first: they alone have a list still."""
        return [job for job in await self._found(await self._names(_LIST)) if not job.state.is_over]

    async def urls(self, job: WarmJob) -> Sequence[str]:
        """Its list; empty: it is gone, or cannot be read."""
        return read_urls(await self._ledger.read(_LIST + job.id) or b"")

    async def cancel(self, job: WarmJob) -> None:
        """Say that it is not wanted any more."""
        await self._ledger.write(_CANCEL + job.id, b"", _UNFINISHED_FOR)
        if job.state is WarmState.QUEUED:  # nobody needs its list: who has just begun has read it
            await self._ledger.remove(_LIST + job.id)

    async def is_cancelled(self, name: str) -> bool:
        """Whether somebody said so."""
        return await self._ledger.read(_CANCEL + name) is not None

    async def note(self, job: WarmJob) -> None:
        """Write down how far it has come; who works at it alone does."""
        await self._ledger.write(_JOB + job.id, pack_job(job), _UNFINISHED_FOR)

    async def finish(self, job: WarmJob) -> None:
        """Write down how it ended."""
        await self._ledger.write(_JOB + job.id, pack_job(job), _FINISHED_FOR)
        for kind in (_LIST, _CANCEL):
            await self._ledger.remove(kind + job.id)

    async def _names(self, kind: str) -> Sequence[str]:
        return [name.removeprefix(kind) for name in await self._ledger.names(kind)]

    async def _found(self, names: Sequence[str]) -> Sequence[WarmJob]:
        return [job for job in [await self.find(name) for name in names] if job is not None]
