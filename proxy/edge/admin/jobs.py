"""The admin API over warm jobs: order, look, cancel. Translates; the warmer does the work."""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import web
from msgspec import Struct

from proxy.edge.admin.gatekeeper import ASKER, problem
from proxy.edge.admin.jobs_form import job_view, read_order
from proxy.errors import ClientError
from proxy.exchange.purging import Purger
from proxy.exchange.warm_book import MOST_UNFINISHED, TooManyJobsError
from proxy.exchange.warm_list import MOST_BYTES, MOST_URLS, WarmJob
from proxy.exchange.warming import Warmer

MAX_BODY: Final = MOST_BYTES + 4 * MOST_URLS
"""Bytes: the longest list, as JSON."""
_NO_JOB: Final = "there is no job of this id: it was forgotten (a week after its end), or never was"


class Jobs(Struct, frozen=True):
    """The endpoints over one warmer."""

    warmer: Warmer
    purger: Purger
    """Knows what is a URL here."""

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        app.router.add_post("/admin/warm", self.order)
        app.router.add_get("/admin/jobs", self.list)
        app.router.add_get("/admin/jobs/{id}", self.show)
        app.router.add_delete("/admin/jobs/{id}", self.cancel)

    async def order(self, request: web.Request) -> web.Response:
        """Begin a job: 202, and where to look."""
        body = await _read(request)
        wanted = await asyncio.to_thread(read_order, body, self.purger.key_of)  # up to 100,000 URLs
        try:
            job = await self.warmer.order(wanted, request[ASKER] or "")
        except TooManyJobsError:
            text = f"{MOST_UNFINISHED} jobs wait already: let one end, or cancel it (DELETE /admin/jobs/ID)"
            return problem(HTTPStatus.TOO_MANY_REQUESTS, text, {"Retry-After": "60"})
        fields = {"Location": f"/admin/jobs/{job.id}"}
        return web.json_response(job_view(job), status=HTTPStatus.ACCEPTED, headers=fields)

    async def list(self, _: web.Request) -> web.Response:
        """All that are remembered, the newest first, without what failed."""
        jobs = reversed(await self.warmer.jobs())
        return web.json_response({"jobs": [job_view(job) | {"failures": None} for job in jobs]})

    async def show(self, request: web.Request) -> web.Response:
        """How far one has come."""
        return web.json_response(job_view(_there(await self.warmer.find(request.match_info["id"]))))

    async def cancel(self, request: web.Request) -> web.Response:
        """Let one end before its time; one that is over stays as it is."""
        return web.json_response(job_view(_there(await self.warmer.cancel(request.match_info["id"]))))


def _there(job: WarmJob | None) -> WarmJob:
    if job is None:
        raise ClientError(HTTPStatus.NOT_FOUND, _NO_JOB)
    return job


async def _read(request: web.Request) -> bytes:
    """The body: this endpoint alone takes a long one."""
    body = bytearray()
    async for piece in request.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > MAX_BODY:
            raise ClientError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a list has {MAX_BODY} bytes at most")
    return bytes(body)
