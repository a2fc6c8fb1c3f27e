"""Header sections of plain requests, read line by line with a memory for lines. What is not plain is left to llhttp.

Everything taken here llhttp and aiohttp read the same way: the grammar is narrower than theirs, and whatever frames,
upgrades, authorises or asks for a part is refused. So a request may be answered by what is read here, and by nothing
that is not.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Final, TypeAlias

from msgspec import Struct

from proxy.edge.server.recent import Recent
from proxy.edge.server.target import is_authority
from proxy.policy.messages import Fields, RequestHead

_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}):[ \t]*((?:[!-~](?:[ -~\t]*[!-~])?)?)[ \t]*")
MOST_LINES: Final = 64
MOST_BYTES: Final = 6 * 1024
"""Of a whole section; below what one line may be long, so that no line needs to be measured."""
_LONGEST_REMEMBERED: Final = 512
_LONGEST_SAID: Final = 2048
"""Bytes of a section that each connection may remember: with what is made of it, ten times as much at most."""
_LINES: Final = 4096
_BLOCKS: Final = 4096
_NAMES: Final = 256
_MANY_NEWS: Final = 128
"""New values after which a field is one that changes all the time: more than the browsers of a small site differ by."""
_MOST_CHANGING: Final = 4
_END: Final = b"\r\n\r\n"
_TEXT: Final = bytes(range(0x20, 0x7F)) + b"\t"
"""What a value may be made of, once blanks around it are of no matter."""

HAS_COOKIE: Final = 1
HAS_DIRECTIVES: Final = 2
IS_CONDITIONAL: Final = 4
IS_SECTION: Final = 8
"""A trait of every section: who cannot do with traits alone asks for this one."""

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
_TRAITS: Final = {_COOKIE: HAS_COOKIE, _DIRECTIVE: HAS_DIRECTIVES, _CONDITION: IS_CONDITIONAL}
_MAY_CHANGE: Final = frozenset({_INERT, _COOKIE})
_KEEP_ALIVE: Final = frozenset({b"connection", b"proxy-connection"})


_NOTHING: Final = b"nothing"
"""What no section is equal to: they begin with a line end."""


class Block(Struct, eq=False):
    """A header section that was read: what a hit must know of it."""

    raw: bytes
    traits: int
    """Those of above that it has."""
    stays: bool = False
    """Whether its client's connection may remember it: it is short, and others say the same, or it came before."""
    details: "_Details | None" = None
    """There when somebody has asked for them."""

    def whole(self, _raw: bytes) -> "Block":
        """What is known of the section ``_raw``, which is equal to this one."""
        return self

    @property
    def chosen(self) -> dict[tuple[str, ...], tuple[str | None, ...]]:
        """Its values of selecting fields, by their names: for who looks them up."""
        return self._known.chosen

    @property
    def verdicts(self) -> dict[tuple[object, ...], bool]:
        """What its conditions come to, by what they are compared with: for who judges them."""
        return self._known.verdicts

    @property
    def question(self) -> RequestHead:
        """A request of which only the fields are true: what selecting and conditional fields are read from."""
        return self._known.question

    @property
    def fields(self) -> Fields:
        """All lines as llhttp would give them."""
        return self._known.question.fields

    @property
    def _known(self) -> "_Details":
        if self.details is None:
            self.details = _Details(self.raw)
        return self.details


class Mould(Struct, eq=False):
    """A header section in which values keep being new: what a hit must know of all that differ in nothing else."""

    raw: ClassVar[bytes] = _NOTHING
    traits: int
    before: bytes
    """What stands before the first such value ..."""
    pieces: Sequence[bytes]
    """... and what behind each of them."""
    stays: bool
    """Whether its client's connection may remember it: it is short."""

    def fits(self, raw: bytes) -> bool:
        """Whether ``raw`` is such a section."""
        if not raw.startswith(self.before) or len(raw) > MOST_BYTES:
            return False
        at = len(self.before)
        for piece in self.pieces:
            end = raw.find(piece, at)
            if end < 0 or raw[at:end].translate(None, _TEXT):
                return False
            at = end + len(piece)
        return at == len(raw)

    def whole(self, raw: bytes) -> Block:
        """What is known of the section ``raw``, which fits."""
        return Block(raw, self.traits)


Said: TypeAlias = Block | Mould
"""What was read of a section."""
UNREAD: Final[Said] = Block(_NOTHING, 0)
"""Where none was."""


class _Details:
    """What few hits ask of a section."""

    __slots__ = ("chosen", "question", "verdicts")

    def __init__(self, raw: bytes) -> None:
        lines = (line.partition(b":") for line in raw.split(b"\r\n")[1:-2])
        fields = Fields((name.decode(), value.strip(b" \t").decode()) for name, _, value in lines)
        self.question = RequestHead("GET", "/", fields)
        self.chosen: dict[tuple[str, ...], tuple[str | None, ...]] = {}
        self.verdicts: dict[tuple[object, ...], bool] = {}


class HeaderBlocks:
    """Reads header sections; remembers lines, and sections made of lines that were seen before.

    Fields whose values keep being new (cookies, request ids) are learnt by name: such a line is taken out, and the
    rest of the section is one that was seen before. A section means the same in whatever order its lines stand.
    """

    def __init__(self) -> None:
        self.known: Recent[bytes, Block] = Recent(_BLOCKS, 1 << 20)
        """Sections as they were read: for who looks up often."""
        self._lines: Recent[bytes, int] = Recent(_LINES, 1 << 19)
        self._news: Recent[bytes, int] = Recent(_NAMES, 1 << 16)
        self._changing: dict[bytes, int] = {}
        """What a line with an ever new value begins with, line end included, and its trait."""

    def read(self, raw: bytes) -> Said | None:
        """The section between a request line and the body, from the line end before it to the blank line behind it
        (both included); None: not plain, or not just that."""
        if raw[-4:] != _END:
            return None
        return (self._changing and self._read_rest(raw)) or self.known.find(raw, len(raw)) or self._read(raw)

    def _read_rest(self, raw: bytes) -> Mould | None:
        """The section as the mould that its changing lines leave, and their traits."""
        cuts: list[tuple[int, int, int]] = []
        traits = 0
        for beginning, trait in self._changing.items():
            start = raw.find(beginning)
            if start < 0:
                continue
            value, end = start + len(beginning), raw.find(b"\r\n", start + 2)
            if raw[value:end].translate(None, _TEXT):
                return None
            cuts.append((start, value, end))
            traits |= trait
        if not cuts or len(raw) > MOST_BYTES:
            return None
        cuts.sort()
        ends = [0, *(end for _, _, end in cuts)]
        starts, values = [start for start, _, _ in cuts], [value for _, value, _ in cuts]
        rest = b"".join([raw[end:start] for end, start in zip(ends, [*starts, len(raw)], strict=True)])
        block = self.known.young.get(rest) or self.known.find(rest, len(rest)) or self._read(rest)
        if block is None:
            return None
        before, *pieces = [raw[end:value] for end, value in zip(ends, [*values, len(raw)], strict=True)]
        return Mould(block.traits | traits, before, pieces, len(raw) <= _LONGEST_SAID)

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
        traits = [trait for meaning, trait in _TRAITS.items() if seen[meaning]]
        block = Block(raw, IS_SECTION | sum(traits))
        if not is_news:  # a section with a line of its own will not come again
            block.stays = len(raw) <= _LONGEST_SAID
            self.known.keep(raw, block, len(raw))
        return block

    def _learn_name(self, line: bytes, meaning: int) -> None:
        """Note that this line was new; of which many were, the next ones are not remembered."""
        beginning = b"\r\n" + line[: line.find(b":") + 1]
        count = (self._news.find(beginning) or 0) + 1
        self._news.keep(beginning, count)
        if count >= _MANY_NEWS and beginning not in self._changing:
            self._changing[beginning] = _TRAITS.get(meaning, 0)
            if len(self._changing) > _MOST_CHANGING:
                forgotten = next(iter(self._changing))
                del self._changing[forgotten]
                self._news.keep(forgotten, 0)

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
        elif name == b"host" and not is_authority(match[2].decode()):
            meaning = _REFUSED
        else:
            meaning = _MEANINGS.get(name, _INERT)
        if len(line) <= _LONGEST_REMEMBERED:
            self._lines.keep(line, meaning, len(line))
        if meaning in _MAY_CHANGE and name not in _KEEP_ALIVE:
            self._learn_name(line, meaning)
        return meaning
