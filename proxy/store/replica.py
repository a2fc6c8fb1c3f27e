"""What a process that shares a lasting store must know before it answers from its own memory. Protocols only: the
others' purges are learnt by whoever implements them."""

import math
from typing import Protocol

from proxy.clock import Clock
from proxy.store.backing import LoggedPurge


class Replica(Protocol):
    """This process, as one of those that share a lasting store."""

    def is_current(self) -> bool:
        """Whether memory may answer now: no purge that has returned anywhere is unknown here. Costs next to nothing."""
        ...

    @property
    def current_until(self) -> float:
        """Monotonic seconds up to which ``is_current`` stays true, as far as is known now; in the past when it is
        not."""
        ...

    def was_current(self, seconds: float) -> bool:
        """Whether ``is_current`` is true, and was all the last ``seconds``: who stood still has lost what he held."""
        ...

    async def confirmed(self, position: int) -> tuple[str, ...]:
        """Wait until every other process has learnt the purges up to ``position``, or may not answer from memory any
        more; the names of those for which nobody can say so after a few seconds. Never raises."""
        ...


class Learner(Protocol):
    """Whoever keeps the purges that are known in this process."""

    @property
    def learnt(self) -> int:
        """The position up to which no purge of the shared log is unknown here."""
        ...

    async def catch_up(self) -> None:
        """Learn what was logged since. Raises StoreUnavailable."""
        ...

    def learn(self, before: int, logged: LoggedPurge) -> bool:
        """Learn a purge that somebody told of, where ``before``, the position of the one before it, was learnt already;
        False: some between the two are unknown here, so catch up."""
        ...

    def start_over(self, position: int) -> None:
        """Purges up to ``position`` were dropped from the log before they were learnt here: what is held from before
        them counts as purged hard."""
        ...


class Term:
    """From when to when memory may answer, by the clock that goes on while a process stands still."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.since = math.inf
        self.until = -math.inf
        """Monotonic seconds."""

    def prolong(self, until: float) -> None:
        """Let it end at ``until``; it begins now, where it was over already."""
        if not self.is_on:
            self.since = self._clock.monotonic()
        self.until = until

    def end(self) -> None:
        """End it now."""
        self.until = -math.inf

    @property
    def is_on(self) -> bool:
        """Whether it has begun and is not over."""
        return self._clock.monotonic() < self.until

    def was_on(self, seconds: float) -> bool:
        """Whether it is on, and was all the last ``seconds``."""
        now = self._clock.monotonic()
        return self.since + seconds <= now < self.until
