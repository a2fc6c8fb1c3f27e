"""Which stored response may answer a request, and how (RFC 9111 §4, §4.2.4, §5.2.1). Decides; fetches nothing.

On the path of every hit: what can be computed when a response arrives was computed by ``assess``.
"""

from collections.abc import Sequence
from typing import Final

from proxy.policy.cache_key import selects
from proxy.policy.directives import request_directives
from proxy.policy.disposition import (
    Forward,
    ForwardReason,
    RequestDecision,
    Reuse,
    ReuseWhileRevalidating,
    Unsatisfiable,
    Validate,
)
from proxy.policy.field_values import http_date
from proxy.policy.freshness import current_age, may_serve_stale
from proxy.policy.messages import RequestHead, StoredResponse
from proxy.policy.route import RoutePolicy
from proxy.policy.validation import conditional

KEPT_FOR_VALIDATION: Final = 86_400.0
"""Seconds that a response with a validator is kept after it is stale, so that a 304 can save sending it again."""


def choose(
    request: RequestHead, candidates: Sequence[StoredResponse], route: RoutePolicy, now: float
) -> RequestDecision:
    """What to do about a request, given every stored response of its key. ``now``: wall seconds since the epoch."""
    stored = _selected(request, candidates)
    if stored is None:
        if _only_if_cached(request):
            return Unsatisfiable()
        return Forward(_why_not(request, candidates))
    if route.client_directives and _client_refuses(request, stored, now):
        return Unsatisfiable() if _only_if_cached(request) else Validate(stored, conditional(stored))
    left = stored.freshness_lifetime - current_age(stored, now)
    if left > 0 and not stored.is_ended and not stored.always_validate:
        return Reuse(stored)
    if may_serve_stale(stored, stored.windows.revalidate, now):
        return ReuseWhileRevalidating(stored, conditional(stored))
    return Unsatisfiable() if _only_if_cached(request) else Validate(stored, conditional(stored))


def keep_for(stored: StoredResponse) -> float:
    """Seconds from ``response_time`` until nothing could be done with it any more: for physical expiry; may be 0."""
    left = stored.freshness_lifetime - stored.corrected_initial_age
    after = stored.windows.last
    if conditional(stored).lines:
        after = max(after, KEPT_FOR_VALIDATION)
    return max(0.0, left + after)


def _selected(request: RequestHead, candidates: Sequence[StoredResponse]) -> StoredResponse | None:
    """The stored response that answers this request; of several the most recent (RFC 9111 §4)."""
    is_authorized = "authorization" in request.fields
    usable = [
        stored
        for stored in candidates
        if selects(stored.secondary_key, request) and (stored.allows_authorized or not is_authorized)
    ]
    if len(usable) <= 1:
        return usable[0] if usable else None
    return max(usable, key=_recency)


def _recency(stored: StoredResponse) -> tuple[float, float]:
    date = http_date(stored.fields.joined("date") or "", stored.response_time)
    return (stored.response_time if date is None else date, stored.response_time)


def _why_not(request: RequestHead, candidates: Sequence[StoredResponse]) -> ForwardReason:
    if not candidates:
        return ForwardReason.URI_MISS
    is_there = any(selects(stored.secondary_key, request) for stored in candidates)
    return ForwardReason.REQUEST if is_there else ForwardReason.VARY_MISS  # there, but not for who has credentials


def _only_if_cached(request: RequestHead) -> bool:
    value = request.fields.joined("cache-control")
    return value is not None and request_directives(value, None).only_if_cached


def _client_refuses(request: RequestHead, stored: StoredResponse, now: float) -> bool:
    """Whether the client's own directives forbid to reuse it as it is (RFC 9111 §5.2.1)."""
    asked = request_directives(request.fields.joined("cache-control"), request.fields.joined("pragma"))
    age = current_age(stored, now)
    return (
        asked.no_cache  # §5.2.1.4
        or (asked.max_age is not None and age > asked.max_age)  # §5.2.1.1
        or (asked.min_fresh is not None and stored.freshness_lifetime - age < asked.min_fresh)  # §5.2.1.3
    )
