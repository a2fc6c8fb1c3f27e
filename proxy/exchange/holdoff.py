"""Remembers which keys' fetches failed lately, and until when they are left alone. Fetches and answers nothing.

Exponential back-off with full jitter: the n-th failure in a row is followed by a pause drawn evenly from 0 up to
2^(n-1) seconds, at most what the route says; keys that failed together are not asked for together again.
"""

import random
from collections import Counter, OrderedDict
from collections.abc import Callable, Container, Mapping
from typing import Final, Protocol

from msgspec import Struct

from proxy.clock import Clock
from proxy.errors import Failure
from proxy.policy.route import RoutePolicy

FIRST_PAUSE: Final = 1.0
"""Seconds up to which the first pause is drawn."""
LONGEST_ASKED: Final = 3600.0
"""Seconds: an upstream's Retry-After is obeyed up to here."""
MOST_KEYS: Final = 10_000
_MOST_DOUBLINGS: Final = 32


class Setback(Struct, frozen=True):
    """A key whose last fetch failed. Times are monotonic seconds."""

    route: str
    failure: Failure
    count: int
    """Failures in a row."""
    until: float
    """Before this nothing is fetched for it, where something stored can be served, or where nobody waits."""
    forgotten: float
    """From here on it counts as never having failed."""


class HoldOff(Protocol):
    """The memory of failures, of this process or of a whole fleet. Every method but ``learn`` returns at once, none
    raises: one that shares tells the others behind, and answers from what it has heard so far."""

    def setback(self, key: str) -> Setback | None:
        """What is remembered of a key (a CacheKey's text); None: its last fetch went well, or long ago."""
        ...

    def failed(self, key: str, route: RoutePolicy, failure: Failure, retry_after: float | None) -> None:
        """A fetch failed for which something stored can stand in, or which nobody waits for. ``retry_after``: seconds
        that the upstream asked to be left alone."""
        ...

    def succeeded(self, key: str) -> None:
        """A fetch brought an answer: nothing is held against the key any more."""
        ...

    def held(self) -> Mapping[str, int]:
        """How many keys are being left alone at this moment, by route."""
        ...

    async def learn(self, key: str) -> None:
        """Ask what others know of a key that is about to be fetched: whoever has just begun has heard nothing yet."""
        ...


class FailureMemory:
    """The HoldOff of one process; beyond ``most_keys`` the one that failed longest ago is forgotten."""

    def __init__(
        self,
        clock: Clock,
        draw: Callable[[], float] = random.random,
        most_keys: int = MOST_KEYS,
        longest_fetch: float = 0.0,
    ) -> None:
        """``longest_fetch``: seconds that one may take to fail. A key is not forgotten while it is tried again."""
        self._clock = clock
        self._longest_fetch = longest_fetch
        self._draw = draw
        self._most_keys = most_keys
        self._setbacks: OrderedDict[str, Setback] = OrderedDict()

    def setback(self, key: str) -> Setback | None:
        """See HoldOff."""
        found = self._setbacks.get(key)
        if found is not None and self._clock.monotonic() >= found.forgotten:
            del self._setbacks[key]
            return None
        return found

    def failed(self, key: str, route: RoutePolicy, failure: Failure, retry_after: float | None) -> None:
        """See HoldOff."""
        if not route.hold_off:
            return
        before = self.setback(key)
        count = 1 if before is None else before.count + 1
        most = min(route.hold_off, FIRST_PAUSE * 2.0 ** min(count - 1, _MOST_DOUBLINGS))
        pause = max(self._draw() * most, min(retry_after or 0.0, LONGEST_ASKED))
        until = self._clock.monotonic() + pause
        self.note(key, Setback(route.name, failure, count, until, until + route.hold_off + self._longest_fetch))

    def note(self, key: str, setback: Setback) -> None:
        """Remember what was found out, here or by another process."""
        self._setbacks[key] = setback
        self._setbacks.move_to_end(key)
        if len(self._setbacks) > self._most_keys:
            self._setbacks.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """See HoldOff."""
        self._setbacks.pop(key, None)

    def held(self) -> Mapping[str, int]:
        """See HoldOff."""
        now = self._clock.monotonic()
        return Counter(setback.route for setback in self._setbacks.values() if now < setback.until)

    async def learn(self, key: str) -> None:
        """See HoldOff: there is nobody to ask."""

    def forget_all_but(self, keys: Container[str]) -> None:
        """What is remembered of other keys may be out of date."""
        for key in [key for key in self._setbacks if key not in keys]:
            del self._setbacks[key]
