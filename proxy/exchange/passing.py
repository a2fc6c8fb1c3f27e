"""Sends on what is neither looked up nor stored: unsafe methods, credentials, upgrades, routes without a cache.

Cancelled with its client. An unsafe request that succeeded invalidates what is stored for its target (RFC 9111 §4.4).
"""

from dataclasses import dataclass

from proxy.clock import Clock
from proxy.errors import StoreUnavailable, UpstreamError
from proxy.exchange import problems
from proxy.exchange.ask import Ask
from proxy.exchange.bodies import RelayedBody
from proxy.exchange.guard import Guard
from proxy.exchange.ports import (
    Answer,
    Cause,
    Fetched,
    Observer,
    Purge,
    PurgeKind,
    PurgeMode,
    RequestBody,
    Store,
    Upstream,
    UpstreamAnswer,
    UpstreamRequest,
)
from proxy.policy import dispositions
from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import Disposition, ForwardReason, NotStoredReason, PassThrough
from proxy.policy.forwarding import is_upgrade, upstream_fields
from proxy.policy.heads import relayed_head
from proxy.policy.invalidation import invalidates
from proxy.policy.messages import RequestHead
from proxy.policy.route import Match
from proxy.policy.storability import is_event_stream


@dataclass(frozen=True, slots=True)
class Passer:
    """Forwards requests one by one."""

    upstream: Upstream
    store: Store
    guard: Guard
    observer: Observer
    clock: Clock

    async def forward(
        self, request: RequestHead, body: RequestBody | None, match: Match, admission: PassThrough
    ) -> Answer:
        """Send this request as it came and relay what comes back."""
        is_method = admission.reason is NotStoredReason.METHOD
        disposition = dispositions.passed() if is_method else dispositions.bypassed(admission.reason)
        host = request.authority if match.route.key.host else None
        fields = upstream_fields(request, match.route, admission)
        sent = UpstreamRequest(request.method, request.target, host, fields, body, is_upgrade(request))
        answer = await self._relay(sent, match, disposition)
        if invalidates(request, answer.head):
            await self._invalidate(request, match)
        return answer

    async def forward_head(self, ask: Ask) -> Answer:
        """Send a HEAD for which nothing usable is stored; its answer is not stored."""
        host = ask.request.authority if ask.route.key.host else None
        fields = upstream_fields(ask.request, ask.route, ask.admission)
        sent = UpstreamRequest("HEAD", ask.key.target, host, fields)
        return await self._relay(sent, ask.match, dispositions.head_miss(ask.why))

    async def _relay(self, sent: UpstreamRequest, match: Match, disposition: Disposition) -> Answer:
        route = match.route
        try:
            slot = await self.guard.admit()
            try:
                answer = await self._send(sent, route.name)
            except BaseException:
                slot.release()
                raise
        except UpstreamError as error:
            self.observer.upstream_failed(route.name, error.failure, error.detail)
            why = disposition.fwd or ForwardReason.BYPASS
            return problems.failed(error, dispositions.unanswered(why, error.failure), route.name)
        if answer.tunnel is not None or is_event_stream(answer.head):
            slot.release()  # it may stay open for hours and costs the upstream no work
        head = relayed_head(answer.head, route, disposition)
        body = RelayedBody(answer.body, slot.release)
        return Answer(head, body, disposition, route.name, tunnel=answer.tunnel)

    async def _send(self, sent: UpstreamRequest, route: str) -> UpstreamAnswer:
        started, outcome = self.clock.monotonic(), "cancelled"
        try:
            answer = await self.upstream.send(sent)
            outcome = f"{answer.head.status // 100}xx"
        except UpstreamError as error:
            outcome = error.failure
            raise
        finally:
            self.observer.fetched(Fetched(route, Cause.PASS, outcome, self.clock.monotonic() - started))
        return answer

    async def _invalidate(self, request: RequestHead, match: Match) -> None:
        try:
            await self.store.purge(Purge(PurgeKind.URL, cache_key(request, match).text, PurgeMode.HARD))
        except StoreUnavailable as error:
            self.observer.store_failed(error.operation, error.detail)
