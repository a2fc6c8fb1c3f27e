"""A whole exchange over fakes: a scripted upstream, a fake clock, a store in memory. What plays are written with."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.ahead import Ahead
from proxy.exchange.asking import Asker
from proxy.exchange.breaker import Breaker, BreakerSettings, State
from proxy.exchange.guard import Guard, GuardSettings
from proxy.exchange.holdoff import FailureMemory
from proxy.exchange.passing import Passer
from proxy.exchange.ports import Answer, Lookup
from proxy.exchange.purges import Purge, Purged, PurgeKind, PurgeMode
from proxy.exchange.refresh import Refresher
from proxy.exchange.retrying import Retrier, RetrySettings
from proxy.exchange.serve import Exchange
from proxy.exchange.singleflight import SingleFlight
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, RequestHead, StoredResponse
from proxy.policy.route import RoutePolicy, compile_pattern
from tests.support.clock import FakeClock
from tests.support.observer import RecordingObserver
from tests.support.origin import ScriptedUpstream


class DictStore:
    """The Store port over a dict; ``is_down`` makes every operation fail."""

    def __init__(self) -> None:
        self.entries: dict[str, list[StoredResponse]] = {}
        self.purges: list[Purge] = []
        self.is_down = False
        self.is_vouched = True

    @property
    def position(self) -> int:
        return len(self.purges)

    async def lookup(self, key: CacheKey) -> Lookup:
        self._check("lookup")
        return Lookup(tuple(self.entries.get(key.text, ())), self.position)

    async def look_again(self, key: CacheKey) -> Lookup:
        return await self.lookup(key)

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> bool:
        self._check("put")
        if self._purged(stored.position, key, stored.tags) is PurgeMode.HARD:
            return False
        others = [one for one in self.entries.get(key.text, ()) if one.secondary_key != stored.secondary_key]
        self.entries[key.text] = [*others, stored]
        return True

    async def purge(self, purge: Purge, by: str = "") -> Purged:
        self._check("purge")
        self.purges.append(purge)
        before = len(self.entries)
        left = {
            text: [one for one in stored if not purge.concerns(CacheKey(text, text), text, one.tags, one.route)]
            for text, stored in self.entries.items()
        }
        self.entries = {text: stored for text, stored in left.items() if stored}
        return Purged(before - len(self.entries) if purge.kind is PurgeKind.URL else None, len(self.purges))

    def purged_since(self, position: int, key: CacheKey) -> PurgeMode | None:
        return self._purged(position, key, None)

    def _purged(self, position: int, key: CacheKey, tags: Sequence[str] | None) -> PurgeMode | None:
        modes = [purge.mode for purge in self.purges[position:] if purge.concerns(key, key.target, tags, None)]
        return max(modes, default=None, key=lambda mode: mode is PurgeMode.HARD)

    def _check(self, operation: str) -> None:
        if self.is_down:
            raise StoreUnavailable(operation, "down")


def a_route(name: str = "default", path: str = "/**", **changes: Any) -> RoutePolicy:
    """A route that takes everything and keeps JSON for a minute unless told otherwise."""
    return RoutePolicy(**{"name": name, "pattern": compile_pattern(path), "ttl": 60.0, **changes})


@dataclass
class Scenario:
    """The exchange and everything around it."""

    origin: ScriptedUpstream = field(default_factory=ScriptedUpstream)
    routes: tuple[RoutePolicy, ...] = field(default_factory=lambda: (a_route(),))
    guard_settings: GuardSettings = field(default_factory=GuardSettings)
    total: float = 20.0
    max_flights: int = 100
    breaker: BreakerSettings | None = None
    time: Clock | None = None
    """Another clock than ``clock``, which tests advance."""
    draw: float = 0.5
    """What a refresh ahead of time is drawn by."""
    retries: RetrySettings = field(default_factory=RetrySettings)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        clock = self.time or self.clock
        self.store = DictStore()
        self.observer = RecordingObserver()
        breaker = None if self.breaker is None else Breaker(self.breaker)
        self.changes: list[State] = []
        settings, on_wait = self.guard_settings, self.observer.waited
        self.guard = Guard(settings, clock, on_wait, breaker=breaker, on_change=self.changes.append)
        self.hold_off = FailureMemory(clock, lambda: 1.0)
        self.ahead = Ahead(self.guard, clock, lambda: self.draw)
        self.flights = SingleFlight(self.max_flights, self.observer.internal_error)
        retrier = Retrier(self.retries, clock, self.total, lambda: 0.0)
        asker = Asker(self.origin, self.observer, clock, retrier)
        shared = (asker, self.store, self.guard, self.observer, clock)
        self.exchange = Exchange(
            routes=self.routes,
            store=self.store,
            flights=self.flights,
            refresher=Refresher(*shared, self.hold_off, self.total),
            passer=Passer(*shared),
            hold_off=self.hold_off,
            ahead=self.ahead,
            observer=self.observer,
            clock=clock,
            upstream="http://upstream.test:8000/base",
        )

    async def get(self, target: str = "/a", lines: Mapping[str, str] | None = None, method: str = "GET") -> "Got":
        """Ask and read the whole answer."""
        request = RequestHead(method, target, Fields((lines or {}).items()), authority="tambo.test")
        return await Got.of(await self.exchange.answer(request, None))

    def together(self, times: int, target: str = "/a") -> list["asyncio.Task[Got]"]:
        """Ask several times at once."""
        return [asyncio.ensure_future(self.get(target)) for _ in range(times)]


@dataclass
class Got:
    """An answer that was read: status, the words of its headers, and its body."""

    answer: Answer
    body: bytes

    @classmethod
    async def of(cls, answer: Answer) -> "Got":
        """Read it to the end."""
        if isinstance(answer.body, bytes):
            return cls(answer, answer.body)
        chunks = []
        try:
            async for chunk in answer.body:
                chunks.append(chunk)  # noqa: PERF401 - what came before a failure is wanted by nobody
        finally:
            await answer.body.aclose()
        return cls(answer, b"".join(chunks))

    @property
    def status(self) -> int:
        return self.answer.head.status

    @property
    def cache_status(self) -> str:
        return (self.answer.head.fields.joined("cache-status") or "").removeprefix("tambo; ")

    @property
    def x_cache(self) -> str | None:
        return self.answer.head.fields.joined("x-cache")

    def field(self, name: str) -> str | None:
        return self.answer.head.fields.joined(name)


async def settle() -> None:
    """Let every task that can run, run: a bounded number of loop turns, no time."""
    for _ in range(50):
        await asyncio.sleep(0)
