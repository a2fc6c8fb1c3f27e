"""``GET /admin/purges``: who purged what lately. Purges nothing."""

from aiohttp import web
from msgspec import Struct

from proxy.exchange.purge_history import PurgeHistory


class Purges(Struct, frozen=True):
    """The endpoint over one history."""

    history: PurgeHistory

    def add_to(self, app: web.Application) -> None:
        """Register it."""
        app.router.add_get("/admin/purges", self.list)

    async def list(self, _: web.Request) -> web.Response:
        """The newest first."""
        return web.json_response({"purges": self.history.purges})
