"""Validation (RFC 9111 §4.3, RFC 9110 §13) and what stands in when fetching fails (§4.2.4). Decides; asks nobody."""

from dataclasses import replace
from typing import Final

from proxy.errors import Failure
from proxy.policy.directives import ResponseDirectives, response_directives
from proxy.policy.disposition import Freshened, Relay, ServeStale, StaleReason, ValidationDecision
from proxy.policy.field_values import format_http_date, http_date, list_members, strongly_equal, tokens, weakly_equal
from proxy.policy.forwarding import end_to_end
from proxy.policy.freshness import (
    ShelfLife,
    corrected_initial_age,
    lifetime,
    may_serve_stale,
    shelf_life,
    shortened,
)
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse, Timing, Windows
from proxy.policy.route import RoutePolicy
from proxy.policy.storability import allows_authorized, stored_fields
from proxy.policy.tags import bounded, field_tags

NOT_MODIFIED: Final = 304
FAILING_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
"""Answers for which a stale one may stand in: RFC 5861 §4's, and 429, which asks us to ask less."""
_CONDITIONS: Final = ("if-none-match", "if-modified-since", "range")
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
        return any(_names(member, etag) for member in list_members(if_none_match))
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
    stored: StoredResponse, outcome: ResponseHead | Failure, route: RoutePolicy, timing: Timing
) -> ValidationDecision:
    """What an attempt to validate or replace ``stored`` means (RFC 9111 §4.3.3).

    Relay of a 304 means that it answers no condition of ours (RFC 9111 §4.3.4): it is the client's own where the
    client's conditions were passed on, else the upstream does not speak HTTP.
    """
    if isinstance(outcome, Failure):
        return stand_in(stored, outcome, timing.response_time)
    if outcome.status == NOT_MODIFIED and _is_meant(outcome, stored):
        return Freshened(_freshened(stored, outcome, route, timing))
    if outcome.status in FAILING_STATUSES:
        return stand_in(stored, Failure.FAULTY, timing.response_time)
    return Relay()


def stand_in(stored: StoredResponse | None, failure: Failure, now: float) -> ServeStale | Relay:
    """What may be served because fetching failed: within ``stale_if_error``, then from the archive, else nothing."""
    if stored is None:
        return Relay()
    windows = stored.windows
    if may_serve_stale(stored, max(windows.revalidate, windows.error), now):
        return ServeStale(stored, StaleReason.SHED if failure is Failure.SHED else StaleReason.ERROR)
    if may_serve_stale(stored, windows.archive, now):
        return ServeStale(stored, StaleReason.ARCHIVE)
    return Relay()


def _is_meant(response: ResponseHead, stored: StoredResponse) -> bool:
    """Whether a 304 speaks of this stored response (RFC 9111 §4.3.4)."""
    asked = conditional(stored)
    if not asked.lines:
        return False
    etag = response.fields.joined("etag")
    if etag is None or "if-none-match" not in asked or stored.etag is None:
        return True
    return weakly_equal(etag, stored.etag) if etag.startswith("W/") else strongly_equal(etag, stored.etag)


def _freshened(stored: StoredResponse, response: ResponseHead, route: RoutePolicy, timing: Timing) -> StoredResponse:
    """The stored response with its fields updated (RFC 9111 §3.2) and everything derived from them anew."""
    merged = _merged(stored.fields, response.fields, timing)
    said = response_directives(merged)
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


def _merged(old: Fields, new: Fields, timing: Timing) -> Fields:
    """All fields of the 304 in place of the old ones of the same names (RFC 9111 §3.2).

    Left out are Content-Length, hop-by-hop fields and cookies, which are somebody's. Nothing else: not even
    Content-Type, for the bytes are stored as they came. An old Age and Date say nothing any more.
    """
    update = end_to_end(new).without({"content-length", "set-cookie"})
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
    newly_varying = tokens(merged.fields.joined("vary")) - tokens(stored.fields.joined("vary"))
    is_closed = said.no_store or said.private or bool(newly_varying - {name for name, _ in stored.secondary_key})
    if fresh is None or is_closed:
        # It may answer whoever asked, and nobody else without asking again.
        age = corrected_initial_age(merged.fields, timing)
        return ShelfLife(0.0, age, timing.response_time, stored.cost, Windows(), never_stale=True, always_validate=True)
    shelf = shelf_life(merged, said, route, timing, fresh, stored.target)
    return replace(shelf, windows=Windows()) if stored.negative else shelf
