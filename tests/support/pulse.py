"""How long the machine kept this process from going on: what a test of waiting has to take off its own clock."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BEAT = 0.01


class Pulse:
    """Beats while it is ``beating``; a beat that comes late was time in which nothing here could run."""

    def __init__(self) -> None:
        self._late = 0.0
        self._due = 0.0

    def waited(self) -> float:
        """A clock, in seconds, that stands still while this process does. Only differences mean anything."""
        now = time.monotonic()
        return now - self._late - max(0.0, now - self._due)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """In the running loop, meanwhile."""
        self._due = time.monotonic() + BEAT
        task = asyncio.ensure_future(self._beat())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        while True:
            self._due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self._late += max(0.0, time.monotonic() - self._due)
