"""Who may use the admin listener. Pure: decides over the request's fields, and sends nothing."""

import hmac
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from proxy.config.checks import is_loopback
from proxy.edge.admin.session import CSRF_FIELD, is_ours

OPEN_PATHS = frozenset({"/metrics", "/healthz", "/readyz", "/health"})
"""Answered without a token on the admin listener."""
HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/health"})
"""Answered without a token under the prefix on the public port."""
SIGN_IN_PATHS: Final = frozenset({"/", "/signin", "/assets/app.css", "/assets/app.js"})
"""Answered to who has no token yet, where one is set: there a person can give it."""
_SAFE: Final = frozenset({"GET", "HEAD"})


class Refusal(Struct, frozen=True):
    """The status to refuse with, and what would be right."""

    status: int
    detail: str


class Gate(Struct, frozen=True):
    """The rule for one admin listener: its token, and whether it listens on loopback alone."""

    token: str | None
    on_loopback: bool
    is_public: bool = False
    """Whether it is the public port, under the prefix: whoever comes there may come from anywhere."""

    def refusal(self, path: str, host: str, origin: str | None, authorization: str | None) -> Refusal | None:
        """Why this request may not pass; None: it may.

        ``host`` is the Host field; a page of another site that a browser shows here betrays itself by it or by Origin.
        """
        if path in (HEALTH_PATHS if self.is_public else OPEN_PATHS):
            return None
        if self.token is not None:
            return None if self._has_token(authorization) else _unauthorized(authorization)
        if self.is_public:
            return Refusal(403, "Set ADMIN_TOKEN: without one only /healthz, /readyz and /health are answered here.")
        if not self.on_loopback:
            return Refusal(403, "Set ADMIN_TOKEN: without one this listener answers health and metrics only.")
        if not is_loopback(_host_name(host)) or (origin is not None and not is_loopback(_origin_host(origin))):
            return Refusal(403, "Without ADMIN_TOKEN only requests to localhost, from no other site, are answered.")
        return None

    def session_refusal(
        self, method: str, host: str, origin: str | None, cookie: str, code: str | None
    ) -> Refusal | None:
        """Why a request of a session may not pass; None: it may. What changes something must come from our own page."""
        if method in _SAFE:
            return None
        if origin is not None and urlsplit_netloc(origin) != host.lower():
            return Refusal(403, "The request comes from a page of another site.")
        if self.token is None or not is_ours(self.token, cookie, code):
            return Refusal(403, f"A session that changes something sends {CSRF_FIELD}, as the admin page does.")
        return None

    def _has_token(self, authorization: str | None) -> bool:
        scheme, _, token = (authorization or "").partition(" ")
        expected = (self.token or "").encode()
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode("utf-8", "replace"), expected)


def _unauthorized(authorization: str | None) -> Refusal:
    if authorization is None:
        return Refusal(401, "Send 'Authorization: Bearer ' and the value of ADMIN_TOKEN.")
    return Refusal(401, "That is not the value of ADMIN_TOKEN.")


def urlsplit_netloc(url: str) -> str:
    """The host and port that a URL names, in lower case; empty where it names none."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _origin_host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""
