"""``GET /admin/stream``: the figures, again and again, as server-sent events. Counts nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from msgspec import Struct, field

from proxy.edge.admin.gatekeeper import problem

PERIOD: Final = 2.0
"""Seconds between two messages of a stream."""
MOST_STREAMS: Final = 32


class Stream(Struct, frozen=True):
    """The endpoint."""

    stats: Callable[[], Awaitable[dict[str, Any] | None]]
    """The figures; None: there are none now."""
    now: Callable[[], float]
    """Wall seconds."""
    open: set[asyncio.Event] = field(default_factory=set)
    """One for each stream that is open, which ends it."""

    def add_to(self, app: web.Application) -> None:
        """Register it."""
        app.router.add_get("/admin/stream", self.serve)
        app.on_shutdown.append(self._end)

    async def _end(self, _: web.Application) -> None:
        for over in list(self.open):
            over.set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The figures every two seconds, until the client or Tambo leaves."""
        if len(self.open) >= MOST_STREAMS:
            text = f"{MOST_STREAMS} pages are open already."
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, text, {"Retry-After": "10"})
        fields = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=fields)
        await response.prepare(request)
        over = asyncio.Event()
        self.open.add(over)
        try:
            while not over.is_set():
                if (told := await self.stats()) is not None:
                    await response.write(f"data: {json.dumps(told | {'now': self.now()})}\n\n".encode())
                await _wait(over)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the page was closed
        finally:
            self.open.discard(over)
        return response


async def _wait(over: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PERIOD):
            await over.wait()
    except TimeoutError:
        return
