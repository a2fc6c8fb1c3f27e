"""When to stop asking Redis: a count of failures over time. Reads no clock, starts nothing."""

from collections import deque
from typing import Final

FAILURES: Final = 5
WITHIN: Final = 1.0
"""Seconds."""


class Breaker:
    """Opens at the fifth failure within a second and stays open until told that Redis is well."""

    def __init__(self, failures: int = FAILURES, within: float = WITHIN) -> None:
        self._recent: deque[float] = deque(maxlen=failures)
        self._within = within
        self._opened_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing may be asked but the probe."""
        return self._opened_at is not None

    def open_for(self, now: float) -> float:
        """Seconds that it has been open; 0 when it is not."""
        return 0.0 if self._opened_at is None else now - self._opened_at

    def failed(self, now: float) -> bool:
        """Note a failure at monotonic ``now``; True when it is the one that opens."""
        self._recent.append(now)
        is_full = len(self._recent) == self._recent.maxlen
        if self.is_open or not is_full or now - self._recent[0] > self._within:
            return False
        return self.trip(now)

    def trip(self, now: float) -> bool:
        """Open at once; False when it was open already."""
        if self.is_open:
            return False
        self._opened_at = now
        return True

    def close(self, now: float) -> float | None:
        """Let everything through again; how many seconds it was open, None when it was not."""
        self._recent.clear()
        opened_at, self._opened_at = self._opened_at, None
        return None if opened_at is None else now - opened_at
