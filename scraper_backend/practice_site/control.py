"""The control API below /_practice, which the real site does not have. Must not answer for the site itself."""

import json
from http import HTTPStatus
from typing import Final

from aiohttp import web

from scraper_backend.practice_site.fixtures import FIXTURES
from scraper_backend.practice_site.site import Site
from scraper_backend.practice_site.switches import BadSwitchError, parse_switch, parse_switches

SITE: Final = web.AppKey("site", Site)
PREFIX: Final = "/_practice"


async def get_switches(request: web.Request) -> web.Response:
    """What is in force."""
    return _switches(request)


async def put_switches(request: web.Request) -> web.Response:
    """Put an array of switches in force in place of all others; blocks and counts begin anew."""
    site = request.app[SITE]
    try:
        rules = parse_switches(json.loads(await request.read()))
    except ValueError as error:
        return _refused(error)
    site.firing.arm(rules)
    site.visitors.forgive()
    return _switches(request)


async def post_switch(request: web.Request) -> web.Response:
    """Put one further switch in force."""
    try:
        rule = parse_switch(json.loads(await request.read()))
    except ValueError as error:
        return _refused(error)
    request.app[SITE].firing.add([rule])
    return _switches(request)


async def delete_switches(request: web.Request) -> web.Response:
    """Back to the switches of the start; blocks and counts begin anew."""
    site = request.app[SITE]
    site.firing.arm(site.settings.switches)
    site.visitors.forgive()
    return _switches(request)


async def get_requests(request: web.Request) -> web.Response:
    """The log, of one RUC or one step when `ruc` or `step` is given in the query."""
    query = request.query
    return _json(request.app[SITE].journal.report(query.get("ruc", ""), query.get("step", "")))


async def delete_requests(request: web.Request) -> web.Response:
    """Forget the log."""
    request.app[SITE].journal.clear()
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def get_taxpayers(_request: web.Request) -> web.Response:
    """The written fixtures: RUC, name, kind, state."""
    return _json(
        {"taxpayers": [{"ruc": t.ruc, "name": t.name, "kind": t.kind, "state": t.state} for t in FIXTURES.values()]}
    )


async def health(_request: web.Request) -> web.Response:
    """Whether the site listens."""
    return _json({"status": "healthy"})


ROUTES: Final = (
    web.get(f"{PREFIX}/switches", get_switches),
    web.put(f"{PREFIX}/switches", put_switches),
    web.post(f"{PREFIX}/switches", post_switch),
    web.delete(f"{PREFIX}/switches", delete_switches),
    web.get(f"{PREFIX}/requests", get_requests),
    web.delete(f"{PREFIX}/requests", delete_requests),
    web.get(f"{PREFIX}/taxpayers", get_taxpayers),
    web.get(f"{PREFIX}/health", health),
)


def _switches(request: web.Request) -> web.Response:
    return _json({"switches": request.app[SITE].firing.report()})


def _refused(error: ValueError) -> web.Response:
    text = str(error) if isinstance(error, BadSwitchError) else f"the body is not JSON: {error}"
    return _json({"error": text}, HTTPStatus.BAD_REQUEST)


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.json_response(text=json.dumps(value, ensure_ascii=False, indent=1) + "\n", status=status)
