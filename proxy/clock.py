"""The only reader of the operating system's clocks. Everything else is handed a Clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: wall time for ages that processes share, monotonic time for waiting."""

    def now(self) -> float:
        """Seconds since the epoch (wall time; may jump)."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never falls."""
        ...


class SystemClock:
    """The operating system's clocks, with no call of ours between: a hit reads them twice."""

    now = staticmethod(time.time)
    """Seconds since the epoch."""
    monotonic = staticmethod(time.monotonic)
    """Seconds from an arbitrary start."""
