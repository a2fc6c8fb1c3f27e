"""What would become of a request that came now, from what is known of it. Pure: the exchange's own decisions, in the
exchange's own order; asks nobody and changes nothing.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import floor
from typing import assert_never

from msgspec import Struct

from proxy.errors import Failure
from proxy.exchange.holdoff import Setback
from proxy.exchange.operating import Operating, OperatingMode
from proxy.policy import dispositions
from proxy.policy.cache_key import CacheKey
from proxy.policy.disposition import (
    Admission,
    Disposition,
    Forward,
    ForwardReason,
    NotStoredReason,
    PassThrough,
    RequestDecision,
    Reuse,
    ReuseWhileRevalidating,
    ServeStale,
    StaleReason,
    Unsatisfiable,
    Validate,
)
from proxy.policy.freshness import freshness_left
from proxy.policy.messages import RequestHead, StoredResponse
from proxy.policy.partial import usable
from proxy.policy.reuse import choose, of_any_age, wants_stored_only
from proxy.policy.route import Match, RoutePolicy
from proxy.policy.validation import held_off, stand_in

_OK = 200


class Act(StrEnum):
    """What Tambo would do."""

    REUSE = "reuse"
    REUSE_AND_REFRESH = "reuse-and-refresh"
    STAND_IN = "stand-in"
    """A stale answer, without asking: asking failed lately, or would not even be let through."""
    JOIN = "join"
    """Wait for a fetch that is under way."""
    VALIDATE = "validate"
    FETCH = "fetch"
    PASS = "pass"  # noqa: S105 - not a secret
    REFUSE = "refuse"
    """An answer of Tambo's own: 503 or 504."""
    DEPENDS = "depends"
    """Nobody can say without the request's content."""


class Facts(Struct, frozen=True):
    """Everything that decides about one request at one moment."""

    request: RequestHead
    routes: Sequence[RoutePolicy]
    match: Match
    admission: Admission
    operating: Operating
    now: float
    """Wall seconds."""
    key: CacheKey | None = None
    """None: nothing is looked up."""
    url_key: CacheKey | None = None
    """What the key would be if no answer had said No-Vary-Search."""
    candidates: Sequence[StoredResponse] = ()
    is_store_out: bool = False
    setback: Setback | None = None
    held_for: float = 0.0
    """Seconds for which the key is left alone yet."""
    held_back: StaleReason | None = None
    """Why nothing is fetched now that nobody waits for."""
    is_under_way: bool = False
    """Whether a fetch could be joined."""
    is_breaker_open: bool = False


class Outlook(Struct, frozen=True):
    """What would be done; ``dispositions``: what the answer would say of itself, the likeliest first."""

    act: Act
    dispositions: Sequence[Disposition]
    decision: RequestDecision | None = None
    stored: StoredResponse | None = None
    """What would be answered from, validated, or may stand in."""
    reason: StaleReason | NotStoredReason | ForwardReason | None = None
    fallback: ServeStale | None = None
    """What stands in if the upstream cannot be reached."""


def foresee(facts: Facts) -> Outlook:
    """What would be done."""
    match facts.operating.mode:
        case OperatingMode.NORMAL:
            return _normally(facts)
        case OperatingMode.OFFLINE:
            return _offline(facts)
        case OperatingMode.BYPASS:
            return _passed(NotStoredReason.MODE)
        case _:
            assert_never(facts.operating.mode)


def _normally(facts: Facts) -> Outlook:
    admission, request = facts.admission, facts.request
    if isinstance(admission, PassThrough):
        if wants_stored_only(request, admission):
            return Outlook(Act.REFUSE, [dispositions.unsatisfiable()], Unsatisfiable(), reason=admission.reason)
        return _passed(admission.reason)
    if request.method == "QUERY":
        return Outlook(Act.DEPENDS, [])
    return _from_store(facts, choose(request, usable(request, facts.candidates), facts.match.route, facts.now))


def _from_store(facts: Facts, decision: RequestDecision) -> Outlook:
    match decision:
        case Reuse(stored):
            ttl = _ttl(stored, facts.now)
            return Outlook(Act.REUSE, [_hit(stored, ttl)], decision, stored)
        case ReuseWhileRevalidating(stored):
            return _refreshed(facts, decision, stored)
        case Validate(stored, _, why):
            return _spared(facts, decision, stored, why) or _fetched(facts, decision, stored, why)
        case Forward(why):
            return _fetched(facts, decision, None, why)
        case Unsatisfiable():
            return Outlook(Act.REFUSE, [dispositions.unsatisfiable()], decision)
        case _:
            assert_never(decision)


def _hit(stored: StoredResponse, ttl: int) -> Disposition:
    return dispositions.negative_hit(ttl) if stored.negative else dispositions.hit(ttl)


def _refreshed(facts: Facts, decision: RequestDecision, stored: StoredResponse) -> Outlook:
    if facts.held_back is not None:
        return _stood_in(facts, decision, ServeStale(stored, facts.held_back))
    said = dispositions.revalidating(_ttl(stored, facts.now), is_running=facts.is_under_way)
    return Outlook(Act.REUSE_AND_REFRESH, [said], decision, stored)


def _spared(facts: Facts, decision: RequestDecision, stored: StoredResponse, why: ForwardReason) -> Outlook | None:
    """Nobody waits for the next failure of a key that failed lately."""
    if why is not ForwardReason.STALE or facts.setback is None:
        return None
    spared = held_off(stored, facts.setback.failure, facts.now)
    return _stood_in(facts, decision, spared) if isinstance(spared, ServeStale) else None


def _fetched(facts: Facts, decision: RequestDecision, stored: StoredResponse | None, why: ForwardReason) -> Outlook:
    fallback = _if_it_fails(stored, Failure.UNREACHABLE, facts.now)
    if facts.is_under_way:
        return Outlook(Act.JOIN, [dispositions.collapsed(why)], decision, stored, why, fallback)
    if facts.is_breaker_open:
        spared = _if_it_fails(stored, Failure.BREAKER, facts.now)
        if spared is not None:
            return _stood_in(facts, decision, spared)
        said = dispositions.unanswered(why, Failure.BREAKER)
        return Outlook(Act.REFUSE, [said], decision, stored, StaleReason.BREAKER)
    fresh = dispositions.fetched(why, _OK, None)
    if facts.request.method == "HEAD":
        fresh = dispositions.head_miss(why)
    if stored is None:
        return Outlook(Act.FETCH, [fresh], decision, None, why, fallback)
    return Outlook(Act.VALIDATE, [fresh, dispositions.revalidated(why, stored=True)], decision, stored, why, fallback)


def _if_it_fails(stored: StoredResponse | None, failure: Failure, now: float) -> ServeStale | None:
    concluded = stand_in(stored, failure, now)
    return concluded if isinstance(concluded, ServeStale) else None


def _stood_in(facts: Facts, decision: RequestDecision, stale: ServeStale) -> Outlook:
    said = dispositions.stood_in(_ttl(stale.stored, facts.now), stale.reason)
    return Outlook(Act.STAND_IN, [said], decision, stale.stored, stale.reason)


def _passed(reason: NotStoredReason) -> Outlook:
    said = dispositions.passed() if reason is NotStoredReason.METHOD else dispositions.bypassed(reason)
    return Outlook(Act.PASS, [said], reason=reason)


def _offline(facts: Facts) -> Outlook:
    if facts.key is not None:
        usables = usable(facts.request, facts.candidates)
        stored = of_any_age(facts.request, usables, facts.match.route)
        if stored is not None:
            ttl = _ttl(stored, facts.now)
            said = _hit(stored, ttl) if ttl > 0 else dispositions.offline(ttl)
            return Outlook(Act.REUSE, [said], stored=stored, reason=NotStoredReason.MODE)
    said = dispositions.unanswered(ForwardReason.BYPASS, NotStoredReason.MODE)
    return Outlook(Act.REFUSE, [said], reason=NotStoredReason.MODE)


def _ttl(stored: StoredResponse, now: float) -> int:
    return floor(freshness_left(stored, now))
