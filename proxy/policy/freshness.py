"""How long a response is fresh, and how old it is (RFC 9111 §4.2). Arithmetic over values; ``now`` is an argument.

All times are seconds; what is computed when a response arrives is computed here once and kept in StoredResponse.
"""

from enum import Enum, auto
from hashlib import blake2b
from math import floor
from typing import Final

from msgspec import Struct

from proxy.policy.directives import ResponseDirectives
from proxy.policy.field_values import age_value, http_date, is_json
from proxy.policy.messages import Fields, ResponseHead, StoredResponse, Timing, Windows
from proxy.policy.route import Mode, RoutePolicy

FIRST_ERROR_STATUS: Final = 400
HEURISTIC_STATUSES: Final = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})
"""Statuses that are heuristically cacheable (RFC 9110 §15.1)."""
HEURISTIC_PART: Final = 0.1
"""Of the time since the last modification (RFC 9111 §4.2.2)."""
LONGEST_HEURISTIC: Final = 7 * 86_400.0
"""Seconds: what nobody said is not believed for longer."""
SKEW: Final = 5.0
"""Seconds by which the clocks of Tambos that share a store may differ."""


class LifetimeSource(Enum):
    """Who said how long a response is fresh."""

    S_MAXAGE = auto()
    MAX_AGE = auto()
    EXPIRES = auto()
    NO_CACHE = auto()
    """no-cache and no lifetime: not fresh for a moment."""
    ROUTE = auto()
    HEURISTIC = auto()
    """A guess: nobody said."""


class Lifetime(Struct, frozen=True):
    """A freshness lifetime in seconds, and who said so."""

    seconds: float
    source: LifetimeSource


# When a response arrives ------------------------------------------------------------------------------------------


def lifetime(response: ResponseHead, said: ResponseDirectives, route: RoutePolicy, timing: Timing) -> Lifetime | None:
    """How long this response is fresh (RFC 9111 §4.2.1); None where neither its fields nor the route say.

    In override mode the route's word comes first, else the response's own; a guess (§4.2.2) comes last. In rfc mode
    ``ttl = 0`` is no word: it fills nothing in, and leaves the rest to the guess.
    """
    by_route = routes_lifetime(response, route)
    if by_route is None or route.mode is Mode.RFC:
        own = explicit_lifetime(response.fields, said, timing)
        if own is not None:
            return own
        if route.heuristic and (not by_route and response.status not in route.ttl_by_status):
            guess = heuristic_lifetime(response, said, timing)
            if guess is not None:
                return guess
    return None if by_route is None else Lifetime(by_route, LifetimeSource.ROUTE)


def explicit_lifetime(fields: Fields, said: ResponseDirectives, timing: Timing) -> Lifetime | None:
    """What the response says itself, most specific first (RFC 9111 §4.2.1)."""
    if said.s_maxage is not None:
        return Lifetime(said.s_maxage, LifetimeSource.S_MAXAGE)
    if said.max_age is not None:
        return Lifetime(said.max_age, LifetimeSource.MAX_AGE)
    expires = None if said.is_targeted else fields.joined("expires")
    if expires is not None:
        until = http_date(expires, timing.response_time)
        return Lifetime(0.0 if until is None else max(0.0, until - origin_date(fields, timing)), LifetimeSource.EXPIRES)
    return Lifetime(0.0, LifetimeSource.NO_CACHE) if said.no_cache else None


def heuristic_lifetime(response: ResponseHead, said: ResponseDirectives, timing: Timing) -> Lifetime | None:
    """A tenth of the time since it was modified last, for statuses known for that and for ``public`` (RFC 9111 §4.2.2).

    Nothing at all (0), yet something to validate, where there is an entity-tag alone.
    """
    if response.status not in HEURISTIC_STATUSES and not said.public:
        return None
    modified = http_date(response.fields.joined("last-modified") or "", timing.response_time)
    if modified is None:
        return Lifetime(0.0, LifetimeSource.HEURISTIC) if "etag" in response.fields else None
    seconds = HEURISTIC_PART * (origin_date(response.fields, timing) - modified)
    return Lifetime(min(max(0.0, seconds), LONGEST_HEURISTIC), LifetimeSource.HEURISTIC)


def routes_lifetime(response: ResponseHead, route: RoutePolicy) -> float | None:
    """What the route says of such a response: of its status by name, else of a 200; None: nothing.

    ``ttl`` fills in for JSON only. In override mode it holds for every 200, but on a route with verdicts one that
    is not JSON cannot be judged, and is not taken for a good answer.
    """
    named = route.ttl_by_status.get(response.status)
    if named is not None or response.status != 200:  # noqa: PLR2004 - the one status that ``ttl`` means
        return named
    holds_for_all = route.mode is Mode.OVERRIDE and not route.verdicts
    return route.ttl if holds_for_all or is_json(response.fields.joined("content-type")) else None


def origin_date(fields: Fields, timing: Timing) -> float:
    """The response's Date, or when it was received where that says nothing (RFC 9110 §6.6.1)."""
    text = fields.joined("date")
    date = None if text is None else http_date(text, timing.response_time)
    return timing.response_time if date is None else date


def corrected_initial_age(fields: Fields, timing: Timing) -> float:
    """How old a response already was when it arrived (RFC 9111 §4.2.3); never negative.

    Date has whole seconds: of the apparent age the part of one is as likely its rounding, and max-age=1 means a second.
    """
    apparent_age = max(0.0, float(floor(timing.response_time - origin_date(fields, timing))))
    response_delay = max(0.0, timing.response_time - timing.request_time)
    return max(apparent_age, age_value(fields.joined("age")) + response_delay)


def jittered(seconds: float, jitter: float, seed: str) -> float:
    """Take up to the part ``jitter`` (0-1) off, evenly spread over seeds, always the same for the same seed."""
    if not jitter:
        return seconds
    spread = int.from_bytes(blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=8).digest()) / 2**64
    return seconds * (1 - jitter * spread)


def shortened(fresh: Lifetime | None, route: RoutePolicy) -> Lifetime:
    """The lifetime of an answer that a verdict called negative: the route's for such, or less where its own is less."""
    if fresh is not None and fresh.source is not LifetimeSource.ROUTE and fresh.seconds < route.negative_ttl:
        return fresh
    return Lifetime(route.negative_ttl, LifetimeSource.ROUTE)


class ShelfLife(Struct, frozen=True):
    """Everything about time that a StoredResponse keeps."""

    lifetime: float
    initial_age: float
    response_time: float
    cost: float
    windows: Windows
    never_stale: bool = False
    always_validate: bool = False
    negative: bool = False


def shelf_life(
    response: ResponseHead, said: ResponseDirectives, route: RoutePolicy, timing: Timing, fresh: Lifetime, seed: str
) -> ShelfLife:
    """Derive what is kept of time, for a response whose lifetime is ``fresh``. ``seed`` spreads the jitter."""
    initial_age = corrected_initial_age(response.fields, timing)
    by_route = fresh.source is LifetimeSource.ROUTE
    seconds = fresh.seconds
    if by_route:
        # The operator's clock starts when the answer is here, however long it was under way and whatever an
        # upstream with a wrong clock dated it: §4.2.3 is about lifetimes that the origin counted from its Date.
        seconds = jittered(seconds, route.jitter, f"{seed} {timing.response_time!r}") + initial_age
    is_ruled = by_route and route.mode is Mode.OVERRIDE
    must_validate = said.must_revalidate or said.proxy_revalidate or said.no_cache  # §5.2.2.2, §5.2.2.8, §5.2.2.4
    if must_validate and not is_ruled:
        windows, never_stale = Windows(), True
    elif said.s_maxage is not None and not is_ruled:
        # s-maxage carries proxy-revalidate with it (§5.2.2.10): what an operator wishes does not lift that, but an
        # origin that names a window beside it has said what it means.
        windows = _origins_windows(said)
        never_stale = windows.last == 0
    else:
        windows, never_stale = _windows(response, said, route, fresh), False
    always_validate = said.no_cache and not is_ruled
    return ShelfLife(seconds, initial_age, timing.response_time, timing.cost, windows, never_stale, always_validate)


def _windows(response: ResponseHead, said: ResponseDirectives, route: RoutePolicy, fresh: Lifetime) -> Windows:
    """The windows after freshness: the route's, and where it says nothing the origin's (RFC 5861).

    The route's keep good answers; an error lives as long as it was given and no longer. Where nobody names a window,
    what was fresh once may stand in for an upstream that does not answer (RFC 9111 §4.2.4).
    """
    own = _origins_windows(said)
    if response.status >= FIRST_ERROR_STATUS:
        return own
    revalidate, error = route.stale_while_revalidate, route.stale_if_error
    is_named = any(
        window is not None for window in (revalidate, error, said.stale_while_revalidate, said.stale_if_error)
    )
    is_for_disconnection = not is_named and fresh.seconds > 0 and route.mode is Mode.RFC
    return Windows(
        own.revalidate if revalidate is None else revalidate,
        own.error if error is None else error,
        route.archive,
        route.stale_on_disconnect if is_for_disconnection else 0.0,
    )


def _origins_windows(said: ResponseDirectives) -> Windows:
    return Windows(float(said.stale_while_revalidate or 0), float(said.stale_if_error or 0))


# When it is looked at ---------------------------------------------------------------------------------------------


def current_age(stored: StoredResponse, now: float) -> float:
    """Seconds since the origin made or validated it (RFC 9111 §4.2.3). A clock set back counts as no time passed."""
    return stored.corrected_initial_age + max(0.0, now - stored.response_time)


def freshness_left(stored: StoredResponse, now: float) -> float:
    """Seconds of freshness left; 0 or less when stale, and at most 0 when it ended before its time."""
    left = stored.freshness_lifetime - current_age(stored, now)
    return min(left, 0.0) if is_cut_short(stored, now) else left


def is_cut_short(stored: StoredResponse, now: float) -> bool:
    """Whether its freshness ended before its time: by a purge, or because it was stored later than now. Then a clock
    was set back, here or where it was stored, and nobody can tell how old it is."""
    return stored.is_ended or not _is_of_the_past(stored, now)


def _is_of_the_past(stored: StoredResponse, now: float) -> bool:
    return stored.response_time <= now + SKEW


def may_serve_stale(stored: StoredResponse, window: float, now: float) -> bool:
    """Whether it may be served although not fresh, ``window`` seconds from the end of its freshness (RFC 9111 §4.2.4).

    What a purge ended early may be, until the moment its freshness would have ended by itself: a soft purge asks
    for a refresh, not for a gap. A negative answer has no such grace.
    """
    if stored.never_stale or stored.always_validate:
        return False
    left = stored.freshness_lifetime - current_age(stored, now)
    if left > 0:
        # What only a clock set back made stale has no grace: it may be older than it looks by any time.
        return not (stored.is_ended and stored.negative) if _is_of_the_past(stored, now) else window > 0
    return -left < window
