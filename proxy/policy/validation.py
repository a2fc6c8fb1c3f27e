"""Validation (RFC 9111 §4.3, RFC 9110 §13) and what stands in when fetching fails (§4.2.4). Decides; asks nobody."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from proxy.errors import Failure
from proxy.policy.cache_key import secondary_key, selecting_names
from proxy.policy.directives import ResponseDirectives, response_directives
from proxy.policy.disposition import Ended, Freshened, Relay, ServeStale, StaleReason, ValidationDecision
from proxy.policy.field_values import (
    OWS,
    entity_tags,
    format_http_date,
    http_date,
    normalised_codings,
    strongly_equal,
    tokens,
    weakly_equal,
)
from proxy.policy.forwarding import end_to_end
from proxy.policy.freshness import (
    ShelfLife,
    corrected_initial_age,
    explicit_lifetime,
    lifetime,
    may_serve_stale,
    shelf_life,
    shortened,
)
from proxy.policy.health import is_failing
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse, Timing, Windows
from proxy.policy.ranges import held_extent
from proxy.policy.route import Mode, RoutePolicy
from proxy.policy.storability import allows_authorized, heard, stored_fields
from proxy.policy.tags import bounded, field_tags

NOT_MODIFIED: Final = 304
MOST_OFFERED: Final = 16
"""Entity-tags in one conditional request at most: what is stored beside them is simply fetched again."""
_OK: Final = 200
_PRECONDITIONS: Final = ("if-none-match", "if-modified-since")
_NO_ANSWER: Final = frozenset({Failure.UNREACHABLE, Failure.TIMEOUT, Failure.PROTOCOL, Failure.BREAKER})
"""Failures that leave us disconnected (RFC 9111 §4.2.4); a 5xx is an answer, and SHED was never asked."""
_UNASKED: Final = MappingProxyType({Failure.SHED: StaleReason.SHED, Failure.BREAKER: StaleReason.BREAKER})
_CONDITIONS: Final = (*_PRECONDITIONS, "range")
_OF_THE_STORED_BYTES: Final = frozenset({"content-length", "content-encoding", "content-range"})
_EPOCH_NOW: Final = 0.0


# Requests ---------------------------------------------------------------------------------------------------------


def conditional(stored: StoredResponse) -> Fields:
    """The fields that ask whether it still holds (RFC 9111 §4.3.1); an entity-tag made here is nothing to ask with."""
    lines = []
    if stored.etag is not None and not stored.etag_is_made:
        lines.append(("If-None-Match", stored.etag))
    if stored.last_modified is not None:
        lines.append(("If-Modified-Since", stored.last_modified))
    return Fields(lines)


def offered(request: RequestHead, candidates: Sequence[StoredResponse]) -> Sequence[StoredResponse]:
    """Stored responses of which one may turn out to be the answer, although none is selected (RFC 9111 §4.1, §4.3.1).

    The youngest of those that can be told apart by a strong entity-tag and are in a coding that the client takes: an
    origin may give one weak entity-tag to all codings (RFC 9110 §8.8.1).
    """
    accepted = tokens(normalised_codings(request.fields.joined("accept-encoding")))
    named = {
        stored.etag: stored
        for stored in sorted(candidates, key=lambda stored: stored.response_time)
        if stored.status == _OK and _is_offerable(stored) and _coding(stored) in accepted | {"identity"}
    }
    return tuple(named.values())[-MOST_OFFERED:]


def offering(stored: Sequence[StoredResponse]) -> Fields:
    """The fields that ask which of these it is; no date, for that could mean only one (RFC 9111 §4.3.1)."""
    etags = ", ".join(one.etag for one in stored if one.etag is not None)
    return Fields([("If-None-Match", etags)] if etags else [])


def _is_offerable(stored: StoredResponse) -> bool:
    return stored.etag is not None and not stored.etag_is_made and stored.etag.startswith('"')


def _coding(stored: StoredResponse) -> str:
    return (stored.fields.joined("content-encoding") or "identity").strip(OWS).lower().removeprefix("x-")


def has_preconditions(fields: Fields) -> bool:
    """Whether a request with these fields may be answered by 304."""
    return any(name in fields for name in _PRECONDITIONS)


def is_conditional(request: RequestHead) -> bool:
    """Whether the client asks under conditions, or for a part: things to be judged on a whole answer."""
    return any(name in request.fields for name in _CONDITIONS)


def not_modified(
    request: RequestHead, status: int, etag: str | None, last_modified: str | None, date: str | None = None
) -> bool:
    """Whether a GET or HEAD with conditions is answered by 304 (RFC 9110 §13.2.2, RFC 9111 §4.3.2).

    ``date``, the response's Date, stands in for a Last-Modified that is not there. Only successes are conditional.
    """
    if not 200 <= status < 300:  # noqa: PLR2004 - the successes
        return False
    if_none_match = request.fields.joined("if-none-match")
    if if_none_match is not None:
        return any(_names(member, etag) for member in entity_tags(if_none_match))
    since, changed = request.fields.all("if-modified-since"), last_modified or date
    if len(since) != 1 or changed is None:
        return False
    changed_at = http_date(changed, _EPOCH_NOW)
    since_when = http_date(since[0], changed_at or _EPOCH_NOW)  # a two-digit year is near the other one
    return changed_at is not None and since_when is not None and changed_at <= since_when


def _names(member: str, etag: str | None) -> bool:
    return member == "*" or (etag is not None and weakly_equal(member, etag))


# Answers ----------------------------------------------------------------------------------------------------------


def conclude(
    stored: StoredResponse,
    outcome: ResponseHead | Failure,
    route: RoutePolicy,
    timing: Timing,
    request: RequestHead | None = None,
) -> ValidationDecision:
    """What an attempt to validate or replace ``stored`` means (RFC 9111 §4.3.3). ``request``: who had it asked.

    Relay of a 304 means that it answers no condition of ours (RFC 9111 §4.3.4): it is the client's own where the
    client's conditions were passed on, else the upstream does not speak HTTP.
    """
    if isinstance(outcome, Failure):
        return stand_in(stored, outcome, timing.response_time)
    if outcome.status == NOT_MODIFIED and _is_meant(outcome, stored):
        meant = stored if request is None else _for(request, stored, outcome, route, timing)
        return Freshened(_freshened(meant, outcome, route, timing))
    return _unless_failing(stored, outcome, timing)


def conclude_offer(
    request: RequestHead, stored: Sequence[StoredResponse], response: ResponseHead, route: RoutePolicy, timing: Timing
) -> Freshened | Relay:
    """Which of the stored responses that were offered a 304 speaks of (RFC 9111 §4.3.4).

    It answers from now on requests with this one's selecting fields too: a variant of its own, beside what was there.
    """
    if response.status != NOT_MODIFIED:
        return Relay()
    meant = [one for one in stored if _is_meant(response, one)]
    if len(meant) != 1:
        return Relay()  # it names none, or nobody can tell which
    return Freshened(_freshened(_for(request, meant[0], response, route, timing), response, route, timing))


def conclude_head(
    stored: StoredResponse, response: ResponseHead, route: RoutePolicy, timing: Timing
) -> ValidationDecision | Ended:
    """What the answer to a HEAD means for a stored GET (RFC 9111 §4.3.5): a 200 brings it up to date, or ends it."""
    if response.status != _OK:
        return _unless_failing(stored, response, timing)
    if not _is_like(stored, response):
        return Ended(replace(stored, is_ended=True))
    if not _has_a_reason(response, route, timing):
        return Relay()
    return Freshened(_freshened(stored, response, route, timing))


def _unless_failing(stored: StoredResponse, outcome: ResponseHead, timing: Timing) -> ServeStale | Relay:
    if is_failing(outcome):
        return stand_in(stored, Failure.FAULTY, timing.response_time)
    return Relay()


def stand_in(stored: StoredResponse | None, failure: Failure, now: float) -> ServeStale | Relay:
    """What may be served because fetching failed: within ``stale_if_error``, then from the archive, else nothing.

    Where nobody named a window, an upstream that does not answer at all opens one (RFC 9111 §4.2.4).
    """
    if stored is None:
        return Relay()
    windows = stored.windows
    window = max(windows.revalidate, windows.error, windows.disconnect if failure in _NO_ANSWER else 0.0)
    if may_serve_stale(stored, window, now):
        return ServeStale(stored, _UNASKED.get(failure, StaleReason.ERROR))
    if may_serve_stale(stored, windows.archive, now):
        return ServeStale(stored, StaleReason.ARCHIVE)
    return Relay()


def held_off(stored: StoredResponse, failure: Failure, now: float) -> ServeStale | Relay:
    """What may be served without asking at all, because asking failed like this a short while ago."""
    concluded = stand_in(stored, failure, now)
    if isinstance(concluded, ServeStale) and concluded.reason is StaleReason.ERROR:
        return ServeStale(stored, StaleReason.HOLDOFF)
    return concluded


def _is_like(stored: StoredResponse, head: ResponseHead) -> bool:
    """Whether every validator and the length that a HEAD's answer has are those of the stored response."""
    said, own = head.fields, None if stored.etag_is_made else stored.etag
    extent = held_extent(stored)
    size = None if extent is None else str(extent.length)
    known = {"etag": own, "last-modified": stored.last_modified, "content-length": size}
    return all(name not in said or said.joined(name) == value for name, value in known.items())


def _has_a_reason(head: ResponseHead, route: RoutePolicy, timing: Timing) -> bool:
    """Whether a HEAD's answer says more than a length: a validator, or the origin's own word on how long it holds.

    Equal lengths alone must not give a body another of the route's lifetimes.
    """
    if "etag" in head.fields or "last-modified" in head.fields:
        return True
    said = response_directives(head.fields)
    return route.mode is Mode.RFC and explicit_lifetime(head.fields, said, timing) is not None


def _is_meant(response: ResponseHead, stored: StoredResponse) -> bool:
    """Whether a 304 speaks of this stored response (RFC 9111 §4.3.4)."""
    asked = conditional(stored)
    if not asked.lines:
        return False
    etag = response.fields.joined("etag")
    if etag is None or "if-none-match" not in asked or stored.etag is None:
        return True
    return weakly_equal(etag, stored.etag) if etag.startswith("W/") else strongly_equal(etag, stored.etag)


def _for(
    request: RequestHead, stored: StoredResponse, response: ResponseHead, route: RoutePolicy, timing: Timing
) -> StoredResponse:
    """The stored response as the answer to this request, by the fields that the 304 says select (RFC 9111 §4.1)."""
    key = secondary_key(request, _merged(stored.fields, response.fields, route, timing), route)
    return replace(stored, secondary_key=key or ())


def _freshened(stored: StoredResponse, response: ResponseHead, route: RoutePolicy, timing: Timing) -> StoredResponse:
    """The stored response with its fields updated (RFC 9111 §3.2) and everything derived from them anew."""
    merged = _merged(stored.fields, response.fields, route, timing)
    said = heard(merged, route)
    shelf = _shelf_life(stored, ResponseHead(stored.status, merged), said, route, timing)
    return replace(
        stored,
        fields=stored_fields(merged, said, route, timing.response_time),
        tags=bounded([*stored.tags, *field_tags(response.fields)]),
        etag=etags[0] if (etags := merged.all("etag")) else stored.etag,
        etag_is_made=stored.etag_is_made and not etags,
        last_modified=merged.joined("last-modified"),
        freshness_lifetime=shelf.lifetime,
        corrected_initial_age=shelf.initial_age,
        response_time=shelf.response_time,
        windows=shelf.windows,
        never_stale=shelf.never_stale,
        always_validate=shelf.always_validate,
        allows_authorized=allows_authorized(said),
        is_ended=False,
    )


def _merged(old: Fields, new: Fields, route: RoutePolicy, timing: Timing) -> Fields:
    """All fields of the 304 in place of the old ones of the same names (RFC 9111 §3.2).

    Left out are hop-by-hop fields, cookies where the route keeps none, and what is true of the stored bytes alone:
    their length, coding and range. Nothing else, not even Content-Type. An old Age and Date say nothing any more.
    """
    left_out = _OF_THE_STORED_BYTES if route.store_set_cookie else _OF_THE_STORED_BYTES | {"set-cookie"}
    update = end_to_end(new).without(left_out)
    if "date" not in update:
        update = update.adding(("Date", format_http_date(timing.response_time)))
    names = {name.lower() for name, _ in update.lines}
    return old.without(names | {"age"}).adding(*update.lines)


def _shelf_life(
    stored: StoredResponse, merged: ResponseHead, said: ResponseDirectives, route: RoutePolicy, timing: Timing
) -> ShelfLife:
    fresh = lifetime(merged, said, route, timing)
    if stored.negative:
        fresh = shortened(fresh, route)
    varying, known = selecting_names(merged.fields), {name for name, _ in stored.secondary_key}
    newly_varying = None if varying is None else varying - tokens(stored.fields.joined("vary")) - known
    is_closed = said.no_store or said.private or newly_varying != frozenset()
    if fresh is None or is_closed:
        # It may answer whoever asked, and nobody else without asking again.
        age = corrected_initial_age(merged.fields, timing)
        return ShelfLife(0.0, age, timing.response_time, stored.cost, Windows(), never_stale=True, always_validate=True)
    shelf = shelf_life(merged, said, route, timing, fresh, stored.target)
    return replace(shelf, windows=Windows()) if stored.negative else shelf
