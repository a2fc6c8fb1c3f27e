"""Begins fetches, each as a flight of its own, and finds those under way that may be joined. Concludes nothing."""

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial

from proxy.clock import Clock
from proxy.exchange.ask import Ask
from proxy.exchange.causes import Cause
from proxy.exchange.holdoff import HoldOff
from proxy.exchange.interim import relayed
from proxy.exchange.jobs import Job
from proxy.exchange.ports import Store
from proxy.exchange.refresh import Refresher
from proxy.exchange.singleflight import Flight, SingleFlight
from proxy.policy.disposition import StaleReason
from proxy.policy.validation import is_conditional

ALONE_SECONDS = 5.0
"""How long a key is not coalesced after its answer turned out to be its asker's only."""
ALONE_KEYS = 10_000


class Behind(Enum):
    """What became of the wish to fetch something behind an answer."""

    BEGUN = auto()
    RUNNING = auto()
    """It had been begun before."""
    LEFT_ALONE = auto()


@dataclass(slots=True)
class Launcher:
    """Where every flight begins."""

    store: Store
    flights: SingleFlight
    refresher: Refresher
    hold_off: HoldOff
    clock: Clock
    _alone: OrderedDict[str, float] = field(init=False, default_factory=OrderedDict)

    def joinable(self, ask: Ask) -> Flight | None:
        """The flight under way that may answer this request."""
        flight = self.flights.find(ask.key.text)
        if flight is None or self.store.purged_since(flight.position, ask.key) is not None:
            return None  # what began before a purge is not for who comes after it
        return flight

    def lead(self, ask: Ask) -> tuple[Flight, bool]:
        """A flight for who asks, and whether others may join it."""
        joinable = ask.may_share and not self.flights.is_full and not self._was_alone(ask.key.text)
        return self._begin(ask, Cause.MISS, has_leader=True, joinable=joinable), joinable

    def behind(self, ask: Ask, cause: Cause) -> Behind:
        """Begin a fetch that nobody waits for, unless one is under way or it is left alone."""
        if self.joinable(ask) is not None:
            return Behind.RUNNING
        if self.flights.is_full or self.held_back(ask.key.text) is not None:
            return Behind.LEFT_ALONE
        self._begin(ask, cause, has_leader=False, joinable=True)
        return Behind.BEGUN

    def held_back(self, key: str) -> StaleReason | None:
        """Why nothing is fetched now that nobody need wait for: this key failed lately, or the upstream too often."""
        setback = self.hold_off.setback(key)
        if setback is not None and self.clock.monotonic() < setback.until:
            return StaleReason.HOLDOFF
        return StaleReason.BREAKER if self.refresher.guard.is_open else None

    def _begin(self, ask: Ask, cause: Cause, *, has_leader: bool, joinable: bool) -> Flight:
        on_interim = relayed(ask.on_interim, ask.route) if has_leader else None
        flight = Flight(ask.key.text, ask.position, cause, has_leader=has_leader, on_interim=on_interim)
        wants_whole = is_conditional(ask.request)
        job = Job(
            *(ask.request, ask.match, ask.key, ask.admission, ask.position, cause, ask.stale, ask.conditional),
            wants_whole,
            ask.offered,
            ask.content,
        )
        self.flights.begin(flight, partial(self.refresher.fill, job), joinable=joinable)
        return flight

    # Hit-for-miss: who asks for what cannot be shared must not queue behind others who do ------------------------

    def remember_alone(self, name: str) -> None:
        """An answer turned out to be its asker's only: for a while nobody waits for another's."""
        self._alone[name] = self.clock.monotonic() + ALONE_SECONDS
        self._alone.move_to_end(name)
        if len(self._alone) > ALONE_KEYS:
            self._alone.popitem(last=False)

    def _was_alone(self, name: str) -> bool:
        until = self._alone.get(name)
        return until is not None and self.clock.monotonic() < until
