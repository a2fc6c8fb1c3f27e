"""Plain hits, answered the moment their bytes arrive: no task, no request object, no wait. Decides nothing on caching.

A request is taken only where it is one whole plain head and nothing is under way on its connection; everything else,
and any doubt, goes the long way with the same bytes. What is answered was rendered by the long way's own functions;
only ``Age`` and ``ttl`` are put in anew as time goes by.
"""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp.streams import EMPTY_PAYLOAD

from proxy.edge.server.header_block import (
    IS_CONDITIONAL,
    IS_SECTION,
    UNREAD,
    Block,
    HeaderBlocks,
    Mould,
    Said,
)
from proxy.edge.server.hit_hooks import HitHooks, Served
from proxy.edge.server.intake import Incoming
from proxy.edge.server.origin import Origin
from proxy.edge.server.outlet import SLICE
from proxy.edge.server.passing_hit import Asking, PassingHits
from proxy.edge.server.ready_hit import Form, Place, Ready
from proxy.edge.server.recent import Recent
from proxy.edge.server.settings import Finished
from proxy.edge.server.translate import request_head
from proxy.errors import ClientError
from proxy.exchange.ask import Ask
from proxy.exchange.residence import MOST_USES
from proxy.exchange.standing import Standing, selection
from proxy.exchange.tallies import SHORT
from proxy.policy.messages import RequestHead, StoredResponse

_REQUEST_LINE: Final = re.compile(rb"(GET|HEAD) (/[!\"$-\[\]-~]*) HTTP/1\.1")
"""No ``#`` and no backslash: such targets are refused."""
_PLACES: Final = 16_384
_ROOM: Final = 32 * 1024 * 1024
"""Bytes of targets, bodies and ready answers that may be remembered here, twice at most."""
_OVERHEAD: Final = 2048
_MOST_VARIANTS: Final = 64


class HitPath:
    """Answers hits of all connections of a listener."""

    def __init__(self, hooks: HitHooks, longest_target: int) -> None:
        self._hooks = hooks
        self._longest = longest_target
        self._passing = PassingHits(hooks, self._keep, self._request)
        self._blocks = HeaderBlocks()
        self._places: Recent[bytes, Place] = Recent(_PLACES, _ROOM)
        self._residence = hooks.standings.residence
        self._now = hooks.clock.now
        self._monotonic = hooks.clock.monotonic
        self._is_closed = False

    def close(self) -> None:
        """Answer nothing from now on."""
        self._is_closed = True
        self.forget()

    def forget(self) -> None:
        """Find out anew what is a hit: the rules are others."""
        self._places.clear()
        self._passing.rules = object()

    def answer(self, connection: Served, data: bytes) -> bool:
        """Answer ``data``, which came between two messages. False: it has to go the long way, nothing was done."""
        began = self._monotonic()
        at = data.find(b"\r\n")
        line, section = data[:at], data[at:]
        place = self._places.young.get(line)
        said = connection.said
        # Most clients say the same each time, and to compare costs less than to look up.
        if section != said.raw and not (type(said) is Mould and said.fits(section)):
            read = self._blocks.known.young.get(section) or self._blocks.read(section)
            if read is None:
                return False
            said = read
            connection.said = said if said.stays else UNREAD
        if place is None:
            return self._answer_other(connection, data, line, said.whole(section), began)
        minded = said.traits & place.minds
        ready = self._selected(place, said, minded, connection.origin) if minded else place.only
        if ready is None:
            return self._answer_other(connection, data, line, said.whole(section), began)
        seal = ready.seal
        if (
            began >= ready.turns
            or began >= seal.until
            or seal.variants is not ready.variants
            or ready.epoch != self._residence.epoch
        ):
            return self._answer_other(connection, data, line, said.whole(section), began)
        # From here on as little as can be: whatever is done here, every hit does.
        connection.write(ready.wire)
        connection.heard_at = began
        if seal.uses < MOST_USES:
            seal.uses += 1
        self._residence.hits += 1
        seconds = self._monotonic() - began
        tally = ready.tally
        if seconds <= SHORT:
            tally.count += 1
            tally.spent.total += seconds
        else:
            tally.add(seconds)
        return True

    def _answer_other(self, connection: Served, data: bytes, line: bytes, block: Block, began: float) -> bool:
        """The same for what was not seen lately, has to be looked at again, or takes more than a look."""
        if self._is_closed:
            return False
        ready = self._known(line, block, connection.origin)
        if ready is not None and ready.hollow is not None:
            asking = Asking(data, line, block, began)
            if self._passing.refill(connection, asking, ready, ready.hollow):
                return True
        if ready is None or not self._is_good(ready, began):
            return self._answer_anew(connection, data, line, block, began)
        self._write(connection, line, block, ready, began)
        return True

    def _answer_anew(self, connection: Served, data: bytes, line: bytes, block: Block, began: float) -> bool:
        """The same for what has to be found out, in memory or beyond it."""
        ask = self._question(line, block, connection.origin)
        if ask is None:
            return False
        variants = self._hooks.standings.resident(ask.key)
        if variants is None:
            return self._passing.answer(connection, Asking(data, line, block, began), ask)
        ready = self._learn(line, ask, variants)
        if ready is None or not self._renew(ready, began):
            return False
        self._write(connection, line, block, ready, began)
        return True

    def _write(self, connection: Served, line: bytes, block: Block, ready: Ready, began: float) -> None:
        """Answer with what is ready, and count it."""
        form = ready.whole
        if block.traits & IS_CONDITIONAL and ready.is_unmodified(block):
            form = ready.none
        connection.write(form.head + form.body)
        connection.heard_at = began
        self._residence.hits += 1
        seconds = self._monotonic() - began
        if ready.may_log and self._hooks.logs_hit():
            self._tell(line, block, connection.origin, form, seconds)
        else:
            form.tally.add(seconds)

    def _tell(self, line: bytes, block: Block, origin: Origin, form: Form, seconds: float) -> None:
        """Count and log one hit by itself."""
        request, answer = self._request(line, block, origin), form.answer
        sent = len(form.head) + len(form.body)
        self._hooks.finished(Finished(request, answer, answer.head.status, seconds, sent, aborted=False))

    # Whether it still stands ------------------------------------------------------------------------------------------

    def _is_good(self, ready: Ready, began: float) -> bool:
        """Whether what is ready may be answered, looked at anew where that is due."""
        seal = ready.seal
        return (
            began < ready.looks
            and began < seal.until
            and seal.variants is ready.variants
            and ready.epoch == self._residence.epoch
        ) or self._renew(ready, began)

    def _renew(self, ready: Ready, began: float) -> bool:
        """Ask whether it stands, and say the age anew: once a second at least, and whenever its seal is broken."""
        standing, now = ready.standing, self._now()
        seal = self._hooks.standings.seal(standing) if standing.since <= now < standing.until else None
        if seal is None:
            return False
        ready.seal, ready.epoch = seal, self._residence.epoch
        ready.turn(now, began, may_log=self._hooks.may_log())
        return True

    # What is known --------------------------------------------------------------------------------------------------

    def _known(self, line: bytes, block: Block, origin: Origin) -> Ready | None:
        place = self._places.find(line, _OVERHEAD)
        if place is None or block.traits & place.refuses:
            return None
        if place.by_host and origin.trusted:
            return None  # it may speak for another host than its Host
        if not place.names:
            return place.ready.get(())
        values = block.chosen.get(place.names)
        if values is None:
            values = block.chosen[place.names] = selection(place.names, block.question)
        return place.ready.get(values)

    @staticmethod
    def _selected(place: Place, said: Said, minded: int, origin: Origin) -> Ready | None:
        """The same in few steps, where selecting fields are all that is minded, and were looked up before."""
        if minded != IS_SECTION or type(said) is not Block or said.details is None:
            return None
        values = said.details.chosen.get(place.names)
        if place.by_host and origin.trusted:
            return None
        return None if values is None else place.ready.get(values)

    def _learn(self, line: bytes, ask: Ask, variants: Sequence[StoredResponse]) -> Ready | None:
        """What the long way would answer, if that is a plain hit on what memory holds."""
        standing = self._hooks.standings.stand(ask, variants)
        if standing is None or len(standing.stored.body) > SLICE:
            return None
        return self._keep(line, ask, standing, 2 * len(standing.stored.body))

    def _keep(self, line: bytes, ask: Ask, standing: Standing, weight: int) -> Ready | None:
        """Have a hit ready that weighs so many bytes; None where it cannot be."""
        ready = Ready.of(standing, ask.request.method, self._hooks.tally)
        if ready is None:
            return None
        place = self._places.find(line, _OVERHEAD)
        if place is None or place.names != standing.names or len(place.ready) >= _MOST_VARIANTS:
            place = Place(standing)
        self._places.keep(line, place, _OVERHEAD + weight)  # each of its variants weighs, too
        place.keep(selection(standing.names, ask.request), ready)
        return ready

    def _question(self, line: bytes, block: Block, origin: Origin) -> Ask | None:
        """What it asks for; None where its answer is more than a plain hit, or might be."""
        request = self._request(line, block, origin)
        ask = None if request is None else self._hooks.standings.question(request)
        return None if ask is not None and ask.route.key.host and origin.trusted else ask

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
