"""The admin listener of several workers: answers for all of them, or passes a request on to one. Serves no client."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from aiohttp import web
from msgspec import Struct

from proxy.clock import SystemClock
from proxy.edge.admin.access import Gate
from proxy.edge.admin.basics import Basics
from proxy.edge.admin.gatekeeper import gatekeeper, problem
from proxy.edge.admin.inner import GoneError, Inner, Reply
from proxy.edge.admin.page.stream import Stream
from proxy.edge.admin.reloading import Reload
from proxy.exchange.operating import ModeSwitch

LOG: Final = logging.getLogger("tambo.admin")
_STATS: Final = "/admin/stats"
MAX_BODY: Final = 64 * 1024 * 1024
"""What is passed on is bounded by who it is passed on to."""


Merge: TypeAlias = Callable[[Sequence[tuple[int, Mapping[str, Any]]]], Mapping[str, Any]]


class FrontParts(Struct, frozen=True):
    """What the supervisor's admin listener is made of."""

    gate: Callable[[], Gate]
    workers: Callable[[], Sequence[tuple[int, Inner]]]
    """Who can be asked, by number; the first one answers where one is enough."""
    unready: Callable[[], str | None]
    """Why no client should come; None: they should."""
    merged: Callable[[Sequence[tuple[int, bytes]]], bytes]
    """The metrics of all, of what each tells by its number."""
    metrics_type: str
    merges: Mapping[str, Merge]
    """How the answers of all, by their numbers, become one, by path."""
    switch: ModeSwitch
    reload: Reload


def make_front_app(parts: FrontParts) -> web.Application:
    """The admin application, ready for a runner."""
    app = web.Application(middlewares=[gatekeeper(parts.gate)], client_max_size=MAX_BODY)
    front = _Front(parts)
    Basics(
        parts.unready, front.health, front.metrics, parts.metrics_type, parts.switch, front.switched, parts.reload
    ).add_to(app)
    for path in parts.merges:
        app.router.add_get(path, front.figures)
    Stream(front.stats, SystemClock().now).add_to(app)
    app.router.add_route("*", "/{rest:.*}", front.pass_on)
    return app


class _Front:
    def __init__(self, parts: FrontParts) -> None:
        self._parts = parts

    async def health(self) -> dict[str, str]:
        """The worst that any worker says."""
        said = [json.loads(body) for _, body in await self._said_by_all("/health")]
        words = {str(each["redis"]) for each in said}
        redis = "disconnected" if "disconnected" in words or not words else sorted(words)[0]
        is_well = bool(said) and all(each["status"] == "healthy" for each in said)
        return {"status": "healthy" if is_well else "degraded", "redis": redis}

    async def metrics(self) -> bytes:
        return self._parts.merged(await self._said_by_all("/metrics"))

    async def switched(self, by: str) -> None:
        """Every worker works as the supervisor says."""
        await asyncio.gather(*(tell_mode(inner, self._parts.switch, by) for _, inner in self._parts.workers()))

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        for _, inner in self._parts.workers():
            try:
                return await inner.pass_on(request)
            except GoneError as error:
                LOG.warning("a worker did not answer", extra={"path": request.path, "detail": str(error)})
                if request.method not in {"GET", "HEAD"} and request.path != "/admin/purge":
                    break  # it may have done what was asked, and must not do it twice; a purge may be said again
        text = "The worker that was asked has gone; look whether it did it, and try again."
        return problem(web.HTTPServiceUnavailable.status_code, text, {"Retry-After": "1"})

    async def figures(self, request: web.Request) -> web.Response:
        """What everyone says, as one; or what is wrong with the question."""
        replies = await self._ask_all(request.raw_path)
        for _, reply in replies:
            if reply.status != web.HTTPOk.status_code:
                return web.Response(status=reply.status, body=reply.body, content_type="application/problem+json")
        if not replies:
            return problem(web.HTTPServiceUnavailable.status_code, "No worker serves now.", {"Retry-After": "1"})
        return web.json_response(self._parts.merges[request.path](_read(replies)))

    async def stats(self) -> dict[str, Any] | None:
        """What everyone's figures are together; None: nobody tells."""
        told = [(number, json.loads(body)) for number, body in await self._said_by_all(_STATS)]
        return dict(self._parts.merges[_STATS](told)) if told and _STATS in self._parts.merges else None

    async def _said_by_all(self, path: str) -> list[tuple[int, bytes]]:
        """What everyone says who can: their numbers, and the bodies of good answers."""
        answers = await self._ask_all(path)
        return [(number, reply.body) for number, reply in answers if reply.status == web.HTTPOk.status_code]

    async def _ask_all(self, path: str) -> list[tuple[int, Reply]]:
        async def ask(number: int, inner: Inner) -> tuple[int, Reply] | None:
            try:
                return number, await inner.ask("GET", path)
            except GoneError:
                return None

        answers = await asyncio.gather(*(ask(*worker) for worker in self._parts.workers()))
        return [answer for answer in answers if answer is not None]


def _read(replies: Sequence[tuple[int, Reply]]) -> list[tuple[int, Any]]:
    return [(number, json.loads(reply.body)) for number, reply in replies]


async def tell_mode(inner: Inner, switch: ModeSwitch, by: str) -> None:
    """Have a worker work as the others do. One that does not hear it is on its way out."""
    now = switch.now
    said = {"mode": now.mode.value} | ({} if now.seconds_left is None else {"for": now.seconds_left})
    try:
        reply = await inner.ask("PUT", "/admin/mode", json.dumps(said).encode(), by)
    except GoneError as error:
        LOG.warning("a worker did not hear of the mode", extra={"detail": str(error)})
        return
    if reply.status != web.HTTPOk.status_code:
        LOG.error("a worker refuses the mode", extra={"status": reply.status, "detail": reply.body.decode()})
