"""Hits as bytes, ready to be written: what is known of a request line, and its answers save their age. Asks nobody."""

import re
from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

from proxy.edge.server.header_block import HAS_COOKIE, HAS_DIRECTIVES, IS_CONDITIONAL, IS_SECTION, Block
from proxy.edge.server.wire import connection_lines, frame, render_head
from proxy.exchange.ports import Answer
from proxy.exchange.residence import Known, Seal
from proxy.exchange.standing import Standing
from proxy.exchange.tallies import HitKind, Tallies, Tally
from proxy.policy.messages import StoredResponse

_MOST_JOINED: Final = 32 * 1024
"""Bytes of a body of which a copy with its head before it is kept ready."""
_MOST_VERDICTS: Final = 16
_SERVER_ERROR: Final = 500
_NUMBERS: Final = re.compile(
    rb"(.*\r\nAge: )[0-9]+(\r\n(?:.*\r\n)?Cache-Status: tambo; hit; ttl=)-?[0-9]+((?:;[^\r\n]*)?\r\nX-Cache: .*)",
    re.DOTALL,
)
"""Greedy: of several lines of Cache-Status the last one is ours."""


class Place:
    """What is known of a request line: which fields select, and what is ready for their values."""

    __slots__ = ("by_host", "minds", "names", "only", "ready", "refuses")

    def __init__(self, standing: Standing) -> None:
        self.by_host = standing.route.key.host
        self.names = standing.names
        self.refuses = HAS_COOKIE * (not standing.route.cookies_ignored)
        self.refuses |= HAS_DIRECTIVES * standing.route.client_directives
        """Traits of sections that are answered something else."""
        self.minds = self.refuses | IS_CONDITIONAL
        """Traits of sections that ``only`` is not simply the answer to; with Host in the key it is in ``names``."""
        if self.names:
            self.minds |= IS_SECTION
        self.ready: dict[tuple[str | None, ...], Ready] = {}
        self.only: Ready

    def keep(self, values: tuple[str | None, ...], ready: "Ready") -> None:
        """Have this ready for requests with these values of selecting fields."""
        self.ready[values] = self.only = ready


class Form:
    """One of the two shapes that a hit is answered in: as it is, or as a 304."""

    __slots__ = ("__weakref__", "_parts", "answer", "body", "head", "tally")

    def __init__(self, answer: Answer, parts: "_Parts", body: bytes, method: str, tallies: Tallies) -> None:
        self.answer = answer
        self.body = body
        kind = HitKind(
            answer.route, method, answer.disposition.result, answer.head.status, answer.key, answer.saved_seconds
        )
        self.tally: Tally = tallies(self, kind)
        self._parts = parts
        self.head = b""

    def turn(self, age: bytes, ttl: bytes) -> None:
        """Say these numbers from now on."""
        self.head = self._parts.joined(age, ttl)


class _Broken:
    """The seal of what was never looked at again since it was found."""

    def __init__(self) -> None:
        self.until, self.uses = -inf, 0
        self.variants: Sequence[StoredResponse] = ()


_NONE: Final[Seal] = _Broken()


class Hollow(NamedTuple):
    """A hit that is ready but for its body."""

    known: Known
    chosen: int
    """Which of what is known it is."""


class Ready:
    """A hit as bytes: what is left to do is to say how old it is, once a second."""

    __slots__ = (
        "_validators", "epoch", "hollow", "looks", "may_log", "none", "seal", "standing", "tally", "turns", "variants",
        "whole", "wire",
    )  # fmt: skip

    def __init__(self, standing: Standing, whole: Form, none: Form) -> None:
        self.standing = standing
        self._validators = standing.validators
        self.variants = standing.variants
        self.whole, self.none = whole, none
        self.tally = whole.tally
        self.may_log = False
        self.hollow: Hollow | None = None
        """What is known of a hit that memory does not hold: its body comes with each look-up."""
        self.seal: Seal = _NONE
        self.epoch = 0
        self.wire = b""
        self.looks = -inf
        """The monotonic second up to which the heads are right."""
        self.turns = -inf
        """The same for ``wire``; never, where a hit takes more than writing that."""

    @classmethod
    def of(cls, standing: Standing, method: str, tallies: Tallies) -> "Ready | None":
        """None where the head is not what can be told in parts, and where each answer has to be told of by itself."""
        answer, unmodified = standing.answer, standing.unmodified
        if not isinstance(answer.body, bytes) or answer.head.status >= _SERVER_ERROR:
            return None
        try:
            full, none = _rendered(answer, method), _rendered(unmodified, method)
        except ValueError:  # the long way says what is wrong with it
            return None
        if full is None or none is None or "date" not in answer.head.fields:
            return None
        body = b"" if method == "HEAD" else answer.body
        whole = Form(answer, full, body, method, tallies)
        return cls(standing, whole, Form(unmodified, none, b"", method, tallies))

    def is_unmodified(self, block: Block) -> bool:
        """Whether this section's conditions make a 304 of the answer; the section remembers it."""
        known = block.verdicts.get(self._validators)
        if known is None:
            if len(block.verdicts) >= _MOST_VERDICTS:
                block.verdicts.clear()
            known = block.verdicts[self._validators] = self.standing.is_unmodified(block.question)
        return known

    def turn(self, now: float, monotonic: float, *, may_log: bool) -> None:
        """Say the age anew. ``may_log``: some hits are to be told of by themselves."""
        age, ttl, until = self.standing.numbers(now)
        numbers = b"%d" % age, b"%d" % ttl
        self.whole.turn(*numbers)
        self.none.turn(*numbers)
        self.looks = monotonic + min(until, self.standing.until) - now
        self.may_log = may_log
        if may_log or len(self.whole.body) > _MOST_JOINED:
            self.wire, self.turns = b"", -inf
        else:
            self.wire, self.turns = self.whole.head + self.whole.body, self.looks


class _Parts(NamedTuple):
    """A head in three pieces, with Age and ttl between."""

    before: bytes
    between: bytes
    behind: bytes

    def joined(self, age: bytes, ttl: bytes) -> bytes:
        return b"".join((self.before, age, self.between, ttl, self.behind))


def _rendered(answer: Answer, method: str) -> _Parts | None:
    """The head as the long way writes it, for a client that keeps its connection."""
    framed = frame(method, answer.head, answer.length, answer.length, http10=False)
    return _parted(render_head(answer.head, connection_lines(framed, http10=False, close=False), ""))


def _parted(head: bytes) -> _Parts | None:
    """Take a rendered head apart; None where it does not say exactly one Age, and its own Cache-Status behind it."""
    parts = _NUMBERS.fullmatch(head)
    return None if parts is None or head.count(b"\r\nAge: ") != 1 else _Parts(*parts.groups())
