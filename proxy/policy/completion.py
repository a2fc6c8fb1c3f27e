"""Completing what is stored of a representation (RFC 9111 §3.3, §3.4): what to ask for. Decides; asks nobody."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from proxy.policy.cache_key import CacheKey, selects
from proxy.policy.disposition import Storable
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse, Timing
from proxy.policy.partial import appraise, is_strong, joined
from proxy.policy.ranges import COMPLETE, PARTIAL, Extent, asks_for_part, content_extent, held_extent
from proxy.policy.route import Match, RoutePolicy


class Remainder(Struct, frozen=True):
    """What is missing of a representation of which ``part`` is stored."""

    part: StoredResponse
    extent: Extent

    @property
    def conditional(self) -> Fields:
        """The fields that ask for it, or for the whole where that has changed (RFC 9110 §13.1.5)."""
        last = "" if self.extent.last == self.extent.length - 1 else str(self.extent.last)
        return Fields((("Range", f"bytes={self.extent.first}-{last}"), ("If-Range", self.part.etag or "")))

    def is_answered_by(self, response: ResponseHead) -> bool:
        """Whether a 206 is what is missing."""
        return response.fields.all("etag") == (self.part.etag,) and content_extent(response.fields) == self.extent

    def completed(
        self,
        request: RequestHead,
        response: ResponseHead,
        body: bytes | None,
        match: Match,
        key: CacheKey,
        timing: Timing,
    ) -> StoredResponse | None:
        """The whole, of the part and of the answer that is its remainder; None where nothing can be made of the two,
        or the answer may not be kept. ``body`` None: judged by the head alone, and no whole yet."""
        fields = request.fields.without({"range", "if-range"}).adding(*self.conditional.lines)
        asking = replace(request, fields=fields)
        decision = appraise(asking, response, body, match, key, timing)
        if not isinstance(decision, Storable) or not self.is_answered_by(response):
            return None
        if body is None:
            return decision.stored
        whole = joined(asking, decision.stored, (self.part,), match.route.max_object)
        return whole if whole is not None and whole.status == COMPLETE else None


def remainder(request: RequestHead, candidates: Sequence[StoredResponse], route: RoutePolicy) -> Remainder | None:
    """What to ask for so that the whole that is asked for is there; None: the whole.

    Only where one piece is missing, before or behind a part with a strong entity-tag, of a whole that may be kept.
    """
    if request.method != "GET" or asks_for_part(request) or "authorization" in request.fields:
        return None
    for part in candidates:
        held = held_extent(part)
        if part.status != PARTIAL or held is None or held.length > route.max_object:
            continue
        if is_strong(part.etag) and selects(part.secondary_key, request):
            if held.first == 0:
                return Remainder(part, Extent(held.last + 1, held.length - 1, held.length))
            if held.last == held.length - 1:
                return Remainder(part, Extent(0, held.first - 1, held.length))
    return None
