"""How long a connection waits for its next request, or for the rest of a head that has begun. Closes nothing itself."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

from proxy.edge.server.deadline import Deadline
from proxy.edge.server.roster import Roster

_NEWCOMER_TIME: Final = 1.0
"""Seconds in which a connection made just before the stop may send its first request."""


class Patience:
    """One connection's deadline; ``expired`` is called when it may be over."""

    __slots__ = ("_deadline", "_roster", "_times_head")

    def __init__(self, loop: asyncio.AbstractEventLoop, roster: Roster, expired: Callable[[], None]) -> None:
        self._deadline = Deadline(loop, expired)
        self._roster = roster
        self._times_head = False

    def for_request(self, *, in_head: bool) -> None:
        """The next request is waited for from now on; ``in_head``: it has begun."""
        self._times_head = False
        if in_head:
            self.for_head()
        else:
            roster = self._roster
            self._deadline.set(_NEWCOMER_TIME if roster.is_closing else roster.settings.keepalive_timeout)

    def for_head(self) -> None:
        """A head has begun, now or before: its deadline does not move."""
        if not self._times_head:
            self._times_head = True
            self._deadline.set(self._roster.settings.head_timeout)

    def for_newcomer(self) -> None:
        """Everybody is about to go: it has a moment to say what it came for."""
        self._deadline.set(_NEWCOMER_TIME)

    def is_over(self, heard_at: float) -> bool:
        """Whether no request need be waited for any more. Hits, of which the last was at ``heard_at`` (monotonic), do
        not move the deadline: what is left is waited for now."""
        roster = self._roster
        silence = roster.hooks.clock.monotonic() - heard_at
        left = -inf if roster.is_closing else roster.settings.keepalive_timeout - silence
        if left > 0:
            self._deadline.set(left)
        return left <= 0

    def end(self) -> None:
        """There is no deadline any more."""
        self._deadline.end()
