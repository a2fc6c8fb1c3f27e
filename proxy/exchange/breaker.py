"""The circuit breaker: stops asking an upstream that fails too often, and finds out with one probe whether it is back.

A state machine over numbers: time is an argument, nothing waits and nothing is asked here.
"""

from collections import deque
from enum import StrEnum
from typing import Final

from msgspec import Struct

PARTS: Final = 10
"""Into which the window is cut: it moves on by a tenth of its length, and costs ten pairs of numbers."""


class State(StrEnum):
    """``closed``: all goes through. ``open``: nothing does. ``half-open``: one request does, to see."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class BreakerSettings(Struct, frozen=True):
    """Opens for ``open`` seconds when of the results of the last ``window`` seconds, ``min_requests`` at least, the
    part ``failure_ratio`` (0-1) or more are failures."""

    window: float = 60.0
    failure_ratio: float = 0.5
    min_requests: int = 5
    open: float = 30.0


class Permit(Struct, frozen=True):
    """Leave to ask once; its result is reported with it. ``era``: results of an earlier one say nothing any more."""

    era: int
    is_probe: bool = False


class _Part(Struct):
    """Results of one part of the window: when it ends, and how many went how."""

    end: float
    good: int = 0
    bad: int = 0


class Breaker:
    """Times are monotonic seconds, and never fall from call to call."""

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._parts: deque[_Part] = deque(maxlen=PARTS + 1)
        self._era = 0
        self._until: float | None = None
        """Open up to here, half-open from here on; None: closed."""
        self._is_probing = False

    def change(self, settings: BreakerSettings) -> None:
        """Judge by other numbers from now on, what was counted before included."""
        self._settings = settings

    def state(self, now: float) -> State:
        """The state at this moment."""
        if self._until is None:
            return State.CLOSED
        return State.OPEN if now < self._until else State.HALF_OPEN

    def refuses(self, now: float) -> bool:
        """Whether ``permit`` would say no."""
        match self.state(now):
            case State.CLOSED:
                return False
            case State.HALF_OPEN:
                return self._is_probing
            case State.OPEN:
                return True

    def permit(self, now: float) -> Permit | None:
        """Leave to ask the upstream once; None: not now. Each permit must be reported or given up."""
        if self.refuses(now):
            return None
        self._is_probing = self._until is not None
        return Permit(self._era, self._is_probing)

    def wait(self, now: float) -> float:
        """Seconds until a request may find out whether the upstream is back; 0 when one may, or is doing so."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def report(self, permit: Permit, *, is_good: bool, now: float) -> None:
        """How it went. A result of what was asked before the state last changed is not counted."""
        if permit.era != self._era:
            return
        if permit.is_probe:
            self._is_probing = False
            self._enter(None if is_good else now + self._settings.open)
            return
        self._count(is_good=is_good, now=now)
        good, bad = sum(part.good for part in self._parts), sum(part.bad for part in self._parts)
        if bad and good + bad >= self._settings.min_requests and bad >= self._settings.failure_ratio * (good + bad):
            self._enter(now + self._settings.open)

    def give_up(self, permit: Permit) -> None:
        """Nothing came of it, good or bad: its client left, or it was never asked."""
        if permit.is_probe and permit.era == self._era:
            self._is_probing = False

    def _enter(self, until: float | None) -> None:
        self._era += 1
        self._until = until
        self._parts.clear()

    def _count(self, *, is_good: bool, now: float) -> None:
        while self._parts and self._parts[0].end + self._settings.window <= now:
            self._parts.popleft()
        if not self._parts or self._parts[-1].end <= now:
            self._parts.append(_Part(now + self._settings.window / PARTS))
        self._parts[-1].good += is_good
        self._parts[-1].bad += not is_good
