"""Debug headers: what each answer is kept under, and where its time went. Adds lines to heads, and decides nothing.

``Server-Timing`` (W3C) has milliseconds until the head was ready: ``total``, and of that ``queue``, waiting for a place
at the upstream, and ``upstream``, waiting for its heads. Who waits for another's fetch has neither of these two.
"""

import re
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from proxy.clock import Clock
from proxy.edge.server.settings import Handler
from proxy.exchange.ports import (
    Answer,
    OnInterim,
    RequestBody,
    Upstream,
    UpstreamAnswer,
    UpstreamRequest,
)
from proxy.policy.messages import FieldLine, Fields, RequestHead
from proxy.policy.route import RoutePolicy, match_route
from proxy.policy.tags import response_tags

LONGEST: Final = 4096
"""Characters of a line; what is longer ends with ``...``."""
_NAMES: Final = frozenset({"x-cache-key", "x-cache-route", "x-cache-tags"})
_UNSAFE: Final = re.compile(r"[^\x21-\x7e]")
_UNSAFE_IN_LIST: Final = re.compile(r"[^\x21-\x2b\x2d-\x7e]")


class _Noted(Struct):
    """What is found out on the way of one request; its fetch, a task of its own, notes it too."""

    queue: float | None = None
    upstream: float | None = None
    """Seconds."""
    fields: Fields = Fields(())
    """Of the upstream's last answer, tags included."""


_NOTED: Final[ContextVar[_Noted | None]] = ContextVar("noted", default=None)


def note_wait(seconds: float) -> None:
    """Whoever runs now has waited so long for a place at the upstream."""
    if (noted := _NOTED.get()) is not None:
        noted.queue = (noted.queue or 0.0) + seconds


class Debugging(Struct, frozen=True):
    """Puts the lines on answers of the cache; what is measured is in seconds here, in milliseconds on the line."""

    routes: Sequence[RoutePolicy]
    clock: Clock

    def answering(self, answer: Handler) -> Handler:
        """The handler to use in place of this one."""

        async def answered(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
            noted, started = _Noted(), self.clock.monotonic()
            token = _NOTED.set(noted)
            try:
                made = await answer(request, body, on_interim)
            finally:
                _NOTED.reset(token)
            total = self.clock.monotonic() - started
            lines = (*_about(made, self._tags(request, made, noted)), ("Server-Timing", _timing(total, noted)))
            return replace(made, head=replace(made.head, fields=made.head.fields.without(_NAMES).adding(*lines)))

        return answered

    def upstream(self, upstream: Upstream) -> Upstream:
        """The upstream to use in place of this one."""
        return _Timed(upstream, self.clock)

    def _tags(self, request: RequestHead, made: Answer, noted: _Noted) -> Sequence[str]:
        """Of what is stored; what streams through is being stored at this moment."""
        if made.tags or not made.disposition.stored:
            return made.tags
        match = match_route(self.routes, request.method, request.path)
        return response_tags(noted.fields, match.route, match.captures)


class _Timed(Struct, frozen=True):
    """An upstream, and how long it takes."""

    inner: Upstream
    clock: Clock

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        """See Upstream."""
        noted, started = _NOTED.get(), self.clock.monotonic()
        try:
            answer = await self.inner.send(request, on_interim)
        finally:
            if noted is not None:
                noted.upstream = (noted.upstream or 0.0) + self.clock.monotonic() - started
        if noted is not None:
            noted.fields = answer.head.fields
        return answer


def _about(made: Answer, tags: Iterable[str]) -> Iterable[FieldLine]:
    if made.key:
        yield "X-Cache-Key", _cut(_UNSAFE.sub(_escaped, made.key))
    yield "X-Cache-Route", made.route
    if tags:
        yield "X-Cache-Tags", _cut(", ".join(_UNSAFE_IN_LIST.sub(_escaped, tag) for tag in tags))


def _escaped(found: re.Match[str]) -> str:
    """What came in a field is bytes, read as ISO-8859-1; what the configuration says may be any text."""
    return quote(found[0].encode("utf-8" if found[0] > "\xff" else "latin-1", "replace"))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _timing(total: float, noted: _Noted) -> str:
    parts = (("total", total), ("queue", noted.queue), ("upstream", noted.upstream))
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in parts if seconds is not None)
