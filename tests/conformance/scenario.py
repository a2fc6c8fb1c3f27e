"""What a conformance row is made of, and short names to write rows with. Plays nothing.

In field values ``{now-10}`` is the HTTP date ten seconds before the row began, ``{rfc850:now+60}`` and
``{asctime:now}`` the obsolete forms. In ``has`` and ``sent`` a line is ``Name: value``, or ``Name: ~pattern`` for a
regular expression that is found in the joined value, or ``Name`` alone for a field that is there; ``:method`` and
``:target`` are those of a request. ``{path}`` is the row's own path.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How much the sentence of the RFC demands."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"
    CHECK = "check"
    """Nothing is demanded; what Tambo does is written down."""


class How(StrEnum):
    """How a request is answered, as seen from the origin."""

    CACHED = "cached"
    """The origin was not asked."""
    REFRESHED = "refreshed"
    """From the cache, and the origin was asked behind it."""
    FORWARDED = "forwarded"
    """The origin was asked without a condition."""
    VALIDATED = "validated"
    """The origin was asked under a condition."""
    STOOD_IN = "stood in"
    """The origin was asked and failed, and the client got what was stored."""
    ANY = "any"


class Ends(StrEnum):
    """What the origin does with its connection after a reply."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the origin says. ``body`` None: one that names row and step. ``wire``: these bytes and nothing else."""

    status: int = 200
    fields: tuple[str, ...] = ()
    body: bytes | None = None
    interim: tuple[str, ...] = ()
    wire: str | None = None
    ends: Ends = Ends.KEEP


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request, what the origin would say to it, and what the client and the origin should see.

    ``at``: what follows the row's own path. ``of``: the step whose reply a cached answer is. ``until``: tried again
    for up to two seconds, for what happens behind an answer.
    """

    how: How
    reply: Reply | None = None
    method: str = "GET"
    ask: tuple[str, ...] = ()
    content: bytes = b""
    at: str = ""
    raw: str | None = None
    of: int = 0
    status: int | tuple[int, ...] | None = None
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    body: bytes | None = None
    complete: bool | None = True
    sent: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    interim: tuple[int, ...] | None = None
    asked: int | None = None
    until: bool = False

    @property
    def is_from_store(self) -> bool:
        """Whether the client should get what an earlier step brought."""
        is_304 = self.how is How.VALIDATED and self.reply is not None and self.reply.status == 304
        return is_304 or self.how in (How.CACHED, How.REFRESHED, How.STOOD_IN)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One sentence of an RFC, as a play."""

    section: str
    level: Level
    name: str
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        """As pytest shows it."""
        return f"{self.section} {self.level} {self.name}"


class Section:
    """Collects the rows of one section: ``must("what holds", step, step)``."""

    def __init__(self, section: str, rows: list[Row]) -> None:
        self._section, self._rows = section, rows

    def _add(self, level: Level, name: str, steps: tuple[Step, ...]) -> None:
        self._rows.append(Row(section=self._section, level=level, name=name, steps=steps))

    def must(self, name: str, *steps: Step) -> None:
        """A MUST or MUST NOT."""
        self._add(Level.MUST, name, steps)

    def should(self, name: str, *steps: Step) -> None:
        """A SHOULD."""
        self._add(Level.SHOULD, name, steps)

    def may(self, name: str, *steps: Step) -> None:
        """Something optional that Tambo does."""
        self._add(Level.MAY, name, steps)

    def check(self, name: str, *steps: Step) -> None:
        """Something the RFCs leave open."""
        self._add(Level.CHECK, name, steps)


def put(*fields: str, code: int = 200, says: bytes | None = None, reply: Reply | None = None, **expected: Any) -> Step:
    """The origin is asked and replies so. ``fields``: the reply's; ``ask=``: the request's."""
    return Step(how=How.FORWARDED, reply=reply or Reply(status=code, fields=fields, body=says), **expected)


miss = put
"""The same, where something is stored that may not be used."""


def hit(**expected: Any) -> Step:
    """Answered from what an earlier step (``of``, else the first) brought."""
    return Step(how=How.CACHED, **expected)


def check304(*fields: str, **expected: Any) -> Step:
    """The origin is asked under a condition and says that nothing changed; the client gets what was stored."""
    return Step(how=How.VALIDATED, reply=Reply(status=304, fields=fields), **expected)


def changed(*fields: str, code: int = 200, says: bytes | None = None, **expected: Any) -> Step:
    """The origin is asked under a condition and sends another response."""
    return Step(how=How.VALIDATED, reply=Reply(status=code, fields=fields, body=says), **expected)


def behind(*fields: str, code: int = 200, **expected: Any) -> Step:
    """Answered from the cache while the origin is asked again behind it."""
    return Step(how=How.REFRESHED, reply=Reply(status=code, fields=fields), **expected)


def stands_in(*fields: str, code: int = 503, reply: Reply | None = None, **expected: Any) -> Step:
    """The origin is asked and fails so; the client gets what was stored."""
    return Step(how=How.STOOD_IN, reply=reply or Reply(status=code, fields=fields), **expected)


def fails(reply: Reply, **expected: Any) -> Step:
    """The origin fails so, and the client is told with a well-formed gateway error."""
    return Step(how=How.ANY, reply=reply, **{"status": (502, 504)} | expected)


def either(
    *fields: str, code: int = 200, says: bytes | None = None, reply: Reply | None = None, **expected: Any
) -> Step:
    """However it is answered."""
    return Step(how=How.ANY, reply=reply or Reply(status=code, fields=fields, body=says), **expected)


def eventually(step: Step) -> Step:
    """The same, tried until it holds."""
    return replace(step, until=True)


def wire(text: str, *, ends: Ends = Ends.CLOSE) -> Reply:
    """Exactly these bytes (dates filled in), lines ended by what is written."""
    return Reply(wire=text, ends=ends)
