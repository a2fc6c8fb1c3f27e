"""Puts the practice site together: routes, state, static files. Must not decide what a page says."""

import asyncio
from typing import Final

from aiohttp import web

from scraper_backend.practice_site import messages
from scraper_backend.practice_site.asked import FORM, Asked, parse_form, read
from scraper_backend.practice_site.control import ROUTES, SITE
from scraper_backend.practice_site.delivery import deliver
from scraper_backend.practice_site.firing import Firing
from scraper_backend.practice_site.journal import Entry, Journal
from scraper_backend.practice_site.markup import HOME
from scraper_backend.practice_site.render import STATIC
from scraper_backend.practice_site.settings import Settings
from scraper_backend.practice_site.site import COOKIE, SUPPORT_IDS, Site, Visit
from scraper_backend.practice_site.visitors import Visitors
from scraper_backend.practice_site.world import World, seeded

BASE: Final = "/cl-ti-itmrconsruc"
LARGEST_POST: Final = 64 * 1024  # bytes; the real forms are below 2 KB
STOPPING: Final = web.AppKey("stopping", asyncio.Event)
FILES: Final = {
    "/a/js/libs/bootstrap/3.3.1/css/bootstrap.min.css": "bootstrap.css",
    "/a/js/libs/bootstrap/3.3.1/js/bootstrap.min.js": "bootstrap.js",
    "/a/js/libs/jquery/1.11.1/jquery.min.js": "jquery.js",
    "/a/js/apps/workspace/ws.js": "ws.js",
    "/a/imagenes/logo_2015.png": "logo_2015.png",
    "/sunatrecaptcha/3.0.2/sunatrecaptcha3.js": "sunatrecaptcha3.js",
}
FORM_PAGES: Final = (
    "FrameCriterioBusquedaWeb.jsp",
    "FrameCriterioBusquedaMovil.jsp",
    "frameCriterioBusqueda.jsp",
)
OLD_PATHS: Final = (f"{BASE}/captcha", "/cl-ti-itconsruc/{rest:.*}")


def make_app(settings: Settings | None = None, world: World | None = None) -> web.Application:
    """The site as an application. Tests hand in a `world` whose sleep takes no time."""
    settings = settings or Settings()
    world = world or World(dice=seeded(settings.seed))
    firing = Firing(settings.seed)
    firing.arm(settings.switches)
    app = web.Application(client_max_size=LARGEST_POST)
    app[SITE] = Site(settings, world, Visitors(world.clock, world.dice), firing, Journal())
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_let_go)
    app.add_routes(ROUTES)
    app.add_routes([web.get(f"{BASE}/{page}", _form_page) for page in FORM_PAGES])
    app.add_routes([web.get(f"{BASE}/jcrS00Alias", _form_page), web.post(f"{BASE}/jcrS00Alias", _service)])
    app.add_routes([web.get(path, _file) for path in FILES])
    app.add_routes([web.route("*", path, _rejected) for path in OLD_PATHS])
    app.add_routes([web.get("/", _to_form), web.get("/favicon.ico", _nothing)])
    return app


async def _form_page(request: web.Request) -> web.StreamResponse:
    return await _visit(request, FORM)


async def _service(request: web.Request) -> web.StreamResponse:
    return await _visit(request, read(parse_form(await request.read())))


async def _visit(request: web.Request, asked: Asked) -> web.StreamResponse:
    site = request.app[SITE]
    visit = Visit(
        asked,
        address=request.remote or "?",
        session=request.cookies.get(COOKIE, ""),
        agent=request.headers.get("User-Agent", ""),
        fetch_mode=request.headers.get("Sec-Fetch-Mode", ""),
    )
    with site.journal.counted() as number:
        entry = Entry(
            number=number,
            at=site.world.now().isoformat(timespec="milliseconds"),
            client=visit.address,
            method=request.method,
            path=request.path,
            step=asked.step,
            ruc=asked.ruc,
            session=visit.session,
            headers=dict(request.headers),
            fields=dict(asked.fields),
        )
        site.journal.add(entry)
        try:
            answer = await site.answer(visit, entry)
        except asyncio.CancelledError:
            entry.answer = "client left"
            raise
        return await deliver(request, answer, request.app[STOPPING])


async def _file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / FILES[request.path])


async def _rejected(request: web.Request) -> web.Response:
    """Paths of older days meet the firewall."""
    page = messages.request_rejected(request.app[SITE].world.dice.randrange(SUPPORT_IDS))
    return web.Response(body=page.encoded("utf-8"), content_type="text/html")


async def _to_form(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": HOME})


async def _nothing(_request: web.Request) -> web.Response:
    return web.Response(status=204)


async def _let_go(app: web.Application) -> None:
    app[STOPPING].set()
