"""Which stored response may answer a request, and how (RFC 9111 §4, §4.2.4, §5.2.1). Decides; fetches nothing.

On the path of every hit: what can be computed when a response arrives was computed by ``assess``.
"""

import math
from collections.abc import Sequence
from typing import Final

from proxy.policy.cache_key import selects
from proxy.policy.directives import RequestDirectives, request_directives, response_directives
from proxy.policy.disposition import (
    Admission,
    Forward,
    ForwardReason,
    NotStoredReason,
    PassThrough,
    RequestDecision,
    Reuse,
    ReuseWhileRevalidating,
    Unsatisfiable,
    Validate,
)
from proxy.policy.field_values import http_date, tokens
from proxy.policy.freshness import current_age, is_cut_short, may_serve_stale
from proxy.policy.messages import RequestHead, StoredResponse
from proxy.policy.route import RoutePolicy
from proxy.policy.validation import conditional

KEPT_FOR_REFUSAL: Final = 60.0
"""Seconds for which it is remembered that something without a validator must not be served stale: then an upstream that
does not answer is a 504 (RFC 9111 §5.2.2.2), and not that of something never seen."""
KEPT_FOR_VALIDATION: Final = 86_400.0
"""Seconds that a response with a validator is kept after it is stale, so that a 304 can save sending it again."""


def choose(
    request: RequestHead, candidates: Sequence[StoredResponse], route: RoutePolicy, now: float
) -> RequestDecision:
    """What to do about a request, given every stored response of its key. ``now``: wall seconds since the epoch."""
    stored = _selected(request, candidates, route)
    if stored is None:
        return Unsatisfiable() if _only_if_cached(request) else Forward(_why_not(request, candidates))
    asked = _asked(request) if route.client_directives else None
    age = current_age(stored, now)
    left = stored.freshness_lifetime - age
    is_fresh = left > 0 and not is_cut_short(stored, now) and not stored.always_validate
    if is_fresh:
        if asked is None or _accepts_fresh(asked, stored, age, left):
            return Reuse(stored)
    elif asked is None or _accepts_stale(asked, age, -left):
        if may_serve_stale(stored, stored.windows.revalidate, now):
            return ReuseWhileRevalidating(stored, conditional(stored))
        if asked is not None and _may_serve_on_demand(asked, stored, now):
            return Reuse(stored)
    if _only_if_cached(request):
        return Unsatisfiable()
    return Validate(stored, conditional(stored), ForwardReason.REQUEST if is_fresh else ForwardReason.STALE)


def of_any_age(request: RequestHead, candidates: Sequence[StoredResponse], route: RoutePolicy) -> StoredResponse | None:
    """What may answer this request where nothing can be fetched and an operator said that age does not matter."""
    return _selected(request, candidates, route)


def wants_stored_only(request: RequestHead, admission: Admission) -> bool:
    """Whether a request that nothing stored may answer asks for nothing else (RFC 9111 §5.2.1.7); unsafe ones do not
    ask a cache at all."""
    if isinstance(admission, PassThrough) and admission.reason is NotStoredReason.METHOD:
        return False
    return _only_if_cached(request)


def keep_for(stored: StoredResponse) -> float:
    """Seconds from ``response_time`` until nothing could be done with it any more: for physical expiry; may be 0."""
    left = stored.freshness_lifetime - stored.corrected_initial_age
    after = stored.windows.last
    if conditional(stored).lines:
        after = max(after, KEPT_FOR_VALIDATION)
    elif stored.never_stale and left > 0 and not stored.always_validate:
        after = max(after, KEPT_FOR_REFUSAL)
    return max(0.0, left + after)


# Which ------------------------------------------------------------------------------------------------------------


def _selected(request: RequestHead, candidates: Sequence[StoredResponse], route: RoutePolicy) -> StoredResponse | None:
    """The stored response that answers this request; of several the best (RFC 9111 §4, §4.1)."""
    is_authorized = "authorization" in request.fields and not route.authorization_ignored
    usable = []
    for stored in candidates:
        if (not stored.secondary_key or selects(stored.secondary_key, request)) and (
            stored.allows_authorized or not is_authorized
        ):
            usable.append(stored)  # noqa: PERF401 - the path of every hit: a comprehension is a call more
    if len(usable) <= 1:
        return usable[0] if usable else None
    return max(usable, key=_preference)


def _preference(stored: StoredResponse) -> tuple[bool, float, float]:
    """One with Vary before one whose origin left it out, then the most recent by its Date (RFC 9111 §4.1)."""
    date = http_date(stored.fields.joined("date") or "", stored.response_time)
    return (
        bool(tokens(stored.fields.joined("vary"))),
        stored.response_time if date is None else date,
        stored.response_time,
    )


def _why_not(request: RequestHead, candidates: Sequence[StoredResponse]) -> ForwardReason:
    if not candidates:
        return ForwardReason.URI_MISS
    is_there = any(selects(stored.secondary_key, request) for stored in candidates)
    return ForwardReason.REQUEST if is_there else ForwardReason.VARY_MISS  # there, but not for who has credentials


# What the client asks (RFC 9111 §5.2.1) ---------------------------------------------------------------------------


def _only_if_cached(request: RequestHead) -> bool:
    value = request.fields.joined("cache-control")
    return value is not None and request_directives(value, None).only_if_cached


def _asked(request: RequestHead) -> RequestDirectives:
    return request_directives(request.fields.joined("cache-control"), request.fields.joined("pragma"))


def _accepts_fresh(asked: RequestDirectives, stored: StoredResponse, age: float, left: float) -> bool:
    """Whether the client takes a fresh response as it is."""
    if asked.no_cache or (asked.min_fresh is not None and left < asked.min_fresh):  # §5.2.1.4, §5.2.1.3
        return False
    if asked.max_age is None or age <= asked.max_age:  # §5.2.1.1
        return True
    return response_directives(stored.fields).immutable  # a reload asks nothing of what never changes: RFC 8246 §2.1


def _accepts_stale(asked: RequestDirectives, age: float, stale_by: float) -> bool:
    """Whether the client's own directives leave room for a stale response where its origin does."""
    if asked.no_cache or asked.min_fresh is not None:
        return False
    if asked.max_stale is None:
        return asked.max_age is None  # who names an age wants no stale one: §5.2.1.1
    return stale_by <= asked.max_stale and (asked.max_age is None or age <= asked.max_age)


def _may_serve_on_demand(asked: RequestDirectives, stored: StoredResponse, now: float) -> bool:
    """Whether ``max-stale`` (§5.2.1.2) opens a window where nobody else does. What was purged has none."""
    return asked.max_stale is not None and not is_cut_short(stored, now) and may_serve_stale(stored, math.inf, now)
