"""What answers requests by one configuration: its routes, its way to the upstream. Built anew with each reload, over
the same store, flights and guard, which outlive it. Opens no listener."""

from msgspec import Struct

from proxy.app.debugging import Debugging
from proxy.app.identifying import identifying
from proxy.app.settings import purge_callers, retry_settings
from proxy.app.sharing import Shared
from proxy.app.tracing import Tracer
from proxy.clock import Clock
from proxy.config.load import Loaded
from proxy.edge.server.settings import Handler
from proxy.exchange.ahead import Ahead
from proxy.exchange.alone import AloneKeys
from proxy.exchange.asking import Asker
from proxy.exchange.entrance import Entrance
from proxy.exchange.explaining import Explainer
from proxy.exchange.fleet import Fleet
from proxy.exchange.guard import Guard
from proxy.exchange.holdoff import HoldOff
from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.passing import Passer
from proxy.exchange.ports import Store, Upstream
from proxy.exchange.promises import Promises
from proxy.exchange.purge_desk import PurgeDesk
from proxy.exchange.purge_method import PurgeMethod
from proxy.exchange.refetching import Refetching
from proxy.exchange.refresh import Refresher
from proxy.exchange.retrying import Retrier
from proxy.exchange.serve import Exchange
from proxy.exchange.singleflight import SingleFlight
from proxy.exchange.warming import Warmer
from proxy.telemetry.observer import Telemetry


class Lasting(Struct, frozen=True):
    """What a reload leaves alone: whatever remembers something, or has something under way."""

    store: Store
    flights: SingleFlight
    guard: Guard
    keys: Keys
    hold_off: HoldOff
    ahead: Ahead
    switch: ModeSwitch
    telemetry: Telemetry
    tracer: Tracer
    clock: Clock
    shared: Shared | None
    """None: nobody else shares the store."""
    refetching: Refetching
    desk: PurgeDesk
    explainer: Explainer
    warmer: Warmer
    promises: Promises


def make_handler(loaded: Loaded, lasting: Lasting, upstream: Upstream) -> Handler:
    """What answers requests by this configuration.

    A fetch that began under another one may be joined: it is stored by the rules under which it began, like everything
    that was stored before.
    """
    debugging = Debugging(loaded.routes, lasting.clock) if loaded.config.listen.debug_headers else None
    sender: Upstream = upstream if debugging is None else debugging.upstream(upstream)
    exchange = _exchange(loaded, lasting, sender)
    lasting.refetching.follow(exchange)
    lasting.explainer.follow(exchange)
    lasting.warmer.follow(exchange)
    entrance = Entrance(exchange, lasting.switch, lasting.telemetry, lasting.clock)
    callers, answer = purge_callers(loaded.config), lasting.promises.follow(exchange, entrance.answer)
    if debugging is not None:
        answer = debugging.answering(answer)
    if callers.is_anyone:
        answer = PurgeMethod(callers, lasting.desk, answer).answer
    answer = lasting.tracer.answering(answer)
    return identifying(answer) if loaded.config.listen.request_ids else answer


def _exchange(loaded: Loaded, lasting: Lasting, upstream: Upstream) -> Exchange:
    total, telemetry, clock = loaded.config.upstream.timeout.total, lasting.telemetry, lasting.clock
    retrier = Retrier(retry_settings(loaded.config), clock, total)
    asker = Asker(lasting.tracer.upstream(upstream), telemetry, clock, retrier)
    shared = (asker, lasting.store, lasting.guard, telemetry, clock)
    refresher = Refresher(*shared, lasting.hold_off, total, lasting.keys)
    return Exchange(
        routes=loaded.routes,
        store=lasting.store,
        flights=lasting.flights,
        refresher=refresher,
        passer=Passer(*shared),
        hold_off=lasting.hold_off,
        ahead=lasting.ahead,
        observer=telemetry,
        clock=clock,
        fleet=_fleet(loaded, lasting, refresher),
        upstream=loaded.config.upstream.url,
    )


def _fleet(loaded: Loaded, lasting: Lasting, refresher: Refresher) -> Fleet | None:
    if lasting.shared is None:
        return None
    alone, wait = AloneKeys(lasting.clock), loaded.config.upstream.patience
    return Fleet(refresher, lasting.store, lasting.shared.leases, alone, lasting.clock, wait)
