"""A scripted upstream that satisfies the exchange's port: answers behind gates, and remembers what it was sent."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from proxy.errors import UpstreamError
from proxy.exchange.ports import OnInterim, UpstreamAnswer, UpstreamRequest
from proxy.policy.messages import Fields, ResponseHead


@dataclass
class Reply:
    """One answer: waits for ``gate`` before its head and for ``body_gate`` before its last chunk."""

    status: int = 200
    lines: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    chunks: Iterable[bytes] = (b'{"a":1}',)
    gate: asyncio.Event | None = None
    body_gate: asyncio.Event | None = None
    failure: UpstreamError | None = None
    """Raised in place of a head."""
    bug: Exception | None = None
    """Raised in place of a head: what should never be."""
    interim: tuple[ResponseHead, ...] = ()
    """Told before the gate."""
    breaks: UpstreamError | None = None
    """Raised in place of the body's end."""

    @property
    def head(self) -> ResponseHead:
        """The head, as the port delivers it."""
        return ResponseHead(self.status, Fields(self.lines.items()))


class ScriptedBody:
    """A body that yields the reply's chunks."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._chunks = deque(reply.chunks)
        self.is_closed = False
        self.read_bytes = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if len(self._chunks) <= 1 and self._reply.body_gate is not None:
            await self._reply.body_gate.wait()
        if not self._chunks:
            if self._reply.breaks is not None:
                raise self._reply.breaks
            raise StopAsyncIteration
        chunk = self._chunks.popleft()
        self.read_bytes += len(chunk)
        return chunk

    async def aclose(self) -> None:
        self.is_closed = True


class ScriptedUpstream:
    """Answers with the replies in order; the last one is repeated."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = deque(replies or (Reply(),))
        self.requests: list[UpstreamRequest] = []
        self.bodies: list[ScriptedBody] = []
        self.arrived = asyncio.Event()
        self.inflight = 0
        self.most_inflight = 0

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        """The next reply, its interim responses first."""
        self.requests.append(request)
        self.arrived.set()
        reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        if on_interim is not None:
            for interim in reply.interim:
                on_interim(interim)
        self.inflight += 1
        self.most_inflight = max(self.most_inflight, self.inflight)
        try:
            if reply.gate is not None:
                await reply.gate.wait()
        finally:
            self.inflight -= 1
        if reply.bug is not None:
            raise reply.bug
        if reply.failure is not None:
            raise reply.failure
        body = ScriptedBody(reply)
        self.bodies.append(body)
        return UpstreamAnswer(reply.head, body)
