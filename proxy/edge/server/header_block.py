"""Header sections of plain requests, read line by line with a memory for lines. What is not plain is left to llhttp.

Everything taken here llhttp and aiohttp read the same way: the grammar is narrower than theirs, and whatever frames,
upgrades, authorises or asks for a part is refused. So a request may be answered by what is read here, and by nothing
that is not.
"""

import re
from collections.abc import Sequence
from typing import Final

from proxy.edge.server.recent import Recent
from proxy.policy.messages import Fields, RequestHead

_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}):[ \t]*((?:[!-~](?:[ -~\t]*[!-~])?)?)[ \t]*")
MOST_LINES: Final = 64
MOST_BYTES: Final = 6 * 1024
"""Of a whole section; below what one line may be long, so that no line needs to be measured."""
_LONGEST_REMEMBERED: Final = 512
_LINES: Final = 4096
_BLOCKS: Final = 4096

_INERT: Final = 0
"""Says nothing that could change a plain hit."""
_HOST: Final = 1
_COOKIE: Final = 2
_DIRECTIVE: Final = 3
_CONDITION: Final = 4
_AGENT: Final = 5
_REFUSED: Final = 6
_KINDS: Final = 7

_MEANINGS: Final = {
    b"host": _HOST,
    b"user-agent": _AGENT,  # may stand there once only
    b"cookie": _COOKIE,
    b"cache-control": _DIRECTIVE,
    b"pragma": _DIRECTIVE,
    b"if-none-match": _CONDITION,
    b"if-modified-since": _CONDITION,
} | dict.fromkeys(
    (
        *(b"authorization", b"range", b"if-range", b"if-match", b"if-unmodified-since", b"expect", b"upgrade", b"te"),
        *(b"transfer-encoding", b"content-length", b"content-encoding", b"trailer", b"http2-settings"),
        *(b"content-location", b"content-range", b"content-type", b"etag", b"max-forwards", b"server"),
        b"sec-websocket-key1",
    ),
    _REFUSED,
)
_KEEP_ALIVE: Final = frozenset({b"connection", b"proxy-connection"})


class Block:
    """A header section that was read: what a hit must know of it."""

    __slots__ = ("_fields", "_question", "_raw", "chosen", "has_cookie", "has_directives", "is_conditional")

    def __init__(self, raw: bytes, seen: Sequence[int]) -> None:
        """``seen``: how many lines of each meaning it has."""
        self._raw = raw
        self._fields: Fields | None = None
        self._question: RequestHead | None = None
        self.has_cookie = seen[_COOKIE] > 0
        self.has_directives = seen[_DIRECTIVE] > 0
        self.is_conditional = seen[_CONDITION] > 0
        self.chosen: dict[tuple[str, ...], tuple[str | None, ...]] = {}
        """Its values of selecting fields, by their names: for who looks them up."""

    @property
    def question(self) -> RequestHead:
        """A request of which only the fields are true: what selecting and conditional fields are read from."""
        if self._question is None:
            self._question = RequestHead("GET", "/", self.fields)
        return self._question

    @property
    def fields(self) -> Fields:
        """All lines as llhttp would give them."""
        if self._fields is None:
            lines = (line.partition(b":") for line in self._raw.split(b"\r\n")[1:-2])
            self._fields = Fields((name.decode(), value.strip(b" \t").decode()) for name, _, value in lines)
        return self._fields


class HeaderBlocks:
    """Reads header sections; remembers lines, and sections made of lines that were seen before."""

    def __init__(self) -> None:
        self._blocks: Recent[bytes, Block] = Recent(_BLOCKS, 1 << 20)
        self._lines: Recent[bytes, int] = Recent(_LINES, 1 << 19)

    def read(self, raw: bytes) -> Block | None:
        """The section between a request line and the body, from the line end before it to the blank line behind it
        (both included); None: not plain."""
        return self._blocks.young.get(raw) or self._blocks.find(raw, len(raw)) or self._read(raw)

    def _read(self, raw: bytes) -> Block | None:
        lines = raw.split(b"\r\n")
        if len(raw) > MOST_BYTES or len(lines) > MOST_LINES:
            return None
        known, seen, is_news = self._lines.young, [0] * _KINDS, False
        for line in lines[1:-2]:
            meaning = known.get(line)
            if meaning is None:
                is_news = True
                meaning = self._meaning(line)
            seen[meaning] += 1
        if seen[_REFUSED] or seen[_HOST] != 1 or seen[_AGENT] > 1:
            return None
        block = Block(raw, seen)
        if not is_news:  # a section with a line of its own will not come again
            self._blocks.keep(raw, block, len(raw))
        return block

    def _meaning(self, line: bytes) -> int:
        found = self._lines.find(line, len(line))
        if found is not None:
            return found
        match = _LINE.fullmatch(line)
        if match is None:
            return _REFUSED
        name = match[1].lower()
        if name in _KEEP_ALIVE:
            meaning = _INERT if match[2].lower() == b"keep-alive" else _REFUSED
        else:
            meaning = _MEANINGS.get(name, _INERT)
        if len(line) <= _LONGEST_REMEMBERED:
            self._lines.keep(line, meaning, len(line))
        return meaning
