"""A request's head as bytes, with exactly one framing. Pure: sends nothing, and lets nothing be injected."""

import re
from typing import Final, NoReturn

from proxy.edge.upstream.settings import Origin
from proxy.errors import ClientError
from proxy.exchange.ports import UpstreamRequest
from proxy.policy.messages import Fields

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET: Final = re.compile(r"/[!-~]*|\*")
_HOST: Final = re.compile(r"[!-~]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FIELD_LINES: Final = re.compile(rf"(?:{_TOKEN.pattern}: {_VALUE.pattern}\r\n)*")

_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})
"""Fields that only the adapter writes: two framings on one wire are how requests are smuggled."""

_NO_EMPTY_CONTENT: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})
"""Methods for which content means nothing, so that its length of 0 goes without saying (RFC 9110 §8.6)."""


def request_head(request: UpstreamRequest, origin: Origin) -> bytes:
    """The request line and fields as they go on the wire, the empty line included (RFC 9112 §2).

    The target is not re-quoted. Raises ClientError(400) where a byte could not be sent without changing the message's
    meaning, and ValueError where ``fields`` carries what is the adapter's own.
    """
    host = origin.authority if request.host is None else request.host
    _check(_TOKEN, request.method, "the method")
    _check(_TARGET, request.target, "the target")
    _check(_HOST, host, "Host")
    if request.target == "*" and request.method != "OPTIONS":
        raise ClientError(400, "the target * is for OPTIONS alone")
    prefix = "" if request.target == "*" else origin.prefix
    switch = ""
    if request.upgrade is not None:
        _check(_VALUE, request.upgrade, "the value of Upgrade")
        switch = f"Connection: Upgrade\r\nUpgrade: {request.upgrade}\r\n"
    fields = _field_lines(request.fields)
    head = f"{request.method} {prefix}{request.target} HTTP/1.1\r\nHost: {host}\r\n{switch}{fields}{_framing(request)}"
    return head.encode("latin-1")


def _field_lines(fields: Fields) -> str:
    """All lines. Checked at one go, which is a third of the cost: each has a line's form, there are no more than there
    should be, and no name reaches into its value."""
    for name in _OURS:
        if name in fields:
            raise ValueError(f"{name} is written by the upstream's adapter alone")
    lines = fields.lines
    text = "".join([f"{name}: {value}\r\n" for name, value in lines])
    names = "".join([name for name, _ in lines])
    if not _FIELD_LINES.fullmatch(text) or text.count("\n") != len(lines) or ":" in names:
        _refuse(fields)
    return text


def _refuse(fields: Fields) -> NoReturn:
    for name, value in fields.lines:
        _check(_TOKEN, name, "a field's name")
        _check(_VALUE, value, f"the value of {name}")
    raise ClientError(400, "the fields cannot be sent as they are")


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
