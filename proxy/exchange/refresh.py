"""Fills a flight: asks the upstream, lets the policy assess what came, stores it, tells those who wait.

Judges nothing itself, and never speaks to a client.
"""

import asyncio
from collections.abc import Callable
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from proxy.clock import Clock
from proxy.errors import UNASKED, Failure, StoreUnavailable, UpstreamError, afresh
from proxy.exchange.asking import Asker
from proxy.exchange.bodies import GrowingBody, RelayedBody
from proxy.exchange.causes import Cause
from proxy.exchange.guard import Guard, Slot
from proxy.exchange.holdoff import HoldOff
from proxy.exchange.jobs import (
    NOT_MODIFIED,
    PARTIAL_CONTENT,
    Arrived,
    Job,
    callers,
    freshened,
    is_answer,
    is_astray,
    whole_of,
    whose,
)
from proxy.exchange.keys import Keys
from proxy.exchange.ports import Filled, Observer, OnInterim, Store, UpstreamRequest
from proxy.exchange.singleflight import Alone, Failed, FillOutcome, Flight, Shared, Spoken, Streaming
from proxy.policy.cache_key import CacheKey
from proxy.policy.content import completed
from proxy.policy.disposition import (
    Faulty,
    NotStored,
    NotStoredReason,
    Storable,
    StoreDecision,
    Verdict,
)
from proxy.policy.forwarding import upstream_fields
from proxy.policy.heads import received_head
from proxy.policy.health import is_failing, retry_after
from proxy.policy.messages import Fields, ResponseHead, StoredResponse, Timing
from proxy.policy.partial import appraise, joined
from proxy.policy.reuse import keep_for
from proxy.policy.storability import held_back, is_event_stream
from proxy.policy.superseding import superseded

SPOKEN_LIMIT = 256 * 1024
"""Bytes of an error answer that are read whole so that those who waited can share it; a longer one is its asker's."""


class Refresher(Struct, frozen=True):
    """Fills flights from the upstream into the store."""

    asker: Asker
    store: Store
    guard: Guard
    observer: Observer
    clock: Clock
    hold_off: HoldOff
    total: float
    """Seconds until a fetch must be stored or refused."""
    keys: Keys = field(default_factory=Keys)

    async def fill(self, job: Job, flight: Flight) -> None:
        """Settle ``flight``, whatever comes. Runs as the flight's own task."""
        began: float | None = None
        try:
            slot = await self.guard.admit(flight.claim)
            began = self.clock.monotonic()
            try:
                async with asyncio.timeout(self.total):  # from here: waiting for a place is not the upstream's fault
                    await self._fetch(job, flight, slot)
            except BaseException as error:
                if isinstance(error, (TimeoutError, UpstreamError)):
                    slot.report(is_good=False)
                slot.give_up()
                raise
        except TimeoutError:
            self._fail(job, flight, UpstreamError(Failure.TIMEOUT, f"not complete after {self.total:g} s"), began)
        except UpstreamError as error:
            self._fail(job, flight, error, began)

    def _fail(self, job: Job, flight: Flight, error: UpstreamError, began: float | None) -> None:
        """``began``: when it had its place (monotonic seconds); None: it never got one."""
        if began is not None:
            self._count(job, began, error.failure)
        self.observer.upstream_failed(job.match.route.name, error.failure, error.detail)
        if error.failure not in UNASKED:
            self._set_back(job, error.failure)
        flight.settle(Failed(afresh(error)))

    def _count(self, job: Job, began: float, failure: Failure | None) -> None:
        seconds = self.clock.monotonic() - began
        self.observer.filled(Filled(job.key.text, job.match.route.name, seconds, failure))

    def _learn(self, job: Job, slot: Slot, arrived: Arrived, outcome: FillOutcome | None) -> None:
        """What an answer says of the upstream's health."""
        head = arrived.head
        is_bad = is_failing(head) or (isinstance(outcome, Spoken) and outcome.is_faulty)
        slot.report(is_good=not is_bad)
        self._count(job, arrived.started, Failure.FAULTY if is_bad else None)
        if is_bad:
            self._set_back(job, Failure.FAULTY, retry_after(head, self.clock.now()))
        else:
            self.hold_off.succeeded(job.key.text)

    def _set_back(self, job: Job, failure: Failure, pause: float | None = None) -> None:
        if job.validating is not None or job.cause is not Cause.MISS:
            self.hold_off.failed(job.key.text, job.match.route, failure, pause)

    async def _fetch(self, job: Job, flight: Flight, slot: Slot) -> None:
        job, arrived = await self._ask(job, flight, slot.release)
        try:
            outcome = await self._take(job, flight, arrived)
        except BaseException:
            await arrived.body.aclose()
            raise
        self._learn(job, slot, arrived, outcome)
        if outcome is not None:
            await arrived.body.aclose()
            flight.settle(outcome)

    async def _ask(self, job: Job, flight: Flight, release: Callable[[], None]) -> tuple[Job, Arrived]:
        """The answer; and where that speaks of nothing that we asked about (a 304: RFC 9111 §4.3.4), what comes when it
        is asked for without conditions, once. The job says which was the question."""
        arrived = await self._send(job, release, flight.hint)
        if is_astray(job, arrived):
            await arrived.body.drop()
            job = replace(job, validating=None, offered=(), rest=None, conditional=Fields())
            arrived = await self._send(job, release, flight.hint)
        if arrived.head.status == NOT_MODIFIED and not is_answer(job, arrived):
            await arrived.body.aclose()
            raise UpstreamError(Failure.PROTOCOL, "304 to a request without conditions")
        return job, arrived

    async def _send(self, job: Job, release: Callable[[], None], on_interim: OnInterim) -> Arrived:
        fields = upstream_fields(job.request, job.match.route, job.admission, job.conditional)
        host = job.request.authority if job.match.route.key.host else None
        request_time, started = self.clock.now(), self.clock.monotonic()
        asked = UpstreamRequest(job.method, job.key.target, host, fields, job.content)
        answer = await self.asker.ask(asked, job.match.route.name, job.cause, on_interim)
        timing = Timing(request_time, self.clock.now(), self.clock.monotonic() - started)
        return Arrived(received_head(answer.head), RelayedBody(answer.body, release), timing, started)

    async def _take(self, job: Job, flight: Flight, arrived: Arrived) -> FillOutcome | None:
        """What everyone gets; None when the body was handed to the asker and everyone has been told."""
        head = arrived.head
        if (valid := freshened(job, arrived)) is not None:
            return await self._keep(job, valid, head)
        if whole_of(job, arrived, None) is not None:
            return await self._complete(job, arrived)
        decision = appraise(job.request, head, None, job.match, job.key, arrived.timing)
        if isinstance(decision, NotStored) and not decision.shared:
            await self._alone(job, flight, arrived, decision.reason)
            return None
        if isinstance(decision, Storable) and flight.has_leader and not self._must_wait(job, head):
            return await self._stream(job, flight, arrived, decision.stored)
        limit = job.match.route.max_object if isinstance(decision, Storable) else SPOKEN_LIMIT
        data, is_whole = await arrived.body.read_up_to(limit)
        if not is_whole:
            arrived.body.put_back(data)
            await self._alone(job, flight, arrived, NotStoredReason.TOO_LARGE)
            return None
        return await self._settle_whole(job, arrived, data)

    @staticmethod
    def _must_wait(job: Job, head: ResponseHead) -> bool:
        return head.status != PARTIAL_CONTENT and (job.wants_whole or held_back(head, job.match.route))

    async def _alone(self, job: Job, flight: Flight, arrived: Arrived, reason: NotStoredReason) -> None:
        """The answer is its asker's only: everyone else is released at once."""
        await self._not_kept(job, arrived.head, reason)
        if flight.has_leader:
            if is_event_stream(arrived.head):
                arrived.body.release()
            flight.open(Streaming(arrived.head, arrived.body, reason))
        else:
            await arrived.body.aclose()
        flight.settle(Alone())

    async def _stream(self, job: Job, flight: Flight, arrived: Arrived, by_head: StoredResponse) -> FillOutcome | None:
        """Send to the asker what arrives, and keep a copy for everyone else, as long as it may be stored."""
        growing, copy, size = GrowingBody(), list[bytes](), 0
        flight.open(Streaming(arrived.head, growing, is_kept=keep_for(by_head) > 0))
        try:
            async for chunk in arrived.body:
                size += len(chunk)
                copy.append(chunk)
                growing.feed(chunk)
                if size > job.match.route.max_object:
                    await growing.hand_over(arrived.body)
                    self.observer.not_stored(job.match.route.name, NotStoredReason.TOO_LARGE)
                    flight.settle(Alone())
                    return None
        except UpstreamError as error:
            growing.finish(error)
            raise
        except BaseException:  # the total deadline, or shutdown: the reader must not wait for ever
            growing.finish(UpstreamError(Failure.TIMEOUT, "given up in mid-body"))
            raise
        growing.finish()
        data = b"".join(copy)
        if arrived.head.status == PARTIAL_CONTENT:
            return await self._settle_whole(job, arrived, data)
        cost = self.clock.monotonic() - arrived.started
        return await self._keep(job, completed(by_head, arrived.head, data, job.match.route, cost), arrived.head)

    async def _settle_whole(self, job: Job, arrived: Arrived, data: bytes) -> FillOutcome:
        cost = self.clock.monotonic() - arrived.started
        timing = replace(arrived.timing, cost=cost)
        decision = appraise(job.request, arrived.head, data, job.match, job.key, timing)
        self._count_verdict(job, arrived.head, decision)
        match decision:
            case Storable(stored) if arrived.head.status == PARTIAL_CONTENT:
                return await self._keep_part(job, stored, arrived.head)
            case Storable(stored):
                return await self._keep(job, stored, arrived.head)
            case NotStored(reason, shared):
                await self._not_kept(job, arrived.head, reason)
                # The whole is here: whoever waited may have it where it is nobody's own, or asks again by itself.
                spoken = Spoken(arrived.head, data, reason, arrived.head.status, is_shared=shared)
                return replace(spoken, secondary_key=whose(job, arrived.head), caller=callers(job, arrived.head))
            case Faulty(status):
                self.observer.not_stored(job.match.route.name, NotStoredReason.BODY_VERDICT)
                head = (
                    arrived.head if status == arrived.head.status else replace(arrived.head, status=status, reason="")
                )
                spoken = Spoken(head, data, NotStoredReason.BODY_VERDICT, arrived.head.status, is_faulty=True)
                return replace(spoken, secondary_key=whose(job, arrived.head), caller=callers(job, arrived.head))
            case _:
                assert_never(decision)

    async def _not_kept(self, job: Job, head: ResponseHead, reason: NotStoredReason) -> None:
        self.observer.not_stored(job.match.route.name, reason)
        if job.validating is None:
            return
        old = superseded(job.validating, head, reason, job.match.route)
        if old is not None:
            await self.put(job.key, replace(old, position=job.position, fence=job.fence), at_least=1.0)

    def _count_verdict(self, job: Job, head: ResponseHead, decision: StoreDecision) -> None:
        if not held_back(head, job.match.route):
            return
        verdict = Verdict.OK
        match decision:
            case Storable(stored) if stored.negative:
                verdict = Verdict.NEGATIVE
            case Faulty():
                verdict = Verdict.FAILURE
            case NotStored(reason=NotStoredReason.BODY_VERDICT):
                verdict = Verdict.PASS
            case _:
                pass
        self.observer.judged(job.match.route.name, verdict)

    async def _keep(self, job: Job, stored: StoredResponse, head: ResponseHead) -> Shared:
        stored = replace(stored, position=job.position, fence=job.fence)
        key = self.keys.learned(job.key, job.request, job.match, stored)
        return Shared(stored, head, await self.put(key, stored))

    async def _complete(self, job: Job, arrived: Arrived) -> FillOutcome:
        data, is_all = await arrived.body.read_up_to(job.match.route.max_object)
        whole = whole_of(job, arrived, data) if is_all else None
        if whole is None:
            raise UpstreamError(Failure.PROTOCOL, "a part of another length than it says")
        return await self._keep(job, whole, arrived.head)

    async def _keep_part(self, job: Job, part: StoredResponse, head: ResponseHead) -> Shared:
        try:
            candidates = (await self.store.lookup(job.key)).candidates
        except StoreUnavailable as error:
            self.observer.store_failed(error.operation, error.detail)
            candidates = ()
        kept = joined(job.request, part, candidates, job.match.route.max_object)
        return Shared(part, head) if kept is None else await self._keep(job, kept, head)

    async def put(self, key: CacheKey, stored: StoredResponse, at_least: float = 0.0) -> NotStoredReason | None:
        """Store it for as long as it can be of use; why not, where that did not go. ``at_least``: seconds, for what is
        of none and has to take another's place."""
        reason: NotStoredReason | None = None
        try:
            left = max(at_least, stored.response_time + keep_for(stored) - self.clock.now())
            if left > 0 and not await self.store.put(key, stored, left):
                reason = NotStoredReason.PURGED_IN_FLIGHT
        except StoreUnavailable as error:
            self.observer.store_failed(error.operation, error.detail)
            reason = NotStoredReason.STORE_ERROR
        if reason is not None:
            self.observer.not_stored(stored.route, reason)
        return reason
