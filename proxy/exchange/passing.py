"""Sends on what is neither looked up nor stored: unsafe methods, credentials, upgrades, routes without a cache.

Cancelled with its client. What an unsafe request invalidates is not its question.
"""

from msgspec import Struct

from proxy.clock import Clock
from proxy.errors import UpstreamError
from proxy.exchange import problems
from proxy.exchange.ask import Ask
from proxy.exchange.asking import Asker
from proxy.exchange.bodies import RelayedBody
from proxy.exchange.causes import Cause
from proxy.exchange.guard import Guard, Slot
from proxy.exchange.interim import relayed
from proxy.exchange.ports import (
    Answer,
    Observer,
    OnInterim,
    RequestBody,
    Store,
    UpstreamAnswer,
    UpstreamRequest,
)
from proxy.exchange.posted import Watch
from proxy.exchange.seats import Claim
from proxy.policy import dispositions
from proxy.policy.disposition import Disposition, ForwardReason, NotStoredReason, PassThrough
from proxy.policy.forwarding import is_upgrade, upstream_fields
from proxy.policy.heads import received_head, relayed_head
from proxy.policy.health import is_failing
from proxy.policy.max_forwards import last_recipient, one_hop_less
from proxy.policy.messages import RequestHead, ResponseHead, Timing
from proxy.policy.route import Match, RoutePolicy
from proxy.policy.storability import is_event_stream


class Passer(Struct, frozen=True):
    """Forwards requests one by one."""

    asker: Asker
    store: Store
    guard: Guard
    observer: Observer
    clock: Clock

    async def forward(
        self,
        request: RequestHead,
        body: RequestBody | None,
        match: Match,
        admission: PassThrough,
        on_interim: OnInterim | None,
        watch: Watch | None = None,
    ) -> Answer:
        """Send this request as it came and relay what comes back; answer it where it may go no further. ``watch``: who
        may keep the answer."""
        if (last := last_recipient(request)) is not None:
            return problems.as_last_recipient(*last, match.route.name)
        self.observer.not_stored(match.route.name, admission.reason)
        is_method = admission.reason is NotStoredReason.METHOD
        disposition = dispositions.passed() if is_method else dispositions.bypassed(admission.reason)
        host = request.authority if match.route.key.host else None
        fields = upstream_fields(one_hop_less(request), match.route, admission)
        sent = UpstreamRequest(request.method, request.target, host, fields, body, is_upgrade(request))
        return await self._relay(sent, match, disposition, on_interim, watch)

    async def ask_head(self, ask: Ask) -> tuple[ResponseHead, Timing]:
        """Send a HEAD for which nothing usable is stored: what came, and when. Raises UpstreamError."""
        host = ask.request.authority if ask.route.key.host else None
        fields = upstream_fields(ask.request, ask.route, ask.admission)
        sent = UpstreamRequest("HEAD", ask.key.target, host, fields)
        try:
            slot = await self.guard.admit(Claim(Cause.PASS))
            request_time, started = self.clock.now(), self.clock.monotonic()
            try:
                answer = await self._ask(sent, slot, ask.route, ask.on_interim)
                await answer.body.aclose()
            finally:
                slot.give_up()
        except UpstreamError as error:
            self.observer.upstream_failed(ask.route.name, error.failure, error.detail)
            raise
        return received_head(answer.head), Timing(request_time, self.clock.now(), self.clock.monotonic() - started)

    async def _relay(
        self,
        sent: UpstreamRequest,
        match: Match,
        disposition: Disposition,
        on_interim: OnInterim | None,
        watch: Watch | None,
    ) -> Answer:
        route = match.route
        try:
            slot = await self.guard.admit(Claim(Cause.PASS))
            try:
                answer = await self._ask(sent, slot, route, on_interim)
            except BaseException:
                slot.give_up()
                raise
        except UpstreamError as error:
            self.observer.upstream_failed(route.name, error.failure, error.detail)
            why = disposition.fwd or ForwardReason.BYPASS
            return problems.failed(error, dispositions.unanswered(why, error.failure), route.name)
        if answer.tunnel is not None or is_event_stream(answer.head):
            slot.release()  # it may stay open for hours and costs the upstream no work
        received, body = received_head(answer.head), RelayedBody(answer.body, slot.release)
        head = relayed_head(received, route, disposition)
        passed = body if watch is None else watch.over(received, body)
        return Answer(head, passed, disposition, route.name, tunnel=answer.tunnel)

    async def _ask(
        self, sent: UpstreamRequest, slot: Slot, route: RoutePolicy, on_interim: OnInterim | None
    ) -> UpstreamAnswer:
        try:
            answer = await self.asker.ask(sent, route.name, Cause.PASS, relayed(on_interim, route))
        except UpstreamError:
            slot.report(is_good=False)
            raise
        slot.report(is_good=not is_failing(answer.head))
        return answer
