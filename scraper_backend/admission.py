"""Who may go now: a bounded number of sessions with a bounded queue, a gap between requests, a breaker.

Decides when, never what. All of it lives on one event loop.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from scraper_backend.errors import Busy


class Slots:
    """At most `size` holders at once; at most `queue` wait, each at most `patience` seconds."""

    def __init__(self, size: int, queue: int, patience: float) -> None:
        self.size = size
        self.in_use = 0
        self.waiting = 0
        self._queue = queue
        self._patience = patience
        self._free = asyncio.Semaphore(size)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold one slot. Raises Busy when the queue is full or the wait too long."""
        if self._free.locked() and self.waiting >= self._queue:
            raise self._busy()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self.waiting -= 1
        self.in_use += 1
        try:
            yield
        finally:
            self.in_use -= 1
            self._free.release()

    def _busy(self) -> Busy:
        return Busy(
            "Todas las sesiones de consulta están ocupadas. Intente nuevamente en unos segundos.", retry_after=10
        )


class Pacer:
    """At least `gap` seconds between the starts of any two requests to the site, whoever makes them."""

    def __init__(
        self,
        gap: float,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = gap
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._sleep = sleep
        self._next = -math.inf

    async def turn(self) -> None:
        """Wait for the next turn. Turns are given in the order of asking."""
        now = self._clock()
        start = max(now, self._next)
        self._next = start + self._gap
        if start > now:
            await self._sleep(start - now)


class Breaker:
    """Stops asking for `open_for` seconds after `after` blocked look-ups in a row: asking on prolongs a block.

    When the time is over one look-up is let through per `open_for`, until one of them gets any page.
    """

    def __init__(self, after: int, open_for: float, clock: Callable[[], float]) -> None:
        self._after = after
        self._open_for = open_for
        self._clock = clock
        self._blocked = 0
        self._until = -math.inf

    def wait(self) -> int | None:
        """Return None when a look-up may go, else the whole seconds until the next may."""
        if self._blocked < self._after:
            return None
        now = self._clock()
        if now < self._until:
            return math.ceil(self._until - now)
        self._until = now + self._open_for
        return None

    def note(self, *, blocked: bool) -> None:
        """Count how a look-up met the site."""
        self._blocked = self._blocked + 1 if blocked else 0
        if self._blocked >= self._after:
            self._until = self._clock() + self._open_for
