"""Answers with a promise (RFC 7240, ``respond-async``) where an answer takes longer than its client waits, and tells
those who ask what has become of it. Judges nothing, and fetches as for anybody else.

What was promised is kept in the ledger, so that every Tambo that shares it can tell; whose keeper has died is fetched
by whoever is asked next.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from proxy.clock import Clock
from proxy.errors import StoreUnavailable, UpstreamError
from proxy.exchange import promise_replies as replies
from proxy.exchange.ledger import Ledger
from proxy.exchange.ports import Answer, OnInterim, RequestBody
from proxy.exchange.promise import Handler, Promise, Record, Taker, keepable, read_record
from proxy.exchange.serve import Exchange
from proxy.exchange.singleflight import SingleFlight
from proxy.policy.disposition import Reuse, ReuseWhileRevalidating, Shareable
from proxy.policy.messages import RequestHead
from proxy.policy.partial import usable
from proxy.policy.prefer import patience, without_patience
from proxy.policy.reuse import choose
from proxy.policy.route import match_route
from proxy.policy.storability import admit

PREFIX: Final = "/-/tambo/jobs/"
MOST: Final = 1000
"""Promises that one process keeps at once, those that it may have to keep in the next second included. Beyond it,
clients wait, and what another process left is for a third one."""
SHORTEST_WAIT: Final = 0.1
"""Seconds: what is stored is answered with, whatever the client says."""
USUAL_WAIT: Final = 1.0
LONGEST_WAIT: Final = 120.0
HOLD: Final = 10.0
BEAT: Final = 3.0
_PENDING_FOR: Final = 3600.0
_TOLD_FOR: Final = 600.0
"""Seconds for which it is told what has become of a promise."""
_NAME: Final = "answer:"


class Promises:
    """Stands before the entrance. ``follow`` before anything is answered."""

    def __init__(self, ledger: Ledger, flights: SingleFlight, is_normal: Callable[[], bool], clock: Clock) -> None:
        """``is_normal``: no operator's mode holds."""
        self._ledger = ledger
        self._flights = flights
        self._is_normal = is_normal
        self._clock = clock
        self._me = secrets.token_hex(8)
        self._kept: dict[str, Promise] = {}
        self._under_way: set[Promise] = set()
        """These, and those whose client still waits: any of them may have to be kept in the next second."""
        self._beating: asyncio.Task[None] | None = None
        self._exchange: Exchange
        self._inner: Handler

    def follow(self, exchange: Exchange, inner: Handler) -> Handler:
        """Stand before ``inner`` from now on: what answers instead of it, where some route lets us."""
        self._exchange, self._inner = exchange, inner
        return self.answer if any(route.respond_async for route in exchange.routes) else inner

    async def close(self) -> None:
        """Tell nobody any more. Idempotent."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    async def answer(
        self, request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None = None
    ) -> Answer:
        """Answer one request, or promise to. Raises as the entrance does."""
        if request.path.startswith(PREFIX):
            return await self._tell(request)
        wait = self._wait(request)
        if wait is None:
            return await self._inner(request, body, on_interim)
        plain = RequestHead(
            *("GET", request.target, without_patience(request.fields), request.scheme, request.authority, request.peer)
        )
        promise = Promise(secrets.token_urlsafe(24), plain, self._clock.monotonic(), self._clock.now())
        self._begin(promise, on_interim)
        try:
            return await self._await(promise, wait) or await self._promised(promise)
        except asyncio.CancelledError:
            promise.taker = Taker.NOBODY
            if (late := promise.taken) is not None and not isinstance(late.body, bytes):
                self._flights.spawn(late.body.aclose())
            raise

    def _wait(self, request: RequestHead) -> float | None:
        """Seconds after which this client takes a promise; None: it has to wait."""
        if "prefer" not in request.fields or request.method != "GET" or "range" in request.fields:
            return None
        wish = patience(request.fields)
        match = match_route(self._exchange.routes, "GET", request.path)
        may = match.route.respond_async and isinstance(admit(request, match.route), Shareable) and keepable(request)
        if wish is None or not may or not self._is_normal() or self._is_full:
            return None
        return USUAL_WAIT if wish.wait is None else max(SHORTEST_WAIT, min(LONGEST_WAIT, wish.wait))

    @property
    def _is_full(self) -> bool:
        return len(self._under_way) >= MOST

    def _begin(self, promise: Promise, on_interim: OnInterim | None) -> None:
        self._under_way.add(promise)
        self._flights.spawn(self._keep(promise, on_interim))

    @staticmethod
    async def _await(promise: Promise, seconds: float | None) -> Answer | None:
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(promise.answered)
        except TimeoutError:
            return None

    async def _promised(self, promise: Promise) -> Answer:
        """202, once it is written down; where that fails, its client waits after all."""
        try:
            await self._ledger.hold(_NAME + promise.id, self._me, HOLD)
            await self._note(promise)
        except StoreUnavailable:
            return await asyncio.shield(promise.answered)
        if promise.answered.done():  # it came meanwhile
            with suppress(StoreUnavailable):
                await self._ledger.remove(_NAME + promise.id)
            return promise.answered.result()
        promise.taker = Taker.LEDGER
        self._adopt(promise)
        return replies.accepted(self._pending(promise), PREFIX + promise.id, self._route(promise.request))

    def _adopt(self, promise: Promise) -> None:
        self._kept[promise.id] = promise
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat())  # noqa: TID251 - owned: close() ends it

    # Keeping ---------------------------------------------------------------------------------------------------------

    async def _keep(self, promise: Promise, on_interim: OnInterim | None) -> None:
        try:
            await self._see_through(promise, on_interim)
        finally:
            self._kept.pop(promise.id, None)
            self._under_way.discard(promise)

    async def _see_through(self, promise: Promise, on_interim: OnInterim | None) -> None:
        """Have it fetched; give the answer to its client, or let it be stored and write down what came of it."""
        try:
            answer = await self._inner(promise.request, None, on_interim)
        except BaseException as error:
            if not promise.answered.done():
                promise.answered.set_exception(error if isinstance(error, Exception) else RuntimeError("cut short"))
                promise.answered.exception()  # seen: its client may have left
            raise
        if promise.taker is Taker.CLIENT:
            promise.answered.set_result(answer)
            return
        try:
            status = await self._read_out(answer)
            if promise.taker is Taker.LEDGER:
                record = promise.over(status, is_there=await self._is_there(promise.request))
                await self._ledger.write(_NAME + promise.id, record.packed(), _TOLD_FOR)
        except StoreUnavailable:
            return  # whoever asks for it finds it unfinished, and has it looked up again

    async def _read_out(self, answer: Answer) -> int:
        """Let a stream come to its end, so that it is stored; the status that its client would have had."""
        if isinstance(answer.body, bytes):
            return answer.head.status
        try:
            if answer.disposition.stored:
                async for _ in answer.body:
                    pass
        except UpstreamError:
            return 502
        finally:
            await answer.body.aclose()
        return answer.head.status

    async def _is_there(self, request: RequestHead) -> bool:
        """Whether who asks again is answered from what is stored."""
        exchange = self._exchange
        match = match_route(exchange.routes, "GET", request.path)
        key = exchange.refresher.keys.of(request, match)
        if (flight := self._flights.find(key.text)) is not None:
            await asyncio.shield(flight.own)
        found = await exchange.store.lookup(key)
        decision = choose(request, usable(request, found.candidates), match.route, self._clock.now())
        return isinstance(decision, (Reuse, ReuseWhileRevalidating))

    async def _beat(self) -> None:
        """Keep what is promised, and write down how it stands."""
        while self._kept:
            for promise in tuple(self._kept.values()):
                with suppress(StoreUnavailable):
                    await self._ledger.hold(_NAME + promise.id, self._me, HOLD)
                    if promise.id in self._kept:
                        await self._note(promise)
            await asyncio.sleep(BEAT)

    async def _note(self, promise: Promise) -> None:
        record = self._pending(promise)
        if record != promise.noted:
            await self._ledger.write(_NAME + promise.id, record.packed(), _PENDING_FOR)
            promise.noted = record

    def _pending(self, promise: Promise) -> Record:
        """How it stands: where in the queue, and about how long still."""
        exchange, guard = self._exchange, self._exchange.refresher.guard
        match = match_route(exchange.routes, "GET", promise.request.path)
        flight = self._flights.find(exchange.refresher.keys.of(promise.request, match).text)
        position = None if flight is None else guard.position(flight.claim)
        now = self._clock.monotonic()
        if position is None and promise.runs_since is None:
            promise.runs_since = now
        elapsed = 0.0 if promise.runs_since is None else now - promise.runs_since
        return promise.pending(position, guard.expected(position, elapsed))

    # Telling ---------------------------------------------------------------------------------------------------------

    async def _tell(self, request: RequestHead) -> Answer:
        name, route = request.path.removeprefix(PREFIX), self._exchange.routes[-1].name
        if request.method not in ("GET", "HEAD"):
            return replies.not_allowed(route)
        promise = self._kept.get(name)
        try:
            record = await self._recorded(name) if promise is None else self._pending(promise)
        except StoreUnavailable:
            return replies.cannot_tell(route)
        return replies.unknown(route) if record is None else replies.told(record, route)

    async def _recorded(self, name: str) -> Record | None:
        data = await self._ledger.read(_NAME + name)
        record = None if data is None else read_record(data)
        if record is None or record.is_over or self._is_full:
            return record
        if not await self._ledger.hold(_NAME + name, self._me, HOLD):
            return record
        if name in self._kept or self._is_full:  # others asked in the same moment
            return record
        # Its keeper is gone: it is ours now.
        promise = Promise(name, record.request, self._clock.monotonic(), record.began, taker=Taker.LEDGER)
        self._adopt(promise)
        self._begin(promise, None)
        return record

    def _route(self, request: RequestHead) -> str:
        return match_route(self._exchange.routes, "GET", request.path).route.name
