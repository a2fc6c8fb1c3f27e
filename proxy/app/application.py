"""One running Tambo: its parts, started and stopped in order. Handles no signal and reads no configuration file."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

from proxy.app.administration import open_admin
from proxy.app.debugging import note_wait
from proxy.app.finishing import exchanged
from proxy.app.gauges import all_tiers, bad_entries, upstream_gauges
from proxy.app.inspecting import inspecting
from proxy.app.ledgers import make_ledger
from proxy.app.loop_lag import LoopLag
from proxy.app.pausing import until_set
from proxy.app.place import WorkerPlace
from proxy.app.reloading import Reloading
from proxy.app.serving import Lasting, make_handler
from proxy.app.settings import (
    breaker_settings,
    guard_settings,
    make_backing,
    make_breaker,
    server_settings,
    upstream_settings,
)
from proxy.app.sharing import make_meeting, shared_by
from proxy.app.tracing import make_tracer
from proxy.app.upstreams import Upstreams
from proxy.clock import Clock, SystemClock
from proxy.config.kinds import WhenDown
from proxy.config.load import Loaded
from proxy.config.reload import settle
from proxy.edge.admin.app import AdminParts, Health
from proxy.edge.admin.entries import Entries
from proxy.edge.server.hit_hooks import HitHooks
from proxy.edge.server.hit_path import HitPath
from proxy.edge.server.listener import Listener
from proxy.edge.server.settings import Finished, Handler, Hooks
from proxy.edge.upstream.client import UpstreamClient
from proxy.exchange.ahead import Ahead
from proxy.exchange.explaining import Explainer
from proxy.exchange.guard import Guard
from proxy.exchange.holdoff import FailureMemory, HoldOff
from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.promises import Promises
from proxy.exchange.purge_desk import PurgeDesk
from proxy.exchange.purge_history import PurgeHistory
from proxy.exchange.purging import Purger
from proxy.exchange.refetching import Refetching
from proxy.exchange.replies import Replies
from proxy.exchange.singleflight import SingleFlight
from proxy.exchange.standing import Standings
from proxy.exchange.warming import Warmer
from proxy.store.backing import CarriedOut
from proxy.store.housekeeper import tell
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from proxy.telemetry.logs import dropped
from proxy.telemetry.metrics import CONTENT_TYPE, Sources, TamboCollector, exposition
from proxy.telemetry.observer import Telemetry
from proxy.telemetry.statistics import statistics

LOG = logging.getLogger("tambo")
VERSION = version("tambo")
MAX_FLIGHTS = 10_000
"""Fetches that others may join or nobody waits for, at once; beyond it a fetch is its client's alone."""
FENCE_MARGIN = 60.0
"""Seconds for which a purge is remembered beyond the longest fetch."""


class App:
    """Starts listening with ``start``; ends with ``stop``, after which it is not used again."""

    def __init__(
        self,
        loaded: Loaded,
        clock: Clock | None = None,
        place: WorkerPlace | None = None,
        read: Callable[[], Loaded] | None = None,
    ) -> None:
        """Build what needs no event loop. ``place``: among other processes; None: there are none. ``read``: the
        configuration once more (None: somebody else reads it). Raises ConfigError."""
        clock = clock or SystemClock()
        config = loaded.config
        self._loaded = loaded
        self._clock, self._loop_lag = clock, LoopLag(clock)
        self._place = place
        self.reloading = Reloading(read or (lambda: loaded), self._follow)
        self._opened = AsyncExitStack()
        self._is_ready = False
        self._telemetry = Telemetry(config.log.sample, clock=clock)
        meeting = make_meeting(config, clock, place)
        self._backing = make_backing(config, clock, None if meeting is None else meeting.company)
        self._memory = Memory(config.store.memory, clock, config.store.max_variants)
        self._shared = meeting or shared_by(config, self._backing, clock, self._carried_out)
        self._store = TieredStore(
            *(self._memory, self._backing, clock, config.upstream.patience + FENCE_MARGIN),
            replica=None if self._shared is None else self._shared.replica,
            # Workers that share a file have no reason to go on unvouched: nobody can be cut off but by dying.
            trusts_memory=meeting is None and config.store.when_redis_is_down is WhenDown.MEMORY,
        )
        self._tracer = make_tracer(config, clock, VERSION)
        traced_store = self._tracer.store(self._store)
        seats = None if self._shared is None else self._shared.seats
        breaker = make_breaker(config)
        self._guard = Guard(
            guard_settings(config), clock, self._waited, seats, breaker, self._telemetry.breaker_changed
        )
        alone = FailureMemory(clock, longest_fetch=config.upstream.patience)
        hold_off: HoldOff = alone if self._shared is None else self._shared.hold_off
        ahead, keys = Ahead(self._guard, clock), Keys()
        self._ledger = make_ledger(config, self._backing, clock)
        self.switch = ModeSwitch(clock, self._store.residence)
        self._flights = SingleFlight(MAX_FLIGHTS, self._telemetry.internal_error)
        refetching = Refetching(self._store.stock, self.switch, self._telemetry.internal_error)
        self._purger = Purger(loaded.routes, self._store, refetching.begin)
        self._lasting = Lasting(
            *(traced_store, self._flights, self._guard, keys, hold_off, ahead),
            *(self.switch, self._telemetry, self._tracer, clock, self._shared),
            refetching,
            PurgeDesk(self._purger, self._store.stock, self._telemetry.purged, PurgeHistory(clock.now)),
            Explainer(self.switch, clock),
            Warmer(self._ledger, self.switch, clock),
            Promises(self._ledger, self._flights, lambda: self.switch.is_normal_now, clock),
        )
        self._standings = Standings(
            *(loaded.routes, self._store, keys, self.switch, Replies(clock, self._telemetry), ahead)
        )

    async def start(self, sockets: Sequence[socket.socket] | None = None) -> None:
        """Open the store, then listen, or serve ``sockets`` that listen already. Raises ConfigError, and OSError where
        an address is taken."""
        try:
            await self._start(sockets)
        except BaseException:
            await self._opened.aclose()
            raise

    async def _start(self, sockets: Sequence[socket.socket] | None) -> None:
        config = self._loaded.config
        self._opened.push_async_callback(asyncio.to_thread, self._tracer.close)
        self._store.housekeeper.on_carried_out = self._carried_out
        await self._store.open()
        self._opened.push_async_callback(self._store.close)
        if self._shared is not None:
            self._shared.open(self._store)
            self._opened.push_async_callback(self._shared.close)
        self._upstreams = Upstreams(upstream_settings(config))
        self._opened.push_async_callback(self._upstreams.aclose)
        self._opened.push_async_callback(self._ledger.close)
        self._opened.push_async_callback(self._lasting.promises.close)
        admin = await open_admin(self._admin_parts(), lambda: self._loaded.config.admin, self._place, self._opened)
        self._passage = admin.passage
        if admin.address is not None:
            self.admin_address = admin.address
        answer = self._handler(self._loaded, self._upstreams.current)
        hooks = Hooks(answer, self._finished, self._telemetry.internal_error, self._clock)
        self._listener = Listener(server_settings(config), hooks, self._hit_path())
        if sockets is None:
            await self._listener.start(config.listen.host, config.listen.port)
        else:
            self._listener.serve(sockets)
        self._lasting.warmer.open()
        self._opened.push_async_callback(self._lasting.warmer.close)
        self._loop_lag.start()
        self._opened.callback(self._loop_lag.stop)
        self._is_ready = True
        self.public_address = self._listener.addresses[0]

    def _handler(self, loaded: Loaded, upstream: UpstreamClient) -> Handler:
        answer = make_handler(loaded, self._lasting, upstream)
        return answer if self._passage is None else self._passage.around(answer)

    def _hit_path(self) -> HitPath | None:
        listen = self._loaded.config.listen
        if not listen.hit_path or listen.request_ids or listen.debug_headers:
            return None
        self._standings.leave_alone(self._loaded.config.admin.prefix)
        telemetry, clock = self._telemetry, self._clock
        told = telemetry.tally, self._finished, telemetry.may_log, telemetry.logs_request, telemetry.internal_error
        hooks = HitHooks(self._standings, clock, *told)
        return HitPath(hooks, server_settings(self._loaded.config).max_target)

    async def _follow(self, wanted: Loaded) -> tuple[str, ...]:
        return self.follow(wanted)

    def follow(self, wanted: Loaded) -> tuple[str, ...]:
        """Serve by another configuration from now on, all of it at once; requests under way go on by the old one. The
        keys whose change needs a restart stay as they are, and are told. Raises ConfigError: nothing has changed."""
        settled = settle(self._loaded, wanted)
        loaded, config = settled.loaded, settled.loaded.config
        upstream = self._upstreams.follow(upstream_settings(config))
        answer = self._handler(loaded, upstream)
        self._loaded = loaded
        self._store.fence = max(self._store.fence, config.upstream.patience + FENCE_MARGIN)
        self._guard.change(guard_settings(config), breaker_settings(config))
        self._purger.routes = loaded.routes
        self._standings.follow(loaded.routes)
        self._telemetry.resample(config.log.sample)
        self._listener.change(server_settings(config), answer)
        return settled.needs_restart

    async def stop(self, hurry: asyncio.Event, *, parting: float = 0.0) -> None:
        """Answer what is in flight and store what is being fetched, then end; ``hurry`` set: end now. ``parting``:
        seconds in which those who are connected may have their next answer and go, where others serve newcomers."""
        config = self._loaded.config
        limit = config.stopping.drain_timeout
        limit = config.upstream.timeout.total if limit is None else limit
        self._is_ready = False
        self._listener.announce_close()
        await self._lasting.warmer.close()
        LOG.info("stopping", extra={"in_flight": self._listener.in_flight, "fetches": len(self._flights)})
        await (self._listener.thin_out(parting) if parting else until_set(hurry, config.stopping.lame_duck))
        draining = asyncio.ensure_future(self._drain(limit))
        hurrying = asyncio.ensure_future(hurry.wait())
        await asyncio.wait((draining, hurrying), return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, hurrying):
            task.cancel()
        await asyncio.gather(draining, hurrying, return_exceptions=True)
        await self._lasting.refetching.close()
        await self._listener.drain(0)
        cut = await self._flights.drain(0)
        await self._opened.aclose()
        LOG.info("stopped", extra={"fetches_cut": cut or None})

    async def _drain(self, limit: float) -> None:
        deadline = self._clock.monotonic() + limit
        await self._listener.drain(limit)
        await self._flights.drain(max(0.0, deadline - self._clock.monotonic()))

    def _carried_out(self, done: CarriedOut) -> None:
        tell(done)
        if done.logged.by:
            self._telemetry.carried_out(done.count)

    def metrics(self) -> bytes:
        """Everything that was counted, in Prometheus' text format; also once it has stopped."""
        return exposition(TamboCollector(self._telemetry, self._sources()))

    def figures(self) -> dict[str, Any]:
        """The same for people; also once it has stopped."""
        return statistics(self._telemetry, self._sources(), 0.0)

    # What the parts tell each other ---------------------------------------------------------------------------------

    def _waited(self, seconds: float) -> None:
        self._telemetry.waited(seconds)
        self._tracer.waited(seconds)
        note_wait(seconds)

    def _finished(self, event: Finished) -> None:
        if (told := exchanged(event)) is not None:
            self._telemetry.exchanged(told)

    def _admin_parts(self) -> AdminParts:
        return AdminParts(
            None,
            self._lasting.desk,
            self._health,
            self.metrics,
            CONTENT_TYPE,
            self.switch,
            self.reloading.reload,
            Entries(self._lasting.desk, self._clock.now, self._telemetry.requests_of),
            inspecting(self._lasting, self._sources(), lambda: self._loaded, self._health, self._purger),
        )

    def _sources(self) -> Sources:
        return Sources(
            lambda: upstream_gauges(self._guard, self._lasting.hold_off, self._loaded.routes),
            lambda: all_tiers(self._store, self._backing),
            lambda: bad_entries(*self._store.tiers),
            lambda: self.switch.mode.value,
            lambda: self.reloading.generation,
            lambda: self._loop_lag.seconds,
            dropped,
            VERSION,
        )

    def _health(self) -> Health:
        if self._backing.tier != "redis":
            return Health("embedded", self._is_ready)
        return Health("connected" if self._backing.is_up else "disconnected", self._is_ready)
