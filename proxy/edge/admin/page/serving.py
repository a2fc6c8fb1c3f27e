"""Serves the admin page, its stream of figures, and signing in. Judges no token twice and shows nothing unescaped."""

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from msgspec import Struct

from proxy.edge.admin.access import urlsplit_netloc
from proxy.edge.admin.gatekeeper import problem
from proxy.edge.admin.page.stream import Stream
from proxy.edge.admin.session import COOKIE, LASTS, begun, csrf_code, is_good

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER: Final = Path(__file__).parent
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FIELDS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TYPES: Final = {"app.css": "text/css", "app.js": "text/javascript"}


class Page(Struct, frozen=True):
    """The page's endpoints."""

    token: Callable[[], str | None]
    stats: Callable[[], Awaitable[dict[str, Any]]]
    now: Callable[[], float]
    """Wall seconds."""
    stream: Stream

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        app.router.add_get("/", self.show)
        app.router.add_post("/signin", self.sign_in)
        app.router.add_post("/signout", self.sign_out)
        app.router.add_get("/assets/{name}", self.asset)
        self.stream.add_to(app)

    async def show(self, request: web.Request) -> web.Response:
        """The page, or the form for the token."""
        token, cookie = self.token(), request.cookies.get(COOKIE, "")
        if token is not None and not is_good(token, cookie, self.now()):
            return _html("signin.html", is_wrong=False)
        csrf = "" if token is None else csrf_code(token, cookie)
        return _html("page.html", csrf=csrf, has_session=token is not None, stats=await self.stats())

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Take the token from the form, and begin a session."""
        token, origin = self.token(), request.headers.get("Origin")
        if origin is not None and urlsplit_netloc(origin) != request.host.lower():
            return problem(HTTPStatus.FORBIDDEN, "The request comes from a page of another site.")
        given = str((await request.post()).get("token", "")).strip()
        if token is None:
            return _back()
        if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
            await asyncio.sleep(secrets.randbelow(200) / 1000)
            return _html("signin.html", status=HTTPStatus.FORBIDDEN, is_wrong=True)
        answer = _back()
        is_tls = (origin or "").startswith("https:")
        # No Path: the browser takes the folder of this very request, whatever prefix it came under.
        cookie = f"{COOKIE}={begun(token, self.now())}; HttpOnly; SameSite=Strict; Max-Age={LASTS}"
        answer.headers["Set-Cookie"] = f"{cookie}; Secure" if is_tls else cookie
        return answer

    async def sign_out(self, _: web.Request) -> web.StreamResponse:
        """End the session in this browser."""
        answer = web.json_response({"signed_out": True})
        answer.headers["Set-Cookie"] = f"{COOKIE}=; HttpOnly; SameSite=Strict; Max-Age=0"
        return answer

    async def asset(self, request: web.Request) -> web.Response:
        """The stylesheet or the script."""
        name = request.match_info["name"]
        if name not in _TYPES:
            raise web.HTTPNotFound
        fields = _FIELDS | {"Cache-Control": "no-cache"}
        return web.Response(text=_text(name), content_type=_TYPES[name], charset="utf-8", headers=fields)


def _back() -> web.Response:
    """To the page that the form was on: one folder's page, under whatever prefix."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=_FIELDS | {"Location": "./"})


def _html(name: str, status: int = 200, **values: object) -> web.Response:
    text = _template(name).render(values)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=_FIELDS)


@cache
def _template(name: str) -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - nobody may ever look

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@cache
def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
