"""What every admin listener answers by itself, of one process or of several: health, metrics, mode, reload."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from msgspec import Struct

from proxy.edge.admin.gatekeeper import ASKER
from proxy.edge.admin.mode_form import read_mode, shown
from proxy.edge.admin.reloading import Reload, answer_reload
from proxy.exchange.operating import ModeSwitch


class Basics(Struct, frozen=True):
    """The endpoints, over those who know the answers."""

    unready: Callable[[], str | None]
    """Why no client should come; None: they should."""
    health: Callable[[], Awaitable[Mapping[str, str]]]
    metrics: Callable[[], Awaitable[bytes]]
    metrics_type: str
    switch: ModeSwitch
    switched: Callable[[str], Awaitable[None]]
    """Who else must know that the mode was switched; by whom."""
    reload: Reload

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        app.router.add_get("/healthz", self.show_life)
        app.router.add_get("/readyz", self.show_readiness)
        app.router.add_get("/health", self.show_health)
        app.router.add_get("/metrics", self.show_metrics)
        app.router.add_get("/admin/mode", self.show_mode)
        app.router.add_put("/admin/mode", self.set_mode)
        app.router.add_post("/admin/reload", self.read_again)

    async def show_life(self, _: web.Request) -> web.Response:
        """Touches nothing."""
        return web.Response(text="ok\n")

    async def show_readiness(self, _: web.Request) -> web.Response:
        """Whether clients should come."""
        if (why := self.unready()) is not None:
            return web.Response(status=web.HTTPServiceUnavailable.status_code, text=f"{why}\n")
        return web.Response(text="ready\n")

    async def show_health(self, _: web.Request) -> web.Response:
        """In the words of the API."""
        return web.json_response(dict(await self.health()))

    async def show_metrics(self, _: web.Request) -> web.Response:
        """For Prometheus."""
        return web.Response(body=await self.metrics(), headers={"Content-Type": self.metrics_type})

    async def show_mode(self, _: web.Request) -> web.Response:
        """How it works at present."""
        return web.json_response(shown(self.switch.now))

    async def set_mode(self, request: web.Request) -> web.Response:
        """Switch it, everywhere."""
        wanted = read_mode(await request.read())
        self.switch.set(wanted.mode, wanted.seconds_left, request[ASKER])
        await self.switched(request[ASKER])
        return web.json_response(shown(self.switch.now))

    async def read_again(self, request: web.Request) -> web.Response:
        """Follow the configuration as it is written now."""
        return await answer_reload(self.reload, request[ASKER])
