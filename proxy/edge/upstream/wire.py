"""A request's head as bytes, with exactly one framing. Pure: sends nothing, and lets nothing be injected."""

import re
from typing import Final

from proxy.edge.upstream.settings import Origin
from proxy.errors import ClientError
from proxy.exchange.ports import UpstreamRequest

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET: Final = re.compile(r"/[!-~\x80-\xff]*")
_HOST: Final = re.compile(r"[!-~]+")
_BAD_IN_VALUE: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")

_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})
"""Fields that only the adapter writes: two framings on one wire are how requests are smuggled."""

_NO_EMPTY_CONTENT: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})
"""Methods for which content means nothing, so that its length of 0 goes without saying (RFC 9110 §8.6)."""


def request_head(request: UpstreamRequest, origin: Origin) -> bytes:
    """The request line and fields as they go on the wire, the empty line included (RFC 9112 §2).

    The target is not re-quoted. Raises ClientError(400) where a byte could not be sent without changing the message's
    meaning, and ValueError where ``fields`` carries what is the adapter's own.
    """
    _check(_TOKEN, request.method, "the method")
    host = origin.authority if request.host is None else request.host
    _check(_HOST, host, "Host")
    lines = [f"{request.method} {_target(request, origin)} HTTP/1.1\r\nHost: {host}\r\n"]
    if request.upgrade is not None:
        _check_value("Upgrade", request.upgrade)
        lines.append(f"Connection: Upgrade\r\nUpgrade: {request.upgrade}\r\n")
    for name, value in request.fields.lines:
        _check(_TOKEN, name, "a field's name")
        _check_value(name, value)
        if name.lower() in _OURS:
            raise ValueError(f"{name} is written by the upstream's adapter alone")
        lines.append(f"{name}: {value}\r\n")
    lines.append(_framing(request))
    return "".join(lines).encode("latin-1")


def _target(request: UpstreamRequest, origin: Origin) -> str:
    if request.target == "*" and request.method == "OPTIONS":
        return "*"
    _check(_TARGET, request.target, "the target")
    return origin.prefix + request.target


def _framing(request: UpstreamRequest) -> str:
    body = request.body
    if body is None or (body.length == 0 and request.method in _NO_EMPTY_CONTENT):
        return "\r\n"
    if body.length is None:
        return "Transfer-Encoding: chunked\r\n\r\n"
    return f"Content-Length: {body.length}\r\n\r\n"


def _check(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise ClientError(400, f"{what} contains a character that is not allowed there")


def _check_value(name: str, value: str) -> None:
    if _BAD_IN_VALUE.search(value):
        raise ClientError(400, f"the value of {name} contains a character that is not allowed there")
