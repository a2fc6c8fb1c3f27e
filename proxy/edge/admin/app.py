"""The admin listener of one process: its endpoints put together, and purges. Translates; the purger does the work."""

from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web
from msgspec import Struct

from proxy.edge.admin.access import Gate
from proxy.edge.admin.basics import Basics
from proxy.edge.admin.entries import Entries
from proxy.edge.admin.gatekeeper import ASKER, gatekeeper
from proxy.edge.admin.purge_form import read_form
from proxy.edge.admin.reloading import Reload
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.purge_desk import PurgeDesk

MAX_BODY = 64 * 1024


class Health(Struct, frozen=True):
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


class AdminParts(Struct, frozen=True):
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

    async def purge(request: web.Request) -> web.Response:
        wish = read_form(await request.read(), request.query)
        said = await parts.desk.serve(wish, request[ASKER] or "unknown")
        return web.json_response(said.values, status=said.status)

    app.router.add_post("/admin/purge", purge)
    endpoints: tuple[Endpoints, ...] = (_basics(parts), parts.entries, *parts.more)
    for each in endpoints:
        each.add_to(app)
    return app


def _basics(parts: AdminParts) -> Basics:
    async def health() -> dict[str, str]:
        return parts.health().shown

    async def metrics() -> bytes:
        return parts.metrics()

    async def switched(_: str) -> None:
        """Nobody else is here."""

    def unready() -> str | None:
        return None if parts.health().is_ready else "stopping"

    return Basics(unready, health, metrics, parts.metrics_type, parts.switch, switched, parts.reload)
