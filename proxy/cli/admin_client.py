"""Talks to the admin listener of a running Tambo. Its answers become values, its refusals one clear error."""

import http.client
import json
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from proxy.config.model import Admin
from proxy.config.secret import Secret
from proxy.errors import ProxyError

_TIMEOUT = 30.0
_MAX_ANSWER = 32 * 1024 * 1024
"""Bytes: a stored body is shown up to 1 MiB, and JSON may take six for one of them."""
_DONE = frozenset({http.client.OK, http.client.ACCEPTED, http.client.MULTI_STATUS})
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach a listener on all addresses


class AdminError(ProxyError):
    """The admin listener did not do what was asked. Its text is for the operator."""


class NotThereError(AdminError):
    """Nothing is there by the name that was asked for."""


class AdminClient(Struct, frozen=True):
    """One admin listener: ``url`` without a path's end slash, and the token to show."""

    url: str
    token: Secret | None

    def post(self, path: str, form: dict[str, Any]) -> dict[str, Any]:
        """Send a form; the answer's JSON object. Raises AdminError."""
        return self.ask("POST", path, form)

    def ask(self, method: str, path: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request; the answer's JSON object. Raises AdminError."""
        status, answer = self._exchange(method, path, None if form is None else json.dumps(form))
        if status in _DONE:
            return answer
        detail = str(answer.get("detail") or f"HTTP status {status}").rstrip(".")
        match status:
            case http.client.UNAUTHORIZED if self.token is None:
                raise AdminError(f"{self.url} wants a token, and ADMIN_TOKEN is not set here")
            case http.client.UNAUTHORIZED:
                raise AdminError(f"{self.url} has another token than the ADMIN_TOKEN set here")
            case http.client.FORBIDDEN:
                raise AdminError(f"{self.url} refuses: {detail}")
            case http.client.NOT_FOUND if answer.get("status") and not detail.startswith("Not Found: "):
                raise NotThereError(detail)
            case http.client.NOT_FOUND:
                raise AdminError(f"{self.url} does not look like Tambo's admin listener: {detail}")
            case http.client.SERVICE_UNAVAILABLE:
                raise AdminError(f"nothing is claimed: {detail}")
            case _:
                raise AdminError(detail)

    def _exchange(self, method: str, path: str, body: str | None) -> tuple[int, dict[str, Any]]:
        fields = {"Content-Type": "application/json"}
        if self.token is not None:
            fields["Authorization"] = f"Bearer {self.token.value}"
        connection = self._connection()
        try:
            connection.request(method, urlsplit(self.url).path.rstrip("/") + path, body, fields)
            response = connection.getresponse()
            text = response.read(_MAX_ANSWER + 1)
            is_cut = bool(response.length)
        except (OSError, http.client.HTTPException) as error:
            raise AdminError(
                f"cannot reach the admin listener at {self.url}: {_reason(error)}; is Tambo running, "
                "and is that its address (ADMIN_HOST, ADMIN_PORT or --admin)?"
            ) from None
        finally:
            connection.close()
        if len(text) > _MAX_ANSWER:
            raise AdminError(f"the admin listener at {self.url} says more than {_MAX_ANSWER >> 20} MiB: ask for less")
        said = None if is_cut else _object(text)
        if said is None and response.status in _DONE:
            raise AdminError(f"the answer of the admin listener at {self.url} broke off or is no JSON object")
        return response.status, said or {}

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)


def client_for(admin: Admin, url: str | None) -> AdminClient:
    """The client for ``--admin``'s URL, else for the configured listener. Raises AdminError where neither says."""
    if url is not None:
        return AdminClient(_checked(url), admin.token)
    if admin.port == 0:
        raise AdminError("admin.port is 0 (any free one), so where it listens is not known: say it with --admin URL")
    host = _EVERYWHERE.get(admin.host, admin.host)
    return AdminClient(f"http://{f'[{host}]' if ':' in host else host}:{admin.port}", admin.token)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or any(character <= " " for character in url) or "@" in url:
        raise AdminError(f"--admin: {url!r} is not a URL such as http://127.0.0.1:8081")
    return url.rstrip("/")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _reason(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "its name is not known"
        case TimeoutError():
            return f"no answer within {_TIMEOUT:g} s"
        case ssl.SSLError():
            return f"TLS failed ({error.reason or 'unknown reason'})"
        case OSError(strerror=str(text)):
            return text.lower()
        case _:
            return "its answer is not HTTP"
