"""Plain hits, answered the moment their bytes arrive: no task, no request object, no wait. Decides nothing on caching.

A request is taken only where it is one whole plain head and nothing is under way on its connection; everything else,
and any doubt, goes the long way with the same bytes. What is answered was rendered by the long way's own functions;
only ``Age`` and ``ttl`` are put in anew as time goes by.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from aiohttp.streams import EMPTY_PAYLOAD

from proxy.clock import Clock
from proxy.edge.server.header_block import Block, HeaderBlocks
from proxy.edge.server.intake import Incoming
from proxy.edge.server.origin import Origin
from proxy.edge.server.outlet import SLICE, Outlet
from proxy.edge.server.recent import Recent
from proxy.edge.server.settings import Finished
from proxy.edge.server.translate import request_head
from proxy.edge.server.wire import connection_lines, frame, render_head
from proxy.errors import ClientError, ClientGoneError
from proxy.exchange.ports import SHORT, Answer, Tally
from proxy.exchange.standing import Standing, Standings, selection
from proxy.policy.disposition import Result
from proxy.policy.messages import RequestHead

_END: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = re.compile(rb"(GET|HEAD) (/[!\"$-\[\]-~]*) HTTP/1\.1")
"""No ``#`` and no backslash: such targets are refused."""
_PLACES: Final = 16_384
_ROOM: Final = 32 * 1024 * 1024
"""Bytes of targets and bodies that may be kept from being freed by being remembered here, twice at most."""
_OVERHEAD: Final = 2048
_MOST_VARIANTS: Final = 64
_NUMBERS: Final = re.compile(
    rb"(.*\r\nAge: )[0-9]+(\r\n(?:.*\r\n)?Cache-Status: tambo; hit; ttl=)-?[0-9]+((?:;[^\r\n]*)?\r\nX-Cache: .*)",
    re.DOTALL,
)
"""Greedy: of several lines of Cache-Status the last one is ours."""


class Served(Protocol):
    """The connection that a hit is answered on."""

    origin: Origin
    outlet: Outlet


@dataclass(frozen=True, slots=True)
class HitHooks:
    """What a hit needs of the rest."""

    standings: Standings
    clock: Clock
    tally: Callable[[str, str, Result, int], Tally]
    """Where hits are counted by route, method, result and status."""
    finished: Callable[[Finished], None]
    is_logged: Callable[[], bool]
    """Whether each request is logged, so that it has to be told of one by one."""


class HitPath:
    """Answers hits of all connections of a listener."""

    def __init__(self, hooks: HitHooks, longest_target: int) -> None:
        self._hooks = hooks
        self._longest = longest_target
        self._blocks = HeaderBlocks()
        self._places: Recent[bytes, _Place] = Recent(_PLACES, _ROOM)
        self._still = hooks.standings.still
        self._now = hooks.clock.now
        self._monotonic = hooks.clock.monotonic

    def answer(self, connection: Served, data: bytes) -> bool:
        """Answer ``data``, which came between two messages. False: it has to go the long way, nothing was done."""
        end = data.find(_END)
        if end + len(_END) != len(data):
            return False
        began, now = self._monotonic(), self._now()
        at = data.find(b"\r\n")
        line, block = data[:at], self._blocks.read(data[at:])
        if block is None:
            return False
        ready = self._known(line, block, connection.origin)
        if ready is None or not ready.since <= now < ready.until or not self._still(ready.standing):
            ready = self._learn(line, block, connection.origin)
            if ready is None:
                return False
        if now >= ready.turns:
            ready.turn(now)
        is_unmodified = block.is_conditional and ready.standing.is_unmodified(block.question)
        wire = ready.unmodified if is_unmodified else ready.head + ready.body
        try:
            connection.outlet.write(wire)
        except ClientGoneError:
            return False
        seconds = self._monotonic() - began
        if is_unmodified or seconds >= SHORT or self._hooks.is_logged():
            told = ready.standing.unmodified if is_unmodified else ready.standing.answer
            request = self._request(line, block, connection.origin)
            self._hooks.finished(Finished(request, told, told.head.status, seconds, len(wire), aborted=False))
        else:
            tally = ready.tally
            tally.count += 1
            tally.seconds += seconds
            tally.saved += ready.saved
        return True

    def _known(self, line: bytes, block: Block, origin: Origin) -> "_Ready | None":
        place = self._places.young.get(line) or self._places.find(line, _OVERHEAD)
        if place is None or (block.has_cookie and not place.takes_cookies) or (block.has_directives and place.obeys):
            return None
        if place.by_host and origin.trusted:
            return None  # it may speak for another host than its Host
        if not place.names:
            return place.ready.get(())
        values = block.chosen.get(place.names)
        if values is None:
            values = block.chosen[place.names] = selection(place.names, block.question)
        return place.ready.get(values)

    def _learn(self, line: bytes, block: Block, origin: Origin) -> "_Ready | None":
        """What the long way would answer, if that is a plain hit now."""
        request = self._request(line, block, origin)
        standing = None if request is None else self._hooks.standings.find(request)
        if request is None or standing is None or len(standing.stored.body) > SLICE:
            return None
        if standing.route.key.host and origin.trusted:
            return None
        answer = standing.answer
        tally = self._hooks.tally(answer.route, request.method, answer.disposition.result, answer.head.status)
        ready = _Ready.of(standing, request.method, tally)
        if ready is None:
            return None
        place = self._places.find(line, _OVERHEAD)
        if place is None or place.names != standing.names or len(place.ready) >= _MOST_VARIANTS:
            place = _Place(standing)
            self._places.keep(line, place, _OVERHEAD + len(standing.stored.body))
        place.ready[selection(standing.names, request)] = ready
        return ready

    def _request(self, line: bytes, block: Block, origin: Origin) -> RequestHead | None:
        match = _REQUEST_LINE.fullmatch(line)
        if match is None or len(match[2]) > self._longest:
            return None
        method, target = match[1].decode(), match[2].decode()
        incoming = Incoming(
            method, target, block.fields, http10=False, keep_alive=True, length=0, content=EMPTY_PAYLOAD
        )
        try:
            return request_head(incoming, origin)
        except ClientError:
            return None


class _Place:
    """What is known of a request line: which fields select, and what is ready for their values."""

    __slots__ = ("by_host", "names", "obeys", "ready", "takes_cookies")

    def __init__(self, standing: Standing) -> None:
        self.by_host = standing.route.key.host
        self.names = standing.names
        self.takes_cookies = standing.route.cookies_ignored
        self.obeys = standing.route.client_directives
        self.ready: dict[tuple[str | None, ...], _Ready] = {}


class _Ready:
    """A hit as bytes: what is left to do is to say how old it is."""

    __slots__ = (
        "_full", "_none", "body", "head", "saved", "since", "standing", "tally", "turns", "unmodified", "until",
    )  # fmt: skip

    def __init__(self, standing: Standing, full: "_Parts", none: "_Parts", body: bytes, tally: Tally) -> None:
        self.standing = standing
        self.since, self.until = standing.since, standing.until
        self.tally, self.saved = tally, standing.answer.saved_seconds
        self.body = body
        self._full, self._none = full, none
        self.head = self.unmodified = b""
        self.turns = 0.0
        """The wall second up to which ``head`` and ``unmodified`` are right."""

    @classmethod
    def of(cls, standing: Standing, method: str, tally: Tally) -> "_Ready | None":
        """None where the head is not what can be told in parts."""
        answer = standing.answer
        if not isinstance(answer.body, bytes):
            return None
        full, none = _rendered(answer, method), _rendered(standing.unmodified, method)
        if full is None or none is None or "date" not in answer.head.fields:
            return None
        return cls(standing, full, none, b"" if method == "HEAD" else answer.body, tally)

    def turn(self, now: float) -> None:
        """Say the age anew."""
        age, ttl, self.turns = self.standing.numbers(now)
        numbers = b"%d" % age, b"%d" % ttl
        self.head = self._full.joined(*numbers)
        self.unmodified = self._none.joined(*numbers)


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
