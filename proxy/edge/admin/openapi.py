"""``GET /openapi.json``: the admin API described, as its endpoints are; tests ask each of them by it."""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from proxy.edge.admin.openapi_schemas import SCHEMAS

_OPEN: Final[list[object]] = []
"""No token is asked for."""
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"


class OpenApi(Struct, frozen=True):
    """The endpoint."""

    version: str

    def add_to(self, app: web.Application) -> None:
        """Register it."""
        app.router.add_get("/openapi.json", self.show)

    async def show(self, _: web.Request) -> web.Response:
        """The document."""
        return web.json_response(document(self.version))


def document(version: str) -> dict[str, Any]:
    """OpenAPI 3.1. Paths are relative to where the document lies, whatever prefix that is."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tambo's admin API",
            "version": version,
            "description": "See docs/admin.md. Without ADMIN_TOKEN it answers requests to localhost alone.",
        },
        "servers": [{"url": "."}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": SCHEMAS,
            "responses": {"Problem": {"description": "Why not (RFC 9457)", "content": _content("Problem", _PROBLEM)}},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(name: str, kind: str = _JSON) -> dict[str, Any]:
    return {kind: {"schema": _ref(name)}}


def _answer(words: str, name: str) -> dict[str, Any]:
    return {"description": words, "content": _content(name)}


def _text(words: str) -> dict[str, Any]:
    return {"description": words, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _does(words: str, answers: dict[str, Any], *refusals: int, **more: Any) -> dict[str, Any]:
    """One operation: what it answers when all is well, and the statuses of its problems."""
    problems = {str(status): {"$ref": "#/components/responses/Problem"} for status in (*refusals, 401, 403)}
    return {"summary": words, "responses": answers | problems} | more


def _body(name: str, *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": _content(name)}


def _query(name: str, words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": words, "schema": schema}


_ID: Final = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_TEXT: Final = {"type": "string"}


def _paths() -> dict[str, Any]:
    return _operating() | _storing() | _working()


def _operating() -> dict[str, Any]:
    mode = {"200": _answer("The mode that holds now.", "Mode")}
    reloaded = {"200": _answer("The configuration that holds now.", "Reloaded")}
    reloaded["422"] = {"description": "It is not valid; the old one stays.", "content": _content("Invalid", _PROBLEM)}
    ready = {"200": _text("Clients may come."), "503": _text("They should not: it is stopping.")}
    orders = _query("by", "What keys are ranked by.", {"type": "string", "enum": ["hits", "slow", "failing"]})
    return {
        "/healthz": {"get": _does("Alive; touches nothing.", {"200": _text("It is.")}, security=_OPEN)},
        "/readyz": {"get": _does("Whether clients should come.", ready, security=_OPEN)},
        "/health": {"get": _does("Health.", {"200": _answer("The words for it.", "Health")}, security=_OPEN)},
        "/metrics": {"get": _does("For Prometheus.", {"200": _text("Its text format.")}, security=_OPEN)},
        "/admin/mode": {
            "get": _does("How Tambo works at present.", mode),
            "put": _does("Switch the mode.", mode, 400, 413, requestBody=_body("ModeWish")),
        },
        "/admin/reload": {"post": _does("Reload the configuration, cache kept.", reloaded)},
        "/admin/stats": {"get": _does("Everything in numbers.", {"200": _answer("Since the start.", "Stats")}, 400)},
        "/admin/top": {
            "get": _does("Leading keys.", {"200": _answer("The leaders.", "Top")}, 400, parameters=[orders])
        },
        "/admin/explain": {
            "post": _does(
                "What would become of a request, and why. Sends nothing upstream.",
                {"200": _answer("The explanation.", "Explanation")},
                *(400, 413),
                requestBody=_body("Question"),
            )
        },
    }


def _storing() -> dict[str, Any]:
    purged = {
        "200": _answer("Carried out, or tried.", "Purged"),
        "207": _answer("Carried out; some did not confirm it in time.", "Purged"),
    }
    searched = [
        *(
            _query(name, f"What is stored by this {name}.", _TEXT)
            for name in ("url", "prefix", "pattern", "tag", "route")
        ),
        _query("limit", "At most so many.", {"type": "integer", "minimum": 1, "maximum": 500}),
        _query("cursor", "As the page before gave it.", _TEXT),
    ]
    pretty = _query("pretty", "Lay JSON out: anything but 0, false and no.", _TEXT)
    return {
        "/admin/purge": {"post": _does("Purge, or try it.", purged, 400, 413, 503, requestBody=_body("PurgeWish"))},
        "/admin/purges": {"get": _does("Who purged what.", {"200": _answer("The newest first.", "Purges")})},
        "/admin/entries": {
            "get": _does(
                "Search what is stored; at most one aim.",
                {"200": _answer("A page.", "Entries")},
                *(400, 503),
                parameters=searched,
            )
        },
        "/admin/entries/{id}": {
            "get": _does(
                "One stored response.", {"200": _answer("It.", "WholeEntry")}, 400, 404, 503, parameters=[_ID, pretty]
            ),
            "delete": _does(
                "Remove one stored response.",
                {"200": _answer("Gone.", "Removed"), "207": _answer("Gone; some did not confirm it.", "Removed")},
                *(404, 503),
                parameters=[_ID],
            ),
        },
    }


def _working() -> dict[str, Any]:
    job = {"200": _answer("The job.", "Job")}
    begun = {"202": _answer("Begun; Location says where to look.", "Job")}
    return {
        "/admin/warm": {
            "post": _does("Fetch a list behind every client.", begun, 400, 413, 429, 503, requestBody=_body("WarmWish"))
        },
        "/admin/jobs": {"get": _does("All jobs.", {"200": _answer("The newest first.", "Jobs")}, 503)},
        "/admin/jobs/{id}": {
            "get": _does("How far a job has come.", job, 404, 503, parameters=[_ID]),
            "delete": _does("Cancel a job.", job, 404, 503, parameters=[_ID]),
        },
    }
