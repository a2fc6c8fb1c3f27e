"""Bytes in, one response out: a strict reader over llhttp. Pure: knows no connection and no clock.

Whatever cannot be framed without doubt is UpstreamError(PROTOCOL), never a guess: what this side believes to be a
response's end is what clients will be told.
"""

import re
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import OnInterim
from proxy.policy.messages import FieldLine, Fields, ResponseHead

MAX_HEAD: Final = 64 * 1024
"""Bytes of one head, and bytes that may come between two pieces of content (chunk extensions, trailers)."""
MAX_FIELDS: Final = 256
MAX_INTERIM: Final = 64
"""Interim responses before the final one."""

_SWITCHING: Final = 101
_FIRST_FINAL: Final = 200
_NO_CONTENT: Final = frozenset({204, 304})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class ResponseReader:
    """One response, with the interim ones before it. ``feed`` until ``complete``; at the connection's end ``finish``.

    ``method`` is the request's; ``upgrade`` whether it asked to switch protocols (only then 101 is an answer).
    """

    __slots__ = (
        "_chunked",
        "_head_bytes",
        "_interim",
        "_is_head_request",
        "_lines",
        "_on_interim",
        "_parser",
        "_persistent",
        "_quiet_bytes",
        "_reason",
        "_sized",
        "_tail",
        "_upgrade",
        "complete",
        "head",
        "pieces",
        "started",
        "surplus",
        "switched",
    )

    def __init__(self, method: str, upgrade: bool = False, on_interim: OnInterim | None = None) -> None:
        self._is_head_request = method == "HEAD"
        self._upgrade = upgrade
        self._on_interim = on_interim
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._lines: list[FieldLine] = []
        self._reason = ""
        self._head_bytes = 0
        self._quiet_bytes = 0
        self._interim = 0
        self._tail = b""
        self._chunked = self._sized = self._persistent = False
        self.head: ResponseHead | None = None
        """The final head (or 101), once it is there."""
        self.pieces: list[bytes] = []
        """Content that came and was not yet taken."""
        self.started = self.complete = False
        self.surplus = False
        """Bytes came behind the response's end: the connection cannot be trusted for another."""
        self.switched: bytes | None = None
        """After 101: the first bytes of the other protocol."""

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request after this response (RFC 9112 §9.3)."""
        return self.complete and self._persistent and not self.surplus and self.switched is None

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Raises UpstreamError(PROTOCOL) where they are not the response's next bytes.

        Bytes behind a complete response are noted (``surplus``) and not read.
        """
        if self.complete:
            self.surplus = True
            return
        if not self.started:
            self.started = True
            if data[0] != ord("H"):  # the parser would take RTSP/ and ICE/ too
                raise _malformed("the answer is not HTTP")
        before = self.head, len(self.pieces), self._interim
        self._parse(data)
        if self._is_head_request:
            self._check_end(data)
        if self.complete:
            self.close()
        elif before == (self.head, len(self.pieces), self._interim):
            self._bound(len(data))
        else:
            self._quiet_bytes = 0

    def finish(self) -> None:
        """The upstream closed its side in good order. Raises UpstreamError(PROTOCOL) where that cuts it short."""
        if self.complete:
            return
        if self.head is None:
            raise _malformed("the connection closed within the head" if self.started else "closed without an answer")
        if self._chunked or self._sized:
            raise _malformed("the content is cut short")
        self.complete = True

    def close(self) -> None:
        """Read no more: the parser refers back to this reader, and cycles are work for the garbage collector."""
        self._parser = None

    # What the parser calls -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A head begins: the final one, or one behind an interim one."""
        if self.complete:
            self.surplus = True

    def on_status(self, reason: bytes) -> None:
        """A piece of the reason phrase."""
        self._reason += reason.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field line, or a trailer's (dropped, but bounded)."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEAD:
            raise _malformed(f"the head is larger than {MAX_HEAD} bytes")
        if self.head is None:
            if len(self._lines) == MAX_FIELDS:
                raise _malformed(f"the head has more than {MAX_FIELDS} fields")
            self._lines.append((name.decode("latin-1"), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        parser = self._parser
        if self.complete or parser is None:
            return
        version = parser.get_http_version()
        head = ResponseHead(parser.get_status_code(), Fields(self._lines), self._reason, version)
        if version not in {"1.1", "1.0"} or head.status < 100 or _CONTROL.search(self._reason):  # noqa: PLR2004 - RFC 9110 §15
            raise _malformed("the status line is malformed")
        if head.status < _FIRST_FINAL and head.status != _SWITCHING:
            self._skip_interim(head)
            return
        if head.status == _SWITCHING and not self._upgrade:
            raise _malformed("101 without having been asked to switch")
        self._frame(head, version)
        self.head = head
        self._head_bytes = 0

    def on_body(self, data: bytes) -> None:
        """A piece of content."""
        if self.complete:
            self.surplus = True
        elif self.head is not None:
            self.pieces.append(data)
        else:
            raise _malformed("an interim response has content")

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        if self.complete:
            self.surplus = True

    def on_message_complete(self) -> None:
        """A response is whole: the interim one, or the final one."""
        if self.head is None:
            self._lines = []
            self._reason = ""
            self._head_bytes = self._quiet_bytes = 0
        else:
            self.complete = True

    def _parse(self, data: bytes | memoryview) -> None:
        parser = self._parser
        if parser is None:
            return
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as stop:
            self._switch(bytes(data[stop.args[0] :]))
        except HttpParserError as error:
            self._refuse(error, data)

    # Rules -----------------------------------------------------------------------------------------------------------

    def _skip_interim(self, head: ResponseHead) -> None:
        self._interim += 1
        if self._interim > MAX_INTERIM:
            raise _malformed(f"more than {MAX_INTERIM} interim responses")
        if self._on_interim is not None:
            self._on_interim(head)

    def _frame(self, head: ResponseHead, version: str) -> None:
        """Where the content will end (RFC 9112 §6.3); the parser has refused malformed and contradicting lengths."""
        fields = head.fields
        no_content = self._is_head_request or head.status in _NO_CONTENT
        coding = fields.joined("transfer-encoding")
        if coding is not None and not no_content and coding.lower() != "chunked":
            raise _malformed("a transfer coding other than chunked")
        self._chunked = coding is not None
        self._sized = "content-length" in fields
        self._persistent = (no_content or self._chunked or self._sized) and _persists(fields, version, self._chunked)
        if self._is_head_request:  # the parser does not know the method, and waits for content that will not come
            self.complete = True

    def _switch(self, rest: bytes) -> None:
        if self.complete and self.head is not None and self.head.status == _SWITCHING:
            self.switched = rest
        else:
            raise _malformed("switched protocols without having been asked")

    def _refuse(self, error: HttpParserError, data: bytes | memoryview) -> None:
        if self.head is not None and self.head.status == _SWITCHING:
            raise _malformed("101 without Upgrade") from error
        if self.complete:
            self.surplus = True
            return
        if error.__context__ is not None:
            raise error.__context__  # what one of the methods above raised
        raise _malformed(f"{error} near {bytes(data[:80])!r}") from error

    def _bound(self, size: int) -> None:
        """Hold what the parser may be collecting by itself: a long line, chunk extensions, trailers."""
        self._quiet_bytes += size
        if self._quiet_bytes > MAX_HEAD:
            raise _malformed(f"more than {MAX_HEAD} bytes that are neither a whole head nor content")

    def _check_end(self, data: bytes | memoryview) -> None:
        """After HEAD: the head's empty line must be the last that came, for the parser may sit in what follows it."""
        self._tail = (self._tail + bytes(data[-4:]))[-4:]
        if self.complete and self._tail != b"\r\n\r\n":
            self.surplus = True


def _persists(fields: Fields, version: str, chunked: bool) -> bool:
    connection = fields.joined("connection")
    if connection is None:
        return version == "1.1"
    options = {option.strip().lower() for option in connection.split(",")}
    if "close" in options:
        return False
    return version == "1.1" or ("keep-alive" in options and not chunked)


def _malformed(detail: str) -> UpstreamError:
    return UpstreamError(Failure.PROTOCOL, detail)
