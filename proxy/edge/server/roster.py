"""What all connections of a listener share: who is idle, how many are served, whether to stop. Opens nothing."""

from typing import Final, Protocol

from proxy.edge.server.hit_path import HitPath
from proxy.edge.server.settings import Hooks, ServerSettings
from proxy.edge.server.wire import Dates

_CHANCES: Final = 64
"""Idle connections that were answered meanwhile are passed over, but not for ever."""


class Retirable(Protocol):
    """A connection that can be told to go."""

    heard_at: float
    """Monotonic seconds: when it was answered last while it stayed idle."""

    def retire(self, *, linger: bool) -> None:
        """Close it, if nothing is being answered on it."""
        ...

    def hurry(self) -> None:
        """Close it if it has been served, else give it a moment to say what it came for."""
        ...


class Roster:
    """Counts as plain integers, and the idle connections, the one that has been idle longest first, about."""

    __slots__ = ("dates", "hits", "hooks", "idle", "in_flight", "is_closing", "is_draining", "settings")

    def __init__(self, settings: ServerSettings, hooks: Hooks, hits: HitPath | None = None) -> None:
        """``hits`` None: every request takes the long way."""
        self.hits = hits
        self.settings = settings
        self.hooks = hooks
        self.dates = Dates(hooks.clock)
        self.idle: dict[Retirable, float] = {}
        """Since when (monotonic seconds)."""
        self.in_flight = 0
        self.is_draining = False
        """Answers say that the connection closes."""
        self.is_closing = False
        """Connections that have been served close as soon as they are idle."""

    def retire_oldest(self) -> bool:
        """Make room. False: nobody is idle."""
        chances = _CHANCES
        while self.idle:
            oldest, since = next(iter(self.idle.items()))
            del self.idle[oldest]
            if oldest.heard_at <= since or not chances:
                oldest.retire(linger=False)
                return True
            chances -= 1
            self.idle[oldest] = oldest.heard_at
        return False
