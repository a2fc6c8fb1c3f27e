"""One movable deadline that costs nothing to move. Knows no connection."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls ``expired`` once the time that was last set has passed.

    Setting it later only notes the time; the timer that is already running looks at the note when it fires. So a
    connection that is used all the time touches the loop's timers once per period and not twice per request.
    """

    __slots__ = ("_at", "_expired", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float | None) -> None:
        """Expire ``seconds`` from now; None: never."""
        if seconds is None:
            self._at = None
            return
        self._at = at = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > at:
            self._start(at)

    def close(self) -> None:
        """Never call ``expired`` again, and keep nothing alive."""
        self._at, self._expired = None, _nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._fired)

    def _fired(self) -> None:
        self._timer = None
        if self._at is None:
            return
        if self._loop.time() < self._at:
            self._start(self._at)
            return
        self._at = None
        self._expired()


def _nothing() -> None:
    """In place of a callback that would keep its owner alive."""
