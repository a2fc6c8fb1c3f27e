"""Makes answers of stored responses and of what a fetch brought. Decides nothing: the policy does."""

from math import floor

from msgspec.structs import replace

from proxy.clock import Clock
from proxy.exchange.ask import Ask
from proxy.exchange.ports import Answer, Observer
from proxy.exchange.singleflight import Shared, Spoken, Streaming
from proxy.policy import dispositions
from proxy.policy.disposition import Disposition, OutOfRange, Ranged, ServeStale, StaleReason
from proxy.policy.freshness import freshness_left
from proxy.policy.heads import not_modified_head, out_of_range_head, partial_head, relayed_head, reused_head
from proxy.policy.messages import ResponseHead, StoredResponse
from proxy.policy.ranges import ranged
from proxy.policy.reuse import keep_for
from proxy.policy.validation import not_modified

NOT_MODIFIED = 304


class Replies:
    """Answers, ready for the edge."""

    def __init__(self, clock: Clock, observer: Observer) -> None:
        self.clock = clock
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

    def offline(self, ask: Ask, stored: StoredResponse) -> Answer:
        """From what is stored, of any age."""
        ttl = self._ttl(stored)
        return self.hit(ask, stored) if ttl > 0 else self._reused(ask, stored, dispositions.offline(ttl))

    def streaming(self, ask: Ask, streaming: Streaming) -> Answer:
        """The upstream's answer as it comes."""
        disposition = dispositions.fetched(ask.why, streaming.head.status, streaming.reason, is_kept=streaming.is_kept)
        return Answer(
            relayed_head(streaming.head, ask.route, disposition),
            streaming.body,
            disposition,
            ask.route.name,
            ask.key.text,
        )

    def head(self, ask: Ask, head: ResponseHead) -> Answer:
        """The upstream's answer to a HEAD."""
        disposition = dispositions.head_miss(ask.why)
        relayed = relayed_head(head, ask.route, disposition)
        relayed = not_modified_head(relayed) if self.is_unmodified(ask, head) else relayed
        return Answer(relayed, b"", disposition, ask.route.name, ask.key.text)

    def shared(self, ask: Ask, shared: Shared, *, is_follower: bool) -> Answer:
        """A stored response that was just fetched or freshened; whoever waited gets it even when already stale."""
        if is_follower:
            return self._reused(ask, shared.stored, dispositions.collapsed(ask.why, is_elsewhere=shared.is_elsewhere))
        if shared.head.status == NOT_MODIFIED:
            disposition = dispositions.revalidated(ask.why, stored=shared.reason is None)
        else:
            is_kept = keep_for(shared.stored) > 0
            disposition = dispositions.fetched(ask.why, shared.head.status, shared.reason, is_kept=is_kept)
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
        if self.is_unmodified(ask, spoken.head) and not spoken.is_faulty:
            return Answer(not_modified_head(head), b"", disposition, ask.route.name, ask.key.text)
        return Answer(head, spoken.body, disposition, ask.route.name, ask.key.text, len(spoken.body))

    def unmodified(self, ask: Ask, streaming: Streaming) -> Answer:
        """304 in place of the upstream's answer, whose content its client has; the content is for the caller to
        close."""
        answer = self.streaming(ask, streaming)
        return replace(answer, head=not_modified_head(answer.head), body=b"")

    @staticmethod
    def is_unmodified(ask: Ask, head: ResponseHead) -> bool:
        """Whether the client's own conditions, which the upstream did not see, make a 304 of this answer."""
        return not_modified(ask.request, head.status, head.fields.joined("etag"), head.fields.joined("last-modified"))

    def _reused(self, ask: Ask, stored: StoredResponse, disposition: Disposition) -> Answer:
        head = reused_head(stored, ask.route, self.clock.now(), disposition)
        saved = stored.cost if disposition.hit or disposition.collapsed else 0.0
        answer = Answer(
            *(head, stored.body, disposition, ask.route.name, ask.key.text, len(stored.body)),
            saved_seconds=saved,
            tags=stored.tags,
        )
        date = stored.fields.joined("date")
        if not_modified(ask.request, stored.status, stored.etag, stored.last_modified, date):
            # Content-Length would have to be that of the 200 (RFC 9110 §8.6): it is left out.
            return replace(answer, head=not_modified_head(head), body=b"", length=None)
        match ranged(ask.request, stored):
            case Ranged(fields, first, last):
                return replace(answer, head=partial_head(head, fields), body=stored.body[first : last + 1])
            case OutOfRange(content_range):
                return replace(answer, head=out_of_range_head(head, content_range), body=b"")
            case None:
                return answer

    def _ttl(self, stored: StoredResponse) -> int:
        return floor(freshness_left(stored, self.clock.now()))
