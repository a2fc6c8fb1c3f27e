"""Protects the upstream: at most so many requests at once, and a bounded, fair queue before them.

Knows numbers and waits only; which request deserves a place is not its question.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from proxy.clock import Clock
from proxy.errors import Failure, UpstreamError


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """``maximum`` requests at once (None: unlimited); ``queue`` may wait, each for ``queue_timeout`` seconds."""

    maximum: int | None = None
    queue: int = 100
    queue_timeout: float = 60.0


class Slot:
    """One place at the upstream. ``release`` gives it back, once however often it is called."""

    __slots__ = ("_guard", "_is_held")

    def __init__(self, guard: "Guard") -> None:
        self._guard = guard
        self._is_held = True

    def release(self) -> None:
        """Give the place to whoever has waited longest."""
        if self._is_held:
            self._is_held = False
            self._guard.take_back()


class Guard:
    """Hands out slots, first come first served."""

    def __init__(self, settings: GuardSettings, clock: Clock, on_wait: Callable[[float], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._on_wait = on_wait
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.inflight = 0
        self.shed: dict[str, int] = {"queue-full": 0, "queue-timeout": 0}
        self.last_cost = 1.0
        """Seconds the last fetch took: what Retry-After is guessed from."""

    @property
    def queue_depth(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def admit(self) -> Slot:
        """Wait for a place. Raises UpstreamError(SHED) at once when the queue is full, or when the wait is too long."""
        limit = self._settings.maximum
        if limit is None or (self.inflight < limit and not self._waiting):
            self.inflight += 1
            return Slot(self)
        if len(self._waiting) >= self._settings.queue:
            raise self._refuse("queue-full")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        since = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._settings.queue_timeout):
                await turn
        except BaseException as error:
            self._leave(turn)
            if isinstance(error, TimeoutError):
                raise self._refuse("queue-timeout") from None
            raise
        self._on_wait(self._clock.monotonic() - since)
        return Slot(self)

    def take_back(self) -> None:
        """A slot came back: the place goes to the longest waiter, or is free."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.inflight -= 1

    def _leave(self, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.take_back()  # the place came in the very moment of leaving
        else:
            with suppress(ValueError):
                self._waiting.remove(turn)

    def _refuse(self, reason: str) -> UpstreamError:
        self.shed[reason] += 1
        turns = 1 + len(self._waiting) // (self._settings.maximum or 1)
        wait = max(1, min(300, round(turns * self.last_cost)))
        return UpstreamError(Failure.SHED, reason, retry_after=wait)
