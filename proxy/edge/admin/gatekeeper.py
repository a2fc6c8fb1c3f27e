"""Before every admin endpoint: lets in whom the gate lets in, and words errors as problems. Serves nothing itself."""

import json
import logging
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.clock import SystemClock
from proxy.edge.admin.access import SIGN_IN_PATHS, Gate, Refusal
from proxy.edge.admin.session import COOKIE, CSRF_FIELD, is_good
from proxy.errors import ClientError, StoreUnavailable
from proxy.exchange.purge_desk import NOT_KNOWN

LOG: Final = logging.getLogger("tambo.admin")
BY: Final = "X-Tambo-By"
"""For whom a request is passed on; believed on a private socket alone."""
ASKER: Final = web.RequestKey("tambo.asker", str)
"""Under which each request carries who asks: an address."""


def gatekeeper(gate: Callable[[], Gate] | None, now: Callable[[], float] | None = None) -> Middleware:
    """``gate``: the rule for a request that comes now; None: a private socket, whose one user is Tambo itself. ``now``:
    wall seconds, by which sessions end."""
    now = now or SystemClock().now

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        fields = request.headers
        request[ASKER] = request.remote or str(fields.get(BY, ""))  # on a socket of ours there is no remote address
        if gate is not None:
            refusal = _refusal(gate(), request, now())
            if refusal is not None:
                challenge = {"WWW-Authenticate": "Bearer"} if refusal.status == web.HTTPUnauthorized.status_code else {}
                return problem(refusal.status, refusal.detail, challenge)
        return await _answered(request, handler)

    return check


def _refusal(gate: Gate, request: web.Request, now: float) -> Refusal | None:
    fields, path = request.headers, request.path
    origin, authorization = fields.get("Origin"), fields.get("Authorization")
    refusal = gate.refusal(path, request.host, origin, authorization)
    if refusal is None or gate.token is None or authorization is not None:
        return refusal
    cookie = request.cookies.get(COOKIE)
    if cookie is not None and is_good(gate.token, cookie, now):
        if path in SIGN_IN_PATHS:
            return None
        return gate.session_refusal(request.method, request.host, origin, cookie, fields.get(CSRF_FIELD))
    return None if path in SIGN_IN_PATHS else refusal


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return problem(error.status, f"{error.reason}: {request.method} {request.path}", allow)
    except ClientError as error:
        return problem(error.status, error.problem)
    except StoreUnavailable as error:
        LOG.warning("refused: the store is out", extra={"operation": error.operation, "detail": error.detail})
        text = "The store cannot be read; try again." if request.method == "GET" else NOT_KNOWN
        return problem(web.HTTPServiceUnavailable.status_code, text, {"Retry-After": "1"})


def problem(status: int, detail: str, fields: dict[str, str] | None = None) -> web.Response:
    """An error as RFC 9457 has it."""
    body = json.dumps({"type": "about:blank", "status": status, "detail": detail})
    return web.Response(status=status, text=body, content_type="application/problem+json", headers=fields)
