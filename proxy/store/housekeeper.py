"""What a store does when nobody asks: carries out purges on the bytes, lets go of what expired, keeps the log short.

Works in steps of a few milliseconds and gives way between them. Decides nothing that a client could see.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from proxy.errors import StoreUnavailable
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.backing import Backing, CarriedOut, Sweeps
from proxy.store.memory import Memory
from proxy.store.purge_log import PurgeLog

LOG: Final = logging.getLogger("tambo.store")

INTERVAL: Final = 1.0
"""Seconds between two rounds when nothing wakes it."""
_STEP: Final = 32
"""Keys of the memory tier in one step: about a millisecond where each of them changes."""
_PAUSE: Final = 0.001
"""Seconds between two of them: many purges one after the other must not keep a process busy with what it holds."""

_BREATH: Final = 0.005
"""Seconds between two steps on the lasting store: clients come first."""


def tell(done: CarriedOut) -> None:
    """One line for a purge that nobody could count before: who asked for it, and how many responses it met."""
    logged = done.logged
    if logged.by:
        about = {"kind": logged.purge.kind.value, "argument": logged.purge.argument, "mode": logged.purge.mode.value}
        LOG.info("purge carried out", extra=about | {"count": done.count, "by": logged.by, "position": logged.position})


class Purged(Protocol):
    """The store's side: what purges leave of a stored response, and learning the purges of others."""

    def judge(self, key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        """Itself, another in its place, or None."""
        ...

    async def catch_up(self) -> None:
        """Raises StoreUnavailable."""
        ...


class Housekeeper:
    """One task, from ``start`` to ``stop``."""

    def __init__(
        self, store: Purged, memory: Memory, backing: Backing | None, log: PurgeLog, old: Callable[[], float]
    ) -> None:
        """``old`` tells the wall second before which no fetch began that is still under way."""
        self._store = store
        self._memory = memory
        self._backing = backing
        self._log = log
        self._old = old
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._memory_done = 0
        self._backing_done = 0
        self.on_carried_out: Callable[[CarriedOut], None] = tell
        """Told of each purge of the lasting store of which nothing is left to do."""

    def start(self) -> None:
        """Begin. Once."""
        self._task = asyncio.create_task(self._keep_house())  # noqa: TID251 - owned: stop() ends it

    async def stop(self) -> None:
        """End, in the middle of a round if need be. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def wake(self) -> None:
        """There is something to do now."""
        self._wake.set()

    async def _keep_house(self) -> None:
        is_due = True
        while True:
            self._wake.clear()
            try:
                await self.round(is_due=is_due)
            except StoreUnavailable as error:
                LOG.debug("housekeeping goes on later", extra={"operation": error.operation, "detail": error.detail})
            except Exception:
                LOG.exception("housekeeping failed; it goes on")
            is_due = not await self._woken()

    async def _woken(self) -> bool:
        try:
            async with asyncio.timeout(INTERVAL):
                return await self._wake.wait()
        except TimeoutError:
            return False

    async def round(self, *, is_due: bool = True) -> None:
        """Everything there is to do now; ``is_due``: learn what others have purged, too. Raises StoreUnavailable."""
        await self._tidy_memory()
        if self._backing is not None and is_due:
            await self._store.catch_up()
        if isinstance(self._backing, Sweeps):
            await self._tidy_backing(self._backing)
        await self._tidy_log()

    async def _tidy_memory(self) -> None:
        known = self._log.last
        if known <= self._memory_done:
            self._memory.sweep(self._store.judge, _STEP)  # nothing new: a little of what has run out
            return
        if self._memory.is_in_mid_sweep:
            await self._sweep_memory()  # to its end: what it has passed knew nothing of the new ones
        await self._sweep_memory()
        self._memory_done = known

    async def _sweep_memory(self) -> None:
        more = True
        while more:
            more = self._memory.sweep(self._store.judge, _STEP)
            await asyncio.sleep(_PAUSE)  # each purge that was read is true already: clients and purges come first

    async def _tidy_backing(self, backing: Sweeps) -> None:
        while True:
            swept = await backing.sweep()
            self._backing_done = swept.carried_out
            for each in swept.ended:
                self.on_carried_out(each)
            if not swept.more:
                return
            await asyncio.sleep(_BREATH)

    async def _tidy_log(self) -> None:
        """Forget the purges that are carried out everywhere and are old; where they are many, the young ones too."""
        if self._backing is not None and not isinstance(self._backing, Sweeps):
            return  # its log is all that keeps what was purged from being read
        done = self._memory_done if self._backing is None else min(self._memory_done, self._backing_done)
        old = self._log.last if self._log.is_crowded else self._log.last_before(self._old())
        up_to = min(done, old)
        if up_to > self._log.floor:
            self._log.forget(up_to)
            if isinstance(self._backing, Sweeps):
                await self._backing.forget_purges(up_to)
