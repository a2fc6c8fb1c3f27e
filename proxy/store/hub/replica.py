"""This worker as one of several over one embedded file: until when it may answer from memory, and waiting for the
others to learn a purge. Satisfies proxy.store.replica.Replica; the log is in the file, the hub knows who has read it.

First the hub is told that we are here, then the log is read, then memory may answer: for ``LIFE`` seconds from before
the hub was told, by the clock that goes on while a process stands still. So whoever logs a purge finds everyone there
who may answer without having read it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.store.hub.client import HubClient
from proxy.store.hub.state import LIFE
from proxy.store.hub.words import Beat, Beaten, Known, Learn, Logged
from proxy.store.lasting import lasting
from proxy.store.replica import Learner, Term

_BEAT: Final = 0.5
"""Seconds between two beats."""
_PATIENCE: Final = 1.0
"""Seconds to wait for the hub's answer to a beat."""
_GRACE: Final = 1.0


class HubReplica:
    """Opened after the store whose log it follows, closed before it."""

    def __init__(self, client: HubClient, clock: Clock, seats: Callable[[], tuple[bytes, ...]]) -> None:
        """``seats``: those that this worker holds; the hub is told with each beat."""
        self._client = client
        self._clock = clock
        self._seats = seats
        self._term = Term(clock)
        self._forgotten: int | None = None
        self._beaten: asyncio.Future[Beaten] | None = None
        self._kicked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.keeps_house = False
        self.all_know = 0
        client.on(Beaten, self._heard)
        client.on(Learn, lambda _: self._kicked.set())
        client.on_connect(self._kicked.set)
        client.on_loss(self._lost)

    def open(self, log: Learner) -> None:
        """Begin to hold a lease on answering with what ``log`` knows."""
        self._task = lasting(partial(self._keep_up, log), "lease on the purge log")

    async def close(self) -> None:
        """Answer from memory no more. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._term.end()
        self.keeps_house = False

    # Satisfies Replica -------------------------------------------------------------------------------------------

    def is_current(self) -> bool:
        """See Replica."""
        return self._clock.monotonic() < self._term.until

    @property
    def current_until(self) -> float:
        """See Replica."""
        return self._term.until

    def was_current(self, seconds: float) -> bool:
        """See Replica."""
        return self._term.was_on(seconds)

    async def confirmed(self, position: int) -> tuple[str, ...]:
        """See Replica."""
        asked = self._client.ask(lambda ask: Logged(ask, position))
        if asked is not None:
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(LIFE + _GRACE):
                    known = await asked
                    return known.late if isinstance(known, Known) else ()
        # Nobody can be asked; but everyone reads the log before it goes on answering from memory.
        await asyncio.sleep(LIFE)
        return ()

    # At work -----------------------------------------------------------------------------------------------------

    async def _keep_up(self, log: Learner) -> None:
        while True:
            self._kicked.clear()
            with suppress(StoreUnavailable, ConnectionError, TimeoutError):
                await self._renew(log)
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT):
                    await self._kicked.wait()

    async def _renew(self, log: Learner) -> None:
        await log.catch_up()
        while True:
            began, learnt = self._clock.monotonic(), log.learnt
            beaten = await self._beat(learnt)
            self.keeps_house, self.all_know = beaten.keeps_house, beaten.least
            self._mind_the_gap(log, beaten.forgotten)
            await log.catch_up()
            if log.learnt == learnt:
                break
        self._term.prolong(began + LIFE)

    def _mind_the_gap(self, log: Learner, forgotten: int) -> None:
        """Purges that were dropped from the log while we did not listen cannot be learnt any more. What was dropped
        before we came was carried out on the file, and memory was empty."""
        if self._forgotten is not None and forgotten > max(self._forgotten, log.learnt):
            log.start_over(forgotten)
        self._forgotten = forgotten

    async def _beat(self, learnt: int) -> Beaten:
        if not self._client.is_connected:
            raise ConnectionError("no hub")
        self._beaten = asyncio.get_running_loop().create_future()
        self._client.say(Beat(learnt, self._seats()))
        async with asyncio.timeout(_PATIENCE):
            return await self._beaten

    def _lost(self) -> None:
        """A hub that sees us leave tells purgers that we are gone."""
        self._term.end()

    def _heard(self, word: Beaten) -> None:
        if self._beaten is not None and not self._beaten.done():
            self._beaten.set_result(word)
