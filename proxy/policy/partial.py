"""Parts of a representation, kept and joined (RFC 9111 §3.3, §3.4). Decides; slices and stores nothing.

A part is a StoredResponse with status 206 whose Content-Range says which bytes it holds. For each set of selecting
fields one part is kept: one range, of known place in a known length, with a lifetime that the origin gave it. It
answers requests within it and no others, and joins another only where a strong entity-tag says that both are of one.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from proxy.policy.cache_key import CacheKey, selects
from proxy.policy.directives import response_directives
from proxy.policy.disposition import NotStored, NotStoredReason, OutOfRange, Storable, StoreDecision
from proxy.policy.freshness import LifetimeSource, explicit_lifetime
from proxy.policy.messages import FieldLine, Fields, RequestHead, ResponseHead, StoredResponse, Timing
from proxy.policy.ranges import (
    COMPLETE,
    PARTIAL,
    Extent,
    asked_span,
    asks_for_part,
    content_extent,
    held_extent,
    holds_if_range,
)
from proxy.policy.route import Match, Mode, RoutePolicy
from proxy.policy.storability import assess
from proxy.policy.validation import is_conditional

_CONTENT_RANGE: Final = frozenset({"content-range"})
_OF_A_REQUEST: Final = frozenset({412, 416})
"""Statuses that answer the conditions or the range of one request, where it has some, not what its URL names."""
_NOT_KEPT: Final = NotStored(NotStoredReason.STATUS)


# Requests ---------------------------------------------------------------------------------------------------------


def passed_range(request: RequestHead, route: RoutePolicy) -> Fields:
    """The fields by which the upstream is asked for no more than the client wants; none: the whole is fetched.

    Where bodies are judged it takes the whole of one, and where the route's word makes an answer last it takes a whole
    answer to keep and to share: there the part is cut from that.
    """
    if not asks_for_part(request) or route.verdicts or route.mode is Mode.OVERRIDE:
        return Fields()
    wanted = ("range", "if-range")
    return Fields(line for line in request.fields.lines if line[0].lower() in wanted)


def usable(request: RequestHead, candidates: Sequence[StoredResponse]) -> Sequence[StoredResponse]:
    """The candidates without parts that do not hold what is asked for (RFC 9111 §3.3)."""
    if all(stored.status != PARTIAL for stored in candidates):
        return candidates
    return [stored for stored in candidates if stored.status != PARTIAL or _covers(request, stored)]


def has_part(request: RequestHead, candidates: Sequence[StoredResponse]) -> bool:
    """Whether some of what is asked for is stored, or might be: ``fwd=partial`` (RFC 9211 §2.2)."""
    return any(stored.status == PARTIAL and selects(stored.secondary_key, request) for stored in candidates)


def _covers(request: RequestHead, stored: StoredResponse) -> bool:
    held = held_extent(stored)
    if held is None or not asks_for_part(request) or not holds_if_range(request, stored):
        return False
    span = asked_span(request, held.length)
    if isinstance(span, OutOfRange):
        return True
    return span is not None and held.first <= span[0] and span[1] <= held.last


# Responses --------------------------------------------------------------------------------------------------------


def appraise(
    request: RequestHead, response: ResponseHead, body: bytes | None, match: Match, key: CacheKey, timing: Timing
) -> StoreDecision:
    """``assess``, of the answer to a request that may have been for a part (RFC 9111 §3.3). ``body`` as there."""
    if response.status in _OF_A_REQUEST and is_conditional(request):
        return _NOT_KEPT
    if response.status != PARTIAL or not passed_range(request, match.route).lines:
        return assess(request, response, body, match, key, timing)
    extent = content_extent(response.fields)
    if extent is None or not _has_own_lifetime(response, timing) or not _is_within(extent, body, match.route):
        return _NOT_KEPT
    whole = ResponseHead(COMPLETE, response.fields.without(_CONTENT_RANGE), response.reason)
    decision = assess(request, whole, body, match, key, timing)
    return Storable(_as_part(decision.stored, extent)) if isinstance(decision, Storable) else decision


def joined(
    request: RequestHead, part: StoredResponse, candidates: Sequence[StoredResponse], limit: int
) -> StoredResponse | None:
    """What to keep of a part that was just fetched, given what is stored by now (RFC 9111 §3.4, RFC 9110 §15.3.7.3).

    The two put together where they touch and share a strong entity-tag, up to ``limit`` bytes; the whole once all of
    it is there; else the new part alone. None: nothing, for the whole is stored already; or the part answers If-Range,
    and may lack fields that its asker has from before (§15.3.7).
    """
    alike = [stored for stored in candidates if selects(stored.secondary_key, request)]
    if any(stored.status == COMPLETE and _own_etag(stored) == part.etag for stored in alike):
        return None
    for held in alike:
        if (union := _union(held, part)) is not None and len(union.body) <= limit:
            return union
    return None if "if-range" in request.fields else part


def _union(held: StoredResponse, part: StoredResponse) -> StoredResponse | None:
    """Both as one; None where they are of two representations, or leave a gap between them."""
    old, new = held_extent(held), held_extent(part)
    if held.status != PARTIAL or old is None or new is None or old.length != new.length:
        return None
    if held.etag != part.etag or not is_strong(part.etag):
        return None
    if old.first > new.last + 1 or new.first > old.last + 1:
        return None
    first = min(old.first, new.first)
    before = held.body[: max(0, new.first - old.first)]
    after = held.body[new.last + 1 - old.first :]
    body = before + part.body + after
    names = {name.lower() for name, _ in part.fields.lines}
    fields = held.fields.without(names | {"age"}).adding(*part.fields.lines)
    merged = replace(part, fields=fields, body=body, tags=tuple(dict.fromkeys((*held.tags, *part.tags))))
    return _as_part(merged, Extent(first, first + len(body) - 1, new.length))


def _as_part(stored: StoredResponse, extent: Extent) -> StoredResponse:
    """Marked with what it holds; a 200 where that is all of it."""
    fields = stored.fields.without(_CONTENT_RANGE)
    if extent.last - extent.first + 1 == extent.length:
        return replace(stored, status=COMPLETE, reason="", fields=fields)
    line: FieldLine = ("Content-Range", f"bytes {extent.first}-{extent.last}/{extent.length}")
    etag = _own_etag(stored)  # one made of a part would name another version in every part
    return replace(stored, status=PARTIAL, reason="", fields=fields.adding(line), etag=etag, etag_is_made=False)


def _has_own_lifetime(response: ResponseHead, timing: Timing) -> bool:
    """Whether the origin itself said for how long a part is good."""
    own = explicit_lifetime(response.fields, response_directives(response.fields), timing)
    return own is not None and own.source is not LifetimeSource.NO_CACHE


def _own_etag(stored: StoredResponse) -> str | None:
    return None if stored.etag_is_made else stored.etag


def is_strong(etag: str | None) -> bool:
    """Whether parts with this entity-tag are parts of the same bytes (RFC 9110 §8.8.1)."""
    return etag is not None and etag.startswith('"')


def _is_within(extent: Extent, body: bytes | None, route: RoutePolicy) -> bool:
    """Whether the part is as long as it says, and no longer than what is kept."""
    size = extent.last - extent.first + 1
    return size <= route.max_object and (body is None or len(body) == size)
