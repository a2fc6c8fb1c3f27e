"""How late the event loop is: a timer that sees by how much it was called too late. Does nothing about it.

Only what holds up the whole loop makes a timer late: nobody is answered meanwhile.
"""

import asyncio
from typing import Final

from proxy.clock import Clock

PERIOD: Final = 0.25
"""Seconds between two looks."""
SPAN: Final = 10.0
"""Seconds for which the longest lag is kept, and told as long again: a scrape each so often misses none."""


class LoopLag:
    """Looks from ``start`` to ``stop``, on the running event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due = self._since = clock.monotonic()
        self._longest = self._before = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def seconds(self) -> float:
        """The longest lag of the last 10 to 20 seconds; one that has not ended counts as far as it has come."""
        late = 0.0 if self._timer is None else self._clock.monotonic() - self._due
        return max(self._longest, self._before, late)

    def start(self) -> None:
        """Begin."""
        self._wait()

    def stop(self) -> None:
        """Look no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """See how late it is. Called by the timer."""
        now = self._clock.monotonic()
        if now - self._since >= SPAN:
            self._since, self._before, self._longest = now, self._longest, 0.0
        self._longest = max(self._longest, now - self._due)
        self._wait()

    def _wait(self) -> None:
        self._due = self._clock.monotonic() + PERIOD
        self._timer = asyncio.get_running_loop().call_later(PERIOD, self.look)
