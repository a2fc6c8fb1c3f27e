"""Makes answers of stored responses and of what a fetch brought. Decides nothing: the policy does."""

from dataclasses import replace

from proxy.clock import Clock
from proxy.exchange.ask import Ask
from proxy.exchange.ports import Answer, Observer
from proxy.exchange.singleflight import Shared, Spoken, Streaming
from proxy.policy import dispositions
from proxy.policy.disposition import Disposition, ServeStale, StaleReason
from proxy.policy.freshness import freshness_left
from proxy.policy.heads import not_modified_head, relayed_head, reused_head
from proxy.policy.messages import ResponseHead, StoredResponse
from proxy.policy.ranges import ranged
from proxy.policy.validation import not_modified

PARTIAL_CONTENT = 206
NOT_MODIFIED = 304


class Replies:
    """Answers, ready for the edge."""

    def __init__(self, clock: Clock, observer: Observer) -> None:
        self._clock = clock
        self._observer = observer

    def hit(self, ask: Ask, stored: StoredResponse) -> Answer:
        """From a fresh stored response."""
        ttl = self._ttl(stored)
        disposition = dispositions.negative_hit(ttl) if stored.negative else dispositions.hit(ttl)
        return self._reused(ask, stored, disposition)

    def revalidating(self, ask: Ask, stored: StoredResponse, *, is_running: bool) -> Answer:
        """From a stale one, while it is refreshed."""
        self._observer.stale_served(ask.route.name, StaleReason.REVALIDATING)
        disposition = dispositions.revalidating(self._ttl(stored), is_running=is_running)
        return self._reused(ask, stored, disposition)

    def stood_in(self, ask: Ask, stale: ServeStale) -> Answer:
        """From a stale one, because fetching failed."""
        self._observer.stale_served(ask.route.name, stale.reason)
        disposition = dispositions.stood_in(self._ttl(stale.stored), stale.reason)
        return self._reused(ask, stale.stored, disposition)

    def streaming(self, ask: Ask, streaming: Streaming) -> Answer:
        """The upstream's answer as it comes."""
        disposition = dispositions.fetched(ask.why, streaming.head.status, streaming.reason)
        return Answer(
            relayed_head(streaming.head, ask.route, disposition),
            streaming.body,
            disposition,
            ask.route.name,
            ask.key.text,
        )

    def shared(self, ask: Ask, shared: Shared, *, is_follower: bool) -> Answer:
        """A stored response that was just fetched or freshened; whoever waited gets it even when already stale."""
        if is_follower:
            return self._reused(ask, shared.stored, dispositions.collapsed(ask.why))
        if shared.head.status == NOT_MODIFIED:
            disposition = dispositions.revalidated(ask.why, stored=shared.reason is None)
        else:
            disposition = dispositions.fetched(ask.why, shared.head.status, shared.reason)
        return self._reused(ask, shared.stored, disposition)

    def spoken(self, ask: Ask, spoken: Spoken, *, is_follower: bool) -> Answer:
        """An answer that is not kept."""
        if spoken.is_faulty:
            disposition = dispositions.faulty(ask.why, spoken.upstream_status)
        elif spoken.is_shared:
            disposition = dispositions.relayed_error(ask.why, spoken.head.status, spoken.reason)
        else:
            disposition = dispositions.bypassed(spoken.reason)
        disposition = replace(disposition, collapsed=is_follower)
        head = relayed_head(spoken.head, ask.route, disposition)
        return Answer(head, spoken.body, disposition, ask.route.name, ask.key.text, len(spoken.body))

    def _reused(self, ask: Ask, stored: StoredResponse, disposition: Disposition) -> Answer:
        head = reused_head(stored, ask.route, self._clock.now(), disposition)
        body = stored.body
        if not_modified(ask.request, stored.status, stored.etag, stored.last_modified):
            head, body = not_modified_head(head), b""
        elif (part := ranged(ask.request, stored)) is not None:
            fields = head.fields
            for name, value in part.fields.items():
                fields = fields.replacing(name, value)
            head, body = ResponseHead(PARTIAL_CONTENT, fields), body[part.first : part.last + 1]
        saved = stored.cost if disposition.hit or disposition.collapsed else 0.0
        return Answer(head, body, disposition, ask.route.name, ask.key.text, len(body), saved_seconds=saved)

    def _ttl(self, stored: StoredResponse) -> int:
        return int(freshness_left(stored, self._clock.now()))
