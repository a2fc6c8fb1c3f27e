"""One movable deadline on one timer: moving it later costs nothing. Knows not what it is for."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls ``passed`` when the time that was last set is over."""

    __slots__ = ("_due", "_loop", "_passed", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """It is over in so many seconds, whatever was set before."""
        self._due = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._due:
            self.stop()
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._check)

    def stop(self) -> None:
        """There is none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """There is none, and never will be: whoever waited for it is let go of."""
        self.stop()
        self._passed = _nothing

    def _check(self) -> None:
        self._timer = None
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._check)
        else:
            self._passed()


def _nothing() -> None:
    """In place of a callback that would keep its owner alive."""
