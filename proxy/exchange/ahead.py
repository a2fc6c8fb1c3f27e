"""Which hits are the occasion to refresh what is asked for a lot and soon expires. Begins no fetch itself.

Looks at a key once a second at most, however often it is hit: a hit that need not be looked at costs nothing more.
"""

import random
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from proxy.clock import Clock
from proxy.exchange.guard import Guard
from proxy.policy.early import early_window, is_refresh_due
from proxy.policy.freshness import freshness_left
from proxy.policy.messages import StoredResponse
from proxy.policy.route import RoutePolicy

HOT: Final = 3
"""Looks at a key, in seconds of their own, from which on it counts as asked for a lot."""
PAUSE: Final = 1.0
"""Seconds between two looks at a key."""
DAY: Final = 86_400.0
MOST_KEYS: Final = 10_000


class _Look(Struct):
    """At a key that expires soon: at which response, how often, and when (wall seconds) again."""

    stored: StoredResponse
    count: int
    again: float


class _Day(Struct):
    """A route's fetches since ``began`` (monotonic seconds)."""

    began: float
    spent: int = 0


class Ahead:
    """Remembers the keys that are about to expire, and what each route has spent of its day."""

    def __init__(
        self, guard: Guard, clock: Clock, draw: Callable[[], float] = random.random, most_keys: int = MOST_KEYS
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._draw = draw
        self._most_keys = most_keys
        self._looks: OrderedDict[str, _Look] = OrderedDict()
        self._days: dict[str, _Day] = {}

    def look_again(self, key: str, stored: StoredResponse, route: RoutePolicy, now: float) -> float:
        """Up to which wall second hits of a fresh stored response are nothing but hits; ``now`` or before: this one
        should come to ``is_due``."""
        end = now + freshness_left(stored, now)
        if not route.refresh_ahead:
            return end
        opens = end - early_window(stored)
        if now < opens:
            return opens
        look = self._looks.get(key)
        return min(end, look.again) if look is not None and look.stored is stored else now

    def is_due(self, key: str, stored: StoredResponse, route: RoutePolicy) -> bool:
        """Whether this hit is the occasion: the key is hot, expires soon, nobody waits for a place, and the route has
        something left for today."""
        if not route.refresh_ahead:
            return False
        now = self._clock.now()
        if self.look_again(key, stored, route, now) > now:
            return False
        return (
            self._looked(key, stored, now) >= HOT
            and not self._guard.queue_depth
            and is_refresh_due(stored, now, self._draw())
            and self._day(route.name).spent < route.refresh_ahead
        )

    def spend(self, route: RoutePolicy) -> None:
        """A refresh was begun."""
        self._day(route.name).spent += 1

    def _looked(self, key: str, stored: StoredResponse, now: float) -> int:
        look = self._looks.get(key)
        if look is None or look.stored is not stored:
            look = self._looks[key] = _Look(stored, 0, now)
        look.count, look.again = look.count + 1, now + PAUSE
        self._looks.move_to_end(key)
        if len(self._looks) > self._most_keys:
            self._looks.popitem(last=False)
        return look.count

    def _day(self, route: str) -> _Day:
        now = self._clock.monotonic()
        day = self._days.get(route)
        if day is None or now - day.began >= DAY:
            day = self._days[route] = _Day(now)
        return day
