"""A clock that stands still until a test moves it."""


class FakeClock:
    """Satisfies proxy.clock.Clock: wall and monotonic time in seconds, moved together by ``advance``."""

    def __init__(self, now: float = 1_700_000_000.0, monotonic: float = 1000.0) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> float:
        """Wall seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        if seconds < 0:
            raise ValueError("time only goes on; use jump() for a wall clock that is set back")
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forwards or back; monotonic time does not notice."""
        self._now += seconds
