"""The admin listener's HTTP: health, metrics, purge, mode. Translates; the purger and the telemetry do the work."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from proxy.edge.admin.access import Gate
from proxy.edge.admin.entries import Entries
from proxy.edge.admin.gatekeeper import ASKER, gatekeeper
from proxy.edge.admin.mode_form import read_mode, shown
from proxy.edge.admin.purge_form import read_form
from proxy.edge.admin.reloading import Reload, answer_reload
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.purge_desk import PurgeDesk

LOG = logging.getLogger("tambo.admin")
MAX_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Health:
    """What the health endpoints say: ``redis`` is connected, disconnected or embedded."""

    redis: str
    is_ready: bool

    @property
    def shown(self) -> dict[str, str]:
        """As the API shows it."""
        return {"status": "degraded" if self.redis == "disconnected" else "healthy", "redis": self.redis}


class Endpoints(Protocol):
    """Some of the admin API, in a module of its own."""

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        ...


@dataclass(frozen=True, slots=True)
class AdminParts:
    """What the admin listener is made of."""

    gate: Callable[[], Gate] | None
    """The rule for a request that comes now; None: whoever reaches it may use it."""
    desk: PurgeDesk
    health: Callable[[], Health]
    metrics: Callable[[], bytes]
    metrics_type: str
    switch: ModeSwitch
    reload: Reload
    entries: Entries
    more: Sequence[Endpoints] = ()


def make_admin_app(parts: AdminParts) -> web.Application:
    """The admin application, ready for a runner."""
    app = web.Application(middlewares=[gatekeeper(parts.gate)], client_max_size=MAX_BODY)
    endpoints = _Endpoints(parts)
    app.router.add_get("/healthz", endpoints.alive)
    app.router.add_get("/readyz", endpoints.ready)
    app.router.add_get("/health", endpoints.health)
    app.router.add_get("/metrics", endpoints.metrics)
    app.router.add_post("/admin/purge", endpoints.purge)
    for endpoint in (parts.entries, *parts.more):
        endpoint.add_to(app)
    app.router.add_get("/admin/mode", endpoints.mode)
    app.router.add_put("/admin/mode", endpoints.set_mode)
    app.router.add_post("/admin/reload", endpoints.reload)
    return app


class _Endpoints:
    def __init__(self, parts: AdminParts) -> None:
        self._parts = parts

    async def alive(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(self, _: web.Request) -> web.Response:
        if self._parts.health().is_ready:
            return web.Response(text="ready\n")
        return web.Response(status=web.HTTPServiceUnavailable.status_code, text="stopping\n")

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response(self._parts.health().shown)

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._parts.metrics(), headers={"Content-Type": self._parts.metrics_type})

    async def purge(self, request: web.Request) -> web.Response:
        wish = read_form(await request.read(), request.query)
        said = await self._parts.desk.serve(wish, request[ASKER] or "unknown")
        return web.json_response(said.values, status=said.status)

    async def mode(self, _: web.Request) -> web.Response:
        return web.json_response(shown(self._parts.switch.now))

    async def set_mode(self, request: web.Request) -> web.Response:
        wanted = read_mode(await request.read())
        self._parts.switch.set(wanted.mode, wanted.seconds_left, request[ASKER])
        return web.json_response(shown(self._parts.switch.now))

    async def reload(self, request: web.Request) -> web.Response:
        return await answer_reload(self._parts.reload, request[ASKER])
