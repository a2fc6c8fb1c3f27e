"""RFC 9110 §7.6.2: how far a TRACE or OPTIONS may still go, and what its last recipient says. Sends nothing."""

import re
from typing import Final

from msgspec.structs import replace

from proxy.policy.messages import Fields, RequestHead, ResponseHead

_LIMITED: Final = frozenset({"TRACE", "OPTIONS"})
_FIELD: Final = "max-forwards"
_MOST: Final = 999_999_999
"""More hops than there are; a larger number is passed on as this one."""
_DIGITS: Final = re.compile(r"[0-9]+")
_SECRET: Final = re.compile(r"auth|cookie|credential|key|password|secret|session|signature|token")
"""Parts of the names of fields that hold what a client must not be told of itself (RFC 9110 §9.3.8)."""
_ALLOW: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE"


def hops_left(request: RequestHead) -> int | None:
    """How often the request may still be passed on; None: there is no limit, or none that can be understood."""
    if request.method not in _LIMITED:
        return None
    values = request.fields.all(_FIELD)
    if len(values) != 1 or _DIGITS.fullmatch(values[0]) is None:
        return None
    digits = values[0].lstrip("0")
    return int(digits or "0") if len(digits) <= len(str(_MOST)) else _MOST


def one_hop_less(request: RequestHead) -> RequestHead:
    """The request as it goes on: its limit lowered, where it has one above 0."""
    left = hops_left(request)
    return replace(request, fields=request.fields.replacing("Max-Forwards", str(left - 1))) if left else request


def last_recipient(request: RequestHead) -> tuple[ResponseHead, bytes] | None:
    """What Tambo answers where the request may go no further; None: it may.

    TRACE is told what arrived, but for what could be somebody's secret (RFC 9110 §9.3.8); OPTIONS what passes here.
    """
    if hops_left(request) != 0:
        return None
    own = ("Cache-Control", "no-store")
    if request.method == "OPTIONS":
        return ResponseHead(204, Fields((("Allow", _ALLOW), own))), b""
    return ResponseHead(200, Fields((("Content-Type", "message/http"), own))), _echo(request)


def _echo(request: RequestHead) -> bytes:
    lines = [f"{name}: {value}" for name, value in request.fields.lines if _SECRET.search(name.lower()) is None]
    return "\r\n".join((f"TRACE {request.target} HTTP/{request.version}", *lines, "", "")).encode("latin-1")
