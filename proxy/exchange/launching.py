"""Begins fetches, each as a flight of its own, and finds those under way that may be joined. Concludes nothing."""

from enum import Enum, auto
from functools import partial

from msgspec import Struct

from proxy.clock import Clock
from proxy.exchange.alone import AloneKeys
from proxy.exchange.ask import Ask
from proxy.exchange.causes import Cause
from proxy.exchange.fleet import Fleet
from proxy.exchange.holdoff import HoldOff
from proxy.exchange.interim import relayed
from proxy.exchange.jobs import Job
from proxy.exchange.ports import Store
from proxy.exchange.refresh import Refresher
from proxy.exchange.singleflight import Flight, SingleFlight
from proxy.policy.disposition import StaleReason
from proxy.policy.validation import is_conditional


class Behind(Enum):
    """What became of the wish to fetch something behind an answer."""

    BEGUN = auto()
    RUNNING = auto()
    """It had been begun before."""
    LEFT_ALONE = auto()


class Launcher(Struct):
    """Where every flight begins."""

    store: Store
    flights: SingleFlight
    refresher: Refresher
    hold_off: HoldOff
    clock: Clock
    alone: AloneKeys
    fleet: Fleet | None

    def joinable(self, ask: Ask) -> Flight | None:
        """The flight under way that may answer this request."""
        flight = self.flights.find(ask.key.text)
        if flight is None or self.store.purged_since(flight.position, ask.key) is not None:
            return None  # what began before a purge is not for who comes after it
        return flight

    def lead(self, ask: Ask) -> tuple[Flight, bool]:
        """A flight for who asks, and whether others may join it."""
        joinable = ask.may_share and not self.flights.is_full and ask.key.text not in self.alone
        return self._begin(ask, Cause.MISS, has_leader=True, joinable=joinable), joinable

    def behind(self, ask: Ask, cause: Cause) -> Behind:
        """Begin a fetch that nobody waits for, unless one is under way or it is left alone."""
        if self.joinable(ask) is not None:
            return Behind.RUNNING
        return Behind.LEFT_ALONE if self.background(ask, cause) is None else Behind.BEGUN

    def background(self, ask: Ask, cause: Cause) -> Flight | None:
        """A fetch that no client began; None: it is left alone."""
        if self.flights.is_full or self.held_back(ask.key.text) is not None:
            return None
        return self._begin(ask, cause, has_leader=False, joinable=True)

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
            ask.rest,
            ask.content,
        )
        fill = self.fleet.fill if joinable and self.fleet is not None else self.refresher.fill
        self.flights.begin(flight, partial(fill, job), joinable=joinable)
        return flight
