"""Whether a request is sent to the upstream again, and after what pause. Sends nothing itself.

Off unless configured. Only a GET or HEAD without content, only within the fetch's total deadline, and only as long as
the budget lasts: an upstream that fails for everybody is not asked twice as often for it.
"""

import random
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from proxy.clock import Clock
from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import UpstreamRequest
from proxy.policy.health import retry_after
from proxy.policy.messages import ResponseHead

FIRST_PAUSE: Final = 0.25
"""Seconds up to which the pause before the first repetition is drawn; each further one is twice as long."""
LONGEST_ASKED: Final = 1.0
"""Seconds: an upstream that asks to be left alone for longer is not asked again."""
MOST_SAVED: Final = 10.0
"""Repetitions that quiet times may save up."""
_IDEMPOTENT: Final = frozenset({"GET", "HEAD"})


class RetrySettings(Struct, frozen=True):
    """``maximum`` repetitions of one request; ``budget`` (0-1): at most so many of all requests."""

    maximum: int = 0
    on_connect: bool = True
    """Where no connection came about."""
    statuses: frozenset[int] = frozenset({502, 503})
    """After these answers."""
    budget: float = 0.2


class Retrier:
    """Keeps the budget that all requests share. ``total``: seconds that one request may take with its repetitions."""

    def __init__(
        self,
        settings: RetrySettings,
        clock: Clock,
        total: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.total = total
        self.draw = draw
        self._saved = 1.0 if settings.budget else 0.0  # the very first request may be repeated

    def tries(self, request: UpstreamRequest) -> "Tries":
        """For one request that is about to be sent."""
        is_repeatable = request.method in _IDEMPOTENT and request.body is None and request.upgrade is None
        if is_repeatable:
            self._saved = min(MOST_SAVED, self._saved + self.settings.budget)
        return Tries(self, self.settings.maximum if is_repeatable else 0)

    def spend(self) -> bool:
        """Take one repetition out of the budget, if it has one."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True


class Tries:
    """What is left to one request."""

    def __init__(self, retrier: Retrier, left: int) -> None:
        self._retrier = retrier
        self._left = left
        self._done = 0
        self._started = retrier.clock.monotonic()

    @property
    def seconds_left(self) -> float | None:
        """How long the next try may take; None: the first has the deadlines of every request."""
        if not self._done:
            return None
        return max(0.0, self._retrier.total - (self._retrier.clock.monotonic() - self._started))

    def after_answer(self, head: ResponseHead) -> float | None:
        """Seconds to wait before sending it again; None: this answer is the answer."""
        if head.status not in self._retrier.settings.statuses:
            return None
        asked = retry_after(head, self._retrier.clock.now())
        return None if asked is not None and asked > LONGEST_ASKED else self._again(asked or 0.0)

    def after_failure(self, error: UpstreamError) -> float | None:
        """Seconds to wait before sending it again; None: it has failed."""
        is_meant = self._retrier.settings.on_connect and error.failure is Failure.UNREACHABLE
        return self._again(0.0) if is_meant else None

    def _again(self, least: float) -> float | None:
        if self._done >= self._left:
            return None
        pause = max(least, self._retrier.draw() * FIRST_PAUSE * 2.0**self._done)
        is_late = self._retrier.clock.monotonic() - self._started + pause >= self._retrier.total
        if is_late or not self._retrier.spend():
            return None
        self._done += 1
        return pause
