"""Answers as bytes: heads, framing, problem bodies (RFC 9112 §§4-7, RFC 9457). Pure; writes to no connection."""

import json
from email.utils import formatdate
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus
from re import compile as pattern
from typing import Final, NamedTuple

from proxy.clock import Clock
from proxy.policy.dispositions import unreadable
from proxy.policy.heads import cache_status
from proxy.policy.messages import FieldLine, Fields, ResponseHead

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"

_FRAMING_FIELDS: Final = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)
"""Written here and nowhere else, whatever a head carries of them."""
_STATUSES: Final = range(101, 1000)
_TOKEN: Final = pattern(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FIRST_FINAL: Final = 200
_NO_CONTENT: Final = 204
_NOT_MODIFIED: Final = 304
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


class Framing(Enum):
    """How a recipient knows where the content ends (RFC 9112 §6.3)."""

    NONE = auto()
    """By the method or the status: there is no content, whatever the fields say."""
    SIZED = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


class Frame(NamedTuple):
    """The framing of one answer, and the Content-Length to send (None: none)."""

    framing: Framing
    length: int | None


def frame(method: str, head: ResponseHead, body_length: int | None, stated: int | None, *, http10: bool) -> Frame:
    """Frame an answer. ``body_length`` is None for a stream; ``stated`` is what Content-Length should say of content
    that is not sent (HEAD, 304)."""
    if head.status == _NO_CONTENT or head.status < _FIRST_FINAL:
        return Frame(Framing.NONE, None)
    if method == "HEAD":
        return Frame(Framing.NONE, _first(stated, declared_length(head.fields), body_length or None))
    if head.status == _NOT_MODIFIED:
        return Frame(Framing.NONE, stated)
    length = declared_length(head.fields) if body_length is None else body_length
    if length is not None:
        return Frame(Framing.SIZED, length)
    return Frame(Framing.UNTIL_CLOSE if http10 else Framing.CHUNKED, None)


def _first(*lengths: int | None) -> int | None:
    return next((length for length in lengths if length is not None), None)


def declared_length(fields: Fields) -> int | None:
    """The Content-Length of a response where it is one number; None where it is absent or useless."""
    values = fields.all("content-length")
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
        return None
    return int(values[0])


def render_head(head: ResponseHead, extra: list[FieldLine], date: str) -> bytes:
    """The head of a final answer, or of 101: its own fields but for framing, then ``extra``; Date where it lacks one.

    Raises ValueError for anything that would break out of its line: such a head is a bug here, for upstream's and
    clients' fields were checked when they were read.
    """
    lines = [line for line in head.fields.lines if line[0].lower() not in _FRAMING_FIELDS]
    if "date" not in head.fields and head.status >= _FIRST_FINAL:
        lines.append(("Date", date))
    lines += extra
    reason = head.reason or _PHRASES.get(head.status, "")
    if head.status not in _STATUSES:
        raise ValueError(f"{head.status} is no status")
    text = f"HTTP/1.1 {head.status} {reason}\r\n" + "".join([f"{_name(name)}: {value}\r\n" for name, value in lines])
    breaks = len(lines) + 1
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise ValueError("a field contains a line break or NUL")
    return text.encode("latin-1") + b"\r\n"


@lru_cache(maxsize=4096)
def _name(name: str) -> str:
    if _TOKEN.match(name) is None:
        raise ValueError("a field name is not a token")
    return name


def connection_lines(frame: Frame, *, http10: bool, close: bool) -> list[FieldLine]:
    """The fields that frame an answer and say what becomes of the connection."""
    lines: list[FieldLine] = []
    if frame.framing is Framing.CHUNKED:
        lines.append(("Transfer-Encoding", "chunked"))
    elif frame.length is not None:
        lines.append(("Content-Length", str(frame.length)))
    if close:
        lines.append(("Connection", "close"))
    elif http10:
        lines.append(("Connection", "keep-alive"))
    return lines


def chunk(data: bytes) -> bytes:
    """One chunk (RFC 9112 §7.1). ``data`` must not be empty: that would end the content."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def problem(status: int, detail: str, *extra: FieldLine) -> tuple[ResponseHead, bytes]:
    """An answer of our own to what went wrong (RFC 9457): which, and nothing of our insides."""
    title = _PHRASES.get(status, "Error")
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
    disposition = unreadable(status)
    lines = (
        ("Content-Type", "application/problem+json"),
        ("Cache-Control", "no-store"),
        *extra,
        ("Cache-Status", cache_status(disposition)),
        ("X-Cache", disposition.x_cache),
    )
    return ResponseHead(status, Fields(lines), title), body


class Dates:
    """The Date field's value, made once a second (RFC 9110 §6.6.1)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._text = ""

    def now(self) -> str:
        """The current time as an HTTP-date."""
        second = int(self._clock.now())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text
