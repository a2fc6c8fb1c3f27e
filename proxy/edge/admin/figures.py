"""``GET /admin/stats`` and ``GET /admin/top``: what was counted, for people. Counts nothing."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from proxy.errors import ClientError
from proxy.wording import hint

BAD_REQUEST: Final = 400
ORDERS: Final = ("hits", "slow", "failing")


class Figures(Struct, frozen=True):
    """The endpoints over what is counted."""

    stats: Callable[[], dict[str, Any]]
    top: Callable[[str], dict[str, Any]]
    """By an order's name."""

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        app.router.add_get("/admin/stats", self.show_stats)
        app.router.add_get("/admin/top", self.show_top)

    async def show_stats(self, request: web.Request) -> web.Response:
        """Everything in numbers."""
        if request.query:
            raise ClientError(BAD_REQUEST, f"unknown name {next(iter(request.query))[:100]!r}; there are none")
        return web.json_response(self.stats())

    async def show_top(self, request: web.Request) -> web.Response:
        """The leading keys."""
        return web.json_response(self.top(read_order(dict(request.query))))


def read_order(query: dict[str, str]) -> str:
    """What keys are to be ranked by. Raises ClientError(400)."""
    order = query.pop("by", ORDERS[0])
    if query:
        raise ClientError(BAD_REQUEST, f"unknown name {next(iter(query))[:100]!r}; the name is by")
    if order not in ORDERS:
        raise ClientError(BAD_REQUEST, f"'by' cannot be {order[:100]!r}{hint(order, ORDERS, 'orders')}")
    return order
