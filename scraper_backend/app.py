"""The HTTP face: three routes, JSON answers, honest statuses. Decides nothing about look-ups and caches nothing."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from scraper_backend.errors import LookupFailed
from scraper_backend.models import Fallo
from scraper_backend.scraper import Scraper

log = logging.getLogger(__name__)

PREFIXES: Final = ("", "/api/integracion-sunat")
FAILED: Final = "Error al consultar RUC"
CRASHED: Final = "Error interno del servidor"

_SCRAPER: Final = web.AppKey("scraper", Scraper)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(scraper: Scraper) -> web.Application:
    """Build the application around a scraper, whose engine it closes at its own end."""
    app = web.Application(middlewares=[_in_json], client_max_size=64 * 1024)
    app[_SCRAPER] = scraper
    for prefix in PREFIXES:
        app.router.add_get(f"{prefix}/obtener-ruc/{{ruc}}", _obtener_ruc)
    app.router.add_get("/health", _health)
    app.on_response_prepare.append(_say_nothing_of_software)
    app.on_cleanup.append(_close)
    return app


async def _obtener_ruc(request: web.Request) -> web.Response:
    found = await request.app[_SCRAPER].look_up(request.match_info["ruc"])
    return _json(HTTPStatus.OK, found)


async def _health(request: web.Request) -> web.Response:
    engine = request.app[_SCRAPER].engine
    slots = {"size": engine.slots.size, "in_use": engine.slots.in_use, "waiting": engine.slots.waiting}
    return _json(HTTPStatus.OK, {"status": "healthy", "engine": engine.name, "sessions": slots})


async def _say_nothing_of_software(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)


async def _close(app: web.Application) -> None:
    await app[_SCRAPER].engine.close()


@web.middleware
async def _in_json(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer every failure with the same three keys, and nothing of what is inside."""
    ruc = request.match_info.get("ruc")
    try:
        return await handler(request)
    except LookupFailed as failure:
        headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
        return _json(failure.status, Fallo(message=FAILED, detail=failure.detail, ruc=ruc), headers)
    except web.HTTPMethodNotAllowed as error:
        detail = f"El método {error.method} no está permitido; use GET."
        fallo = Fallo(message="Método no permitido", detail=detail, ruc=ruc)
        return _json(HTTPStatus.METHOD_NOT_ALLOWED, fallo, {"Allow": error.headers.get("Allow", "GET, HEAD")})
    except web.HTTPException as error:
        fallo = Fallo(message="Ruta desconocida", detail="Use /obtener-ruc/{ruc} o /health.", ruc=ruc)
        return _json(HTTPStatus(error.status), fallo)
    except Exception:
        log.exception("unexpected failure")
        detail = "Error inesperado al consultar el RUC." if ruc else "Error inesperado."
        return _json(HTTPStatus.INTERNAL_SERVER_ERROR, Fallo(message=CRASHED, detail=detail, ruc=ruc))


def _json(status: HTTPStatus, value: object, headers: dict[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")
