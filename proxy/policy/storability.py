"""May this request be answered from the store, and may this response be kept (RFC 9111 §3)? Decides; stores nothing.

``admit`` is asked of a request before anything else, ``assess`` of a response: of its head alone, then of the whole.
"""

from typing import Final

from msgspec.structs import replace

from proxy.policy.body_rules import Judgement, is_judged, judge
from proxy.policy.cache_key import CacheKey, secondary_key, selecting_names
from proxy.policy.content import entity_tag
from proxy.policy.directives import ResponseDirectives, request_directives, response_directives
from proxy.policy.disposition import (
    Admission,
    Credentialed,
    Faulty,
    NotStored,
    NotStoredReason,
    PassThrough,
    Shareable,
    Storable,
    StoreDecision,
    Verdict,
)
from proxy.policy.field_values import delta_seconds, format_http_date, media_type
from proxy.policy.forwarding import end_to_end, is_upgrade
from proxy.policy.freshness import (
    FIRST_ERROR_STATUS,
    Lifetime,
    LifetimeSource,
    ShelfLife,
    lifetime,
    shelf_life,
    shortened,
)
from proxy.policy.interned import kept, number, windows, word
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse, Timing, Windows
from proxy.policy.privacy import privately_silent
from proxy.policy.route import ForwardFields, Match, Mode, RoutePolicy
from proxy.policy.tags import response_tags

UNDERSTOOD_STATUSES: Final = frozenset(
    {200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308}
    | {400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 429}
    | {500, 501, 502, 503, 504, 505}
)
"""Statuses whose rules for caches are obeyed here (RFC 9111 §5.2.2.3); 206 and 304 are parts, and are not kept."""
_NEVER_KEPT: Final = frozenset({206, 304})
_ONLY_BY_NAME: Final = frozenset({428, 429, 431, 511})
"""Statuses that no cache may store (RFC 6585 §3-6): where a route stores every status, these have to be named."""
_GUESSED: Final = frozenset({LifetimeSource.ROUTE, LifetimeSource.HEURISTIC})
"""Lifetimes of which the origin said nothing."""
_FIRST_FINAL_STATUS: Final = 200
_OK: Final = 200
_STATE_PRECONDITIONS: Final = ("if-match", "if-unmodified-since")
_NOBODYS_OWN: Final = frozenset(
    {NotStoredReason.STATUS, NotStoredReason.VARY_STAR, NotStoredReason.CONTENT_TYPE, NotStoredReason.ROUTE_OFF}
)
"""Reasons that leave an error fit for those who waited for it; the others speak of somebody's privacy, or of size."""


# Requests ---------------------------------------------------------------------------------------------------------


def admit(request: RequestHead, route: RoutePolicy) -> Admission:
    """Whether a request may be answered from the store and its answer kept.

    A GET that carries a precondition on the resource's present state (RFC 9110 §13.1.1, §13.1.4), or that wants to
    switch protocols, is what an unsafe method is: a question only the origin can answer. Hence ``method``.
    """
    if not _is_read(request, route) or is_upgrade(request) is not None:
        return PassThrough(NotStoredReason.METHOD)
    if any(name in request.fields for name in _STATE_PRECONDITIONS):
        return PassThrough(NotStoredReason.METHOD)
    if not route.cache:
        return PassThrough(NotStoredReason.ROUTE_OFF)
    if route.client_directives and _wants_no_store(request):
        return PassThrough(NotStoredReason.CLIENT_NO_STORE)
    if "cookie" in request.fields and not route.cookies_ignored:
        return PassThrough(NotStoredReason.COOKIE)
    is_credentialed = "authorization" in request.fields and not route.authorization_ignored
    return Credentialed() if is_credentialed else Shareable()


def _is_read(request: RequestHead, route: RoutePolicy) -> bool:
    """Whether it asks for what may be kept: a GET or HEAD without content, or a QUERY where the route names it."""
    if request.method == "QUERY":
        return "QUERY" in route.methods
    return request.method in ("GET", "HEAD") and not request.has_content


def _wants_no_store(request: RequestHead) -> bool:
    """Nothing of such a request and of what answers it may be kept (RFC 9111 §5.2.1.5)."""
    return request_directives(request.fields.joined("cache-control"), None).no_store


# Responses --------------------------------------------------------------------------------------------------------


def is_event_stream(response: ResponseHead) -> bool:
    """Whether the answer is a stream of server-sent events: without end, and nothing to keep."""
    return media_type(response.fields.joined("content-type")) == "text/event-stream"


def held_back(response: ResponseHead, route: RoutePolicy) -> bool:
    """Whether the body must be judged before its first byte goes out. Not when it is announced as too large to hold."""
    return is_judged(response, route) and not is_announced_too_large(response, route)


def assess(
    request: RequestHead, response: ResponseHead, body: bytes | None, match: Match, key: CacheKey, timing: Timing
) -> StoreDecision:
    """Whether the response to a GET for ``request`` may be kept, and as what (RFC 9111 §3).

    ``body`` None: of the head alone; Storable then still depends on the body.
    """
    route = match.route
    judgement = Judgement(Verdict.OK) if body is None else judge(body, response, route)
    if judgement.verdict is Verdict.FAILURE:
        return Faulty(judgement.status or response.status)
    said = heard(response.fields, route)
    reason = _forbidden(request, response, said, route) or _unfit(response, body, route)
    if reason is None and judgement.verdict is Verdict.PASS:
        reason = NotStoredReason.BODY_VERDICT
    fresh = lifetime(response, said, route, timing)
    is_negative = judgement.verdict is Verdict.NEGATIVE
    if is_negative:
        fresh = shortened(fresh, route)
    reason = reason or _without_lifetime(request, response, fresh, route, is_negative=is_negative)
    if reason is not None or fresh is None:
        reason = reason or NotStoredReason.STATUS
        return NotStored(reason, shared=response.status >= FIRST_ERROR_STATUS and reason in _NOBODYS_OWN)
    shelf = shelf_life(response, said, route, timing, fresh, key.text)
    if is_negative:
        shelf = replace(shelf, negative=True, windows=Windows())
    return Storable(_stored(request, response, body, match, key, shelf))


def _stored(
    request: RequestHead, response: ResponseHead, body: bytes | None, match: Match, key: CacheKey, shelf: ShelfLife
) -> StoredResponse:
    route, said = match.route, response_directives(response.fields)
    etag, is_made = entity_tag(response, body, route)
    return StoredResponse(
        target=key.target,
        route=route.name,
        status=response.status,
        reason=word(response.reason),
        fields=stored_fields(response.fields, said, route, shelf.response_time),
        body=body or b"",
        secondary_key=secondary_key(request, response.fields, route) or (),
        tags=response_tags(response.fields, route, match.captures),
        etag=etag,
        etag_is_made=is_made,
        last_modified=response.fields.joined("last-modified"),
        freshness_lifetime=number(shelf.lifetime),
        corrected_initial_age=shelf.initial_age,
        response_time=shelf.response_time,
        windows=windows(shelf.windows),
        never_stale=shelf.never_stale,
        always_validate=shelf.always_validate,
        allows_authorized=allows_authorized(said),
        negative=shelf.negative,
        cost=number(round(shelf.cost, 3)),
    )


def stored_fields(fields: Fields, said: ResponseDirectives, route: RoutePolicy, response_time: float) -> Fields:
    """The fields that are kept (RFC 9111 §3.1), with a Date where the origin gave none (RFC 9110 §6.6.1).

    Age stays as it was received: whoever reuses the response writes the current one in its place.
    """
    dropped = said.withheld | {"content-length"}
    if not route.store_set_cookie:
        dropped |= {"set-cookie"}
    left = end_to_end(fields).without(dropped)
    return kept(left.lines if "date" in left else (*left.lines, ("Date", format_http_date(response_time))))


def heard(fields: Fields, route: RoutePolicy) -> ResponseDirectives:
    """What a response says, without what the route does not listen to."""
    said = response_directives(fields)
    if not route.store_private and not route.store_no_store:
        return said
    return replace(
        said, private=said.private and not route.store_private, no_store=said.no_store and not route.store_no_store
    )


def allows_authorized(said: ResponseDirectives) -> bool:
    """Whether a shared cache may use it for requests with Authorization (RFC 9111 §3.5)."""
    return said.public or said.must_revalidate or said.s_maxage is not None


def _forbidden(
    request: RequestHead, response: ResponseHead, said: ResponseDirectives, route: RoutePolicy
) -> NotStoredReason | None:
    """What no operator lifts but by name: one condition of RFC 9111 §3 a line, those of privacy first."""
    is_understood = said.must_understand and response.status in UNDERSTOOD_STATUSES
    refusals = (
        (NotStoredReason.NO_STORE, said.no_store and not is_understood),  # §5.2.2.5, lifted by §5.2.2.3
        (NotStoredReason.PRIVATE, said.private),  # §5.2.2.7
        (NotStoredReason.SET_COOKIE, "set-cookie" in response.fields and not route.store_set_cookie),  # more than §7.3
        (
            NotStoredReason.AUTHORIZATION,
            "authorization" in request.fields and not _may_keep_authorized(said, route),
        ),  # §3.5
        (NotStoredReason.VARY_STAR, selecting_names(response.fields) is None),  # §4.1
        (NotStoredReason.STATUS, said.must_understand and not is_understood),  # §5.2.2.3
    )
    return next((reason for reason, holds in refusals if holds), None)


def _may_keep_authorized(said: ResponseDirectives, route: RoutePolicy) -> bool:
    # A strict route passes everything of a request with credentials, so its answer may depend on fields that no key
    # knows; and only such an answer gets the client's address and Host (upstream_fields).
    return route.authorization_ignored or (allows_authorized(said) and route.forward_fields is ForwardFields.ALL)


def _unfit(response: ResponseHead, body: bytes | None, route: RoutePolicy) -> NotStoredReason | None:
    """What is not kept because of what it is."""
    if response.status < _FIRST_FINAL_STATUS or response.status in _NEVER_KEPT:
        return NotStoredReason.STATUS
    if is_event_stream(response):
        return NotStoredReason.CONTENT_TYPE
    if is_announced_too_large(response, route) or (body is not None and len(body) > route.max_object):
        return NotStoredReason.TOO_LARGE
    return None


def is_announced_too_large(response: ResponseHead, route: RoutePolicy) -> bool:
    """Whether Content-Length says that the body is over the route's limit."""
    return delta_seconds(response.fields.joined("content-length") or "") > route.max_object


def _without_lifetime(
    request: RequestHead, response: ResponseHead, fresh: Lifetime | None, route: RoutePolicy, *, is_negative: bool
) -> NotStoredReason | None:
    """What is not kept because nobody said for how long, or not of this status."""
    if fresh is None:
        return NotStoredReason.CONTENT_TYPE if response.status == _OK else NotStoredReason.STATUS
    if fresh.source in _GUESSED:
        private = privately_silent(request, response, route)
        if private is not None:
            return private
    if is_negative:
        return None if fresh.seconds > 0 else NotStoredReason.BODY_VERDICT
    if fresh.source is LifetimeSource.ROUTE:
        return None if fresh.seconds > 0 else _without_routes_lifetime(response, route)
    return None if _is_kept_status(response.status, route) else NotStoredReason.STATUS


def _is_kept_status(status: int, route: RoutePolicy) -> bool:
    return status not in _ONLY_BY_NAME if route.statuses is None else status in route.statuses


def _without_routes_lifetime(response: ResponseHead, route: RoutePolicy) -> NotStoredReason | None:
    if response.status in route.ttl_by_status:
        return NotStoredReason.STATUS
    is_for_later = route.mode is Mode.OVERRIDE and bool(route.stale_while_revalidate or route.stale_if_error)
    return None if is_for_later else NotStoredReason.ROUTE_OFF
