"""Bytes of one connection in, requests out: cuts at message boundaries and lets llhttp read. Writes and times nothing.

A head is handed to the parser whole, a body only up to where it can end, so that the boundary between two messages
is always known: how the bytes were split on the way changes nothing, and bytes behind an upgrade are never parsed.
"""

import re
from typing import Any, Final

from aiohttp import StreamReader
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from msgspec import Struct

from proxy.edge.server.settings import ServerSettings
from proxy.errors import ClientError
from proxy.policy.messages import Fields

KNOWN_METHODS: Final = frozenset(
    b"ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS "
    b"PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SUBSCRIBE TRACE UNBIND UNLINK UNLOCK "
    b"UNSUBSCRIBE".split()
)
"""The methods llhttp reads in HTTP. Any other is shown to it as one of these: methods change no framing."""
_STAND_IN: Final = b"LINK"
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}"
"""A method: any token (RFC 9110 §9.1), of a length that one would have."""
_METHOD: Final = re.compile(rb"%b\Z" % _TOKEN)
_METHOD_BEGUN: Final = re.compile(rb"%b(?: |\r?\Z)" % _TOKEN)
_LINE_BESIDES_TARGET: Final = 64
"""More than a method, two blanks and a version are long."""
_REQUEST_LINE: Final = re.compile(rb"(%b) ([^ \r\n]+) HTTP/1\.([01])\r\n" % _TOKEN)
_BLANK: Final = b"\r\n\r\n"
_MAX_LENGTH: Final = 2**63 - 1
_LONG_TARGET: Final = "The request target is too long."
_UNREADABLE: Final = "The request could not be read."


class Incoming(Struct):
    """One request as it was read: its head, and the stream its content comes through."""

    method: str
    target: str
    """Raw, in whatever form it came."""
    fields: Fields
    http10: bool
    keep_alive: bool
    """Whether the client wants the connection to stay open."""
    length: int | None
    """Of the content, in bytes; None when chunked."""
    content: StreamReader


class Intake:
    """What has come of the current message. Every method that reads raises ClientError; after that it is over."""

    __slots__ = ("_asks_upgrade", "_head", "_left", "_parser", "_seam", "_settings", "content", "upgraded")

    def __init__(self, parser: Any, settings: ServerSettings) -> None:
        self._parser = parser  # aiohttp.http.HttpRequestParser, which has no types
        self._settings = settings
        self._head = b""
        self._left: int | None = None
        self._seam = b""
        self._asks_upgrade = False
        self.content: StreamReader | None = None
        """The stream of a body that is not complete."""
        self.upgraded = False
        """A request that asks for another protocol is complete: what follows is not HTTP unless it is declined."""

    @property
    def in_head(self) -> bool:
        """Whether a request has begun and its head is not complete."""
        return bool(self._head)

    @property
    def is_between(self) -> bool:
        """Whether every byte so far belonged to a complete message."""
        return not self._head and self.content is None and not self.upgraded

    def take(self, data: bytes, start: int) -> tuple[Incoming | None, int]:
        """Read on from ``start``, up to the next boundary: a request whose head got complete, and where to go on."""
        if self.content is not None:
            return None, self._take_content(data, start)
        return self._take_head(data, start)

    def resume(self) -> None:
        """Let the parser go on with what it kept when its reader asked for a pause."""
        if self.content is not None:
            self._feed(b"")

    def decline_upgrade(self) -> None:
        """What follows is HTTP after all."""
        if self._parser is not None:
            self._parser.set_upgraded(False)
        self._asks_upgrade = self.upgraded = False

    def end(self, error: BaseException) -> None:
        """The connection is gone: its parser, which knows it, is let go of."""
        self.fail(error)
        self._parser = None

    def fail(self, error: BaseException) -> bool:
        """Tell the reader of an incomplete body. False: there is none."""
        if self.content is None:
            return False
        self.content.set_exception(error)
        self.content = None
        return True

    # Heads ---------------------------------------------------------------------------------------------------------

    def _take_head(self, data: bytes, start: int) -> tuple[Incoming | None, int]:
        if self._head == b"\r" and data.startswith(b"\n", start):
            self._head, start = b"", start + 1
        if not self._head:
            while data.startswith(b"\r\n", start):  # RFC 9112 §2.2: empty lines before a request are nothing
                start += 2
            if start == len(data):
                return None, start
            end = data.find(_BLANK, start)
            if end >= 0:
                return self._read_head(data[start : end + 4]), end + 4
        known = len(self._head)
        self._head = head = self._head + data[start : start + self._settings.max_head + 1]
        end = head.find(_BLANK, max(known - 3, 0))
        if end < 0:
            self._check_partial(head, known)
            return None, len(data)
        self._head = b""
        return self._read_head(head[: end + 4]), start + end + 4 - known

    def _check_partial(self, head: bytes, known: int) -> None:
        """Refuse at once what can never become a head, so that nobody waits for the deadline."""
        line, is_complete, _ = head.partition(b"\r\n")
        if is_complete:
            self._read_request_line(head)
        elif len(line) > self._settings.max_target + _LINE_BESIDES_TARGET:
            raise ClientError(414, _LONG_TARGET)
        elif line != b"\r" and _METHOD_BEGUN.match(line) is None:
            raise ClientError(400, _UNREADABLE)
        if len(head) > self._settings.max_head:
            raise ClientError(431, "The header section is too large.")
        fresh = head[max(known - 1, 0) :]
        lines = fresh.count(b"\r\n")
        stray_feeds = fresh.count(b"\n") - fresh.startswith(b"\n") != lines
        if stray_feeds or fresh.count(b"\r") - fresh.endswith(b"\r") != lines:
            raise ClientError(400, _UNREADABLE)

    def _read_head(self, head: bytes) -> Incoming:
        method, target, http10 = self._read_request_line(head)
        if len(head) > self._settings.max_head:
            raise ClientError(431, "The header section is too large.")
        if method not in KNOWN_METHODS:
            head = _STAND_IN + head[len(method) :]
        messages = self._feed(head)
        if len(messages) != 1:
            raise ClientError(400, _UNREADABLE)
        message, content = messages[0]
        fields = Fields((name.decode("latin-1"), value.decode("latin-1")) for name, value in message.raw_headers)
        length = content_length(fields, http10=http10)
        if not content.is_eof():
            self.content, self._left, self._seam = content, length, b""
        elif length != 0:
            raise ClientError(400, _UNREADABLE)  # llhttp sees no content where the fields announce some
        self._asks_upgrade = message.upgrade
        self._conclude(http10=http10)
        keep_alive = not message.should_close
        return Incoming(method.decode(), target.decode("latin-1"), fields, http10, keep_alive, length, content)

    def _read_request_line(self, head: bytes) -> tuple[bytes, bytes, bool]:
        """Method, target and version, one blank between them (RFC 9112 §3), which llhttp sees less strictly."""
        match = _REQUEST_LINE.match(head)
        if match is None:
            raise _line_refusal(head[: head.find(b"\r\n")], self._settings.max_target)
        method, target, minor = match.groups()
        if len(target) > self._settings.max_target:
            raise ClientError(414, _LONG_TARGET)
        if method == b"CONNECT":
            raise ClientError(400, "CONNECT is not possible here: this is not a forward proxy.")
        return method, target, minor == b"0"

    # Content -------------------------------------------------------------------------------------------------------

    def _take_content(self, data: bytes, start: int) -> int:
        if self._left is not None:
            end = min(len(data), start + self._left)
            self._left -= end - start
        else:
            end = self._chunked_end(data, start)
            self._seam = (self._seam + data[max(start, end - 3) : end])[-3:]
        self._feed(data[start:end] if start or end < len(data) else data)
        return end

    def _chunked_end(self, data: bytes, start: int) -> int:
        """The next place where a chunked body can end: behind an empty line."""
        across = (self._seam + data[start : start + 3]).find(_BLANK)
        if across >= 0:
            return start + across + 4 - len(self._seam)
        end = data.find(_BLANK, start)
        return len(data) if end < 0 else end + 4

    def _feed(self, piece: bytes) -> Any:
        try:
            messages = self._parser.feed_data(piece)[0]
        except (HttpProcessingError, ValueError) as error:
            raise refusal(error, self._settings) from None
        if self.content is not None and self.content.is_eof():
            self.content = None
            self._conclude()
        return messages

    def _conclude(self, *, http10: bool = False) -> None:
        """A message may be complete. HTTP/1.0 knows no upgrade (RFC 9110 §7.8)."""
        if not self._asks_upgrade:
            return
        if http10:
            self.decline_upgrade()
        elif self.content is None:
            self.upgraded = True


def _line_refusal(line: bytes, max_target: int) -> ClientError:
    """What is wrong with a request line."""
    method, *rest = line.split(b" ")
    if len(rest) != len(("target", "version")):
        return ClientError(400, "The request line is not a method, a target and a version with one blank between.")
    target, version = rest
    if len(target) > max_target:
        return ClientError(414, _LONG_TARGET)
    if _METHOD.match(method) is None:
        return ClientError(400, "The method is not valid.")
    known = re.fullmatch(rb"HTTP/[0-9](\.[0-9])?", version)
    return ClientError(505 if known else 400, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")


def content_length(fields: Fields, *, http10: bool) -> int | None:
    """Bytes of content; None when chunked; 0 when nothing is announced (RFC 9112 §6).

    Raises ClientError where two readers could disagree: both framings, several lengths, odd ones, other codings.
    """
    if "transfer-encoding" in fields:
        codings = fields.all("transfer-encoding")
        if "content-length" in fields or http10:
            raise ClientError(400, "The request announces its length in two ways, or in one that its version lacks.")
        if len(codings) > 1 or codings[0].lower() != "chunked":
            raise ClientError(501, "The only transfer coding understood here is chunked.")
        return None
    if "content-length" not in fields:
        return 0
    lengths = fields.all("content-length")
    text = lengths[0]
    if len(lengths) > 1 or not (text.isascii() and text.isdigit()) or not _is_size(text):
        raise ClientError(400, "The Content-Length is not one number.")
    return int(text)


def _is_size(digits: str) -> bool:
    return len(digits) <= len(str(_MAX_LENGTH)) and int(digits) <= _MAX_LENGTH


def refusal(error: Exception, settings: ServerSettings) -> ClientError:
    """What a client is told of the parser's complaint: the kind of it, nothing of the parser."""
    if isinstance(error, LineTooLong):
        return ClientError(431, f"A header line is longer than {settings.max_field} bytes.")
    text = error.message if isinstance(error, HttpProcessingError) else ""
    if text.startswith("Too many headers"):
        return ClientError(431, f"There are more than {settings.max_fields} header lines.")
    if text.startswith("Missing 'Host'"):
        return ClientError(400, "The Host field is missing.")
    if text.startswith("Duplicate 'Host'"):
        return ClientError(400, "There is more than one Host field.")
    return ClientError(400, _UNREADABLE)
