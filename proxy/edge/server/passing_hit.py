"""Hits that memory does not hold: each looked up for one request, and answered without a task. Keeps no body.

What was found is kept ready without its bodies. Where a later look-up finds the very same heads, neither they nor the
answer's are read, decided or written anew: the body is all that is new.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from proxy.edge.server.header_block import IS_CONDITIONAL, Block
from proxy.edge.server.hit_hooks import HitHooks, Served
from proxy.edge.server.origin import Origin
from proxy.edge.server.outlet import SLICE
from proxy.edge.server.ready_hit import Form, Hollow, Ready
from proxy.edge.server.settings import Finished
from proxy.edge.server.wire import Framing, connection_lines, frame, render_head
from proxy.exchange.ask import Ask
from proxy.exchange.ports import Answer
from proxy.exchange.residence import Known, Sought
from proxy.exchange.standing import Standing
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import RequestHead

_OVERHEAD: Final = 512
"""Bytes that a stored response takes without its body, beside its head."""


class Asking(NamedTuple):
    """One request, as it came."""

    data: bytes
    line: bytes
    block: Block
    began: float
    """Monotonic seconds."""


Keep = Callable[[bytes, Ask, Standing, int], Ready | None]
"""Has a hit ready for a request line, that weighs so many bytes."""

RequestOf = Callable[[bytes, Block, Origin], RequestHead | None]
"""The request that a line and a section make."""


class PassingHits:
    """Looks beyond memory. Whatever it does not answer goes the long way, which looks again."""

    def __init__(self, hooks: HitHooks, keep: Keep, request_of: RequestOf) -> None:
        self._hooks = hooks
        self._keep = keep
        self._request_of = request_of
        self.rules = object()
        """Another one when what is a hit is decided by other rules."""

    def answer(self, connection: Served, asking: Asking, ask: Ask) -> bool:
        """Answer now, or look for it and answer then. False: neither, and nothing was done."""
        sought = self._hooks.standings.at_hand(ask.key, None)
        if sought is not None:
            answer, written = self._found(asking, ask, sought)
            if answer is None or written is None:
                return False
            connection.write(written)
            self._tell(connection, ask.request, answer, written, asking.began)
            return True

        def complete(sought: Sought) -> None:
            answer, written = self._found(asking, ask, sought)
            if connection.settle(written) and answer is not None and written is not None:
                self._tell(connection, ask.request, answer, written, asking.began)

        return self._seek(_Sought(self, connection, asking, complete), ask.key, None)

    def refill(self, connection: Served, asking: Asking, ready: Ready, hollow: Hollow) -> bool:
        """The same for what was found before."""
        key, known = ready.standing.key, hollow.known
        sought = self._hooks.standings.at_hand(key, known)
        if sought is not None:
            form, written = self._refilled(asking, ready, hollow, sought)
            if written is None:
                return False
            connection.write(written)
            self._count(connection, asking, ready, form, written)
            return True

        def complete(sought: Sought) -> None:
            form, written = self._refilled(asking, ready, hollow, sought)
            if connection.settle(written) and written is not None:
                self._count(connection, asking, ready, form, written)

        is_sought = self._seek(_Sought(self, connection, asking, complete, ready), key, known)
        if not is_sought:
            ready.hollow = None  # it may be another by now, or gone: it is found anew
        return is_sought

    def _seek(self, pending: "_Sought", key: CacheKey, known: Known | None) -> bool:
        if not self._hooks.standings.seek(key, known, pending.found):
            return False
        pending.connection.heard_at = pending.asking.began
        pending.connection.hold(pending)
        return True

    def _found(self, asking: Asking, ask: Ask, sought: Sought) -> tuple[Answer | None, bytes | None]:
        ready = self._learn(asking.line, ask, sought) if sought.heads else None
        if ready is not None and ready.hollow is not None:
            whole = replace(sought, bodies=[variant.body for variant in sought.variants])
            form, written = self._refilled(asking, ready, ready.hollow, whole)
            return form.answer, written
        answer = self._hooks.standings.hit(ask, sought.variants)
        return answer, None if answer is None else rendered(ask.request.method, answer)

    def _learn(self, line: bytes, ask: Ask, sought: Sought) -> Ready | None:
        """Have it ready without its body, so that it is known again."""
        standing = self._hooks.standings.stand(ask, sought.variants)
        if standing is None or len(standing.stored.body) > SLICE:
            return None
        empty = standing.emptied()
        ready = self._keep(line, ask, empty, sum(_OVERHEAD + len(head) for head in sought.heads))
        if ready is not None:
            ready.hollow = Hollow(Known(empty.variants, sought.heads), empty.chosen)
        return ready

    def _refilled(self, asking: Asking, ready: Ready, hollow: Hollow, sought: Sought) -> tuple[Form, bytes | None]:
        now, monotonic = self._hooks.clock.now(), self._hooks.clock.monotonic()
        if sought.bodies is None or not self._hooks.standings.stands(ready.standing, now):
            ready.hollow = None
            return ready.whole, None
        if monotonic >= ready.looks:
            ready.turn(now, monotonic, may_log=True)  # there is nothing to write that is whole
            ready.may_log = self._hooks.may_log()
        if asking.block.traits & IS_CONDITIONAL and ready.is_unmodified(asking.block):
            return ready.none, ready.none.head
        body = b"" if asking.line.startswith(b"HEAD ") else sought.bodies[hollow.chosen]
        return ready.whole, ready.whole.head + body

    def _count(self, connection: Served, asking: Asking, ready: Ready, form: Form, written: bytes) -> None:
        """Count what was known before; it is told of by itself where it is logged."""
        if ready.may_log and self._hooks.logs_hit():
            request = self._request_of(asking.line, asking.block, connection.origin)
            self._tell(connection, request, form.answer, written, asking.began)
            return
        connection.heard_at = asking.began
        form.tally.add(self._hooks.clock.monotonic() - asking.began)

    def _tell(
        self, connection: Served, request: RequestHead | None, answer: Answer, written: bytes, began: float
    ) -> None:
        """Count and log what was answered."""
        now = self._hooks.clock.monotonic()
        connection.heard_at = now
        event = Finished(request, answer, answer.head.status, now - began, len(written), aborted=False)
        self._hooks.finished(event)

    def failed(self, bug: Exception) -> None:
        """Nobody above could answer the client."""
        self._hooks.bug("answering from beyond memory", bug)


class _Sought:
    """One request that is being looked up."""

    __slots__ = ("_complete", "_hits", "_ready", "_rules", "asking", "connection", "data")

    def __init__(
        self,
        hits: PassingHits,
        connection: Served,
        asking: Asking,
        complete: Callable[[Sought], None],
        ready: Ready | None = None,
    ) -> None:
        """``ready``: what it was found to be before."""
        self._hits, self.connection, self.asking, self._complete = hits, connection, asking, complete
        self.data = asking.data
        self._rules, self._ready = hits.rules, ready

    def found(self, sought: Sought | None) -> None:
        """Answer with this, unless it was taken back."""
        connection, hits = self.connection, self._hits
        if self._ready is not None and (sought is None or sought.bodies is None):
            self._ready.hollow = None  # it is another by now, or gone: it is found anew
        if connection.pending is not self:
            return
        if sought is not None and sought.variants and hits.rules is self._rules:
            try:
                self._complete(sought)
            except Exception as bug:  # noqa: BLE001 - nobody above could answer the client
                hits.failed(bug)
        if connection.pending is self:
            connection.settle(None)


def rendered(method: str, answer: Answer) -> bytes | None:
    """An answer as the long way writes it, for a client that keeps its connection; None where that is more than one
    write, or none that can be."""
    body = answer.body
    if not isinstance(body, bytes) or len(body) > SLICE or "date" not in answer.head.fields:
        return None
    framed = frame(method, answer.head, len(body), answer.length, http10=False)
    try:
        head = render_head(answer.head, connection_lines(framed, http10=False, close=False), "")
    except ValueError:  # the long way says what is wrong with it
        return None
    return head if framed.framing is Framing.NONE else head + body
