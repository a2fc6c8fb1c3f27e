"""Warms one URL: looks whether it is stored and fresh, else has it fetched behind everybody else. Knows no list, and
never waits for a client's sake."""

import asyncio
from math import inf
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from proxy.errors import UNASKED, StoreUnavailable
from proxy.exchange.ask import MOST_TRIES, Ask, is_for
from proxy.exchange.causes import Cause
from proxy.exchange.missing import missing
from proxy.exchange.serve import Exchange
from proxy.exchange.singleflight import Alone, Failed, FillOutcome, Shared, Spoken
from proxy.policy.cache_key import selects
from proxy.policy.disposition import (
    Forward,
    Reuse,
    ReuseWhileRevalidating,
    Shareable,
    StaleReason,
    Unsatisfiable,
    Validate,
)
from proxy.policy.messages import RequestHead
from proxy.policy.partial import usable
from proxy.policy.reuse import choose
from proxy.policy.route import match_route
from proxy.policy.storability import admit
from proxy.policy.validation import conditional

USUAL_PAUSE: Final = 5.0
"""Seconds until what could not be tried is tried again, where nobody knows better."""


class Warmed(Struct, frozen=True):
    """It was fetched, and is kept."""


class Fresh(Struct, frozen=True):
    """It is stored, and fresh still."""


class Later(Struct, frozen=True):
    """The upstream is to be left alone for so many seconds: it was not asked."""

    seconds: float
    why: str


class Unwarmed(Struct, frozen=True):
    """It could not be fetched, or may not be kept; ``why``: for the operator."""

    why: str
    is_passing: bool = False
    """The answer was good, and could not be kept at that moment."""


Warming: TypeAlias = Warmed | Fresh | Later | Unwarmed


async def warm(exchange: Exchange, request: RequestHead, fetched_since: float = inf) -> Warming:
    """Warm what this request asks for. ``fetched_since``: what is fresh is fetched too, unless it came after this wall
    second; inf: what is fresh is left alone.

    A fetch under way is waited for; where it brings another variant, there is another look, MOST_TRIES in all.
    """
    tries = 0
    while True:
        ask = await _looked_up(exchange, request, fetched_since)
        if not isinstance(ask, Ask):
            return ask
        other = exchange.launcher.joinable(ask) if tries < MOST_TRIES else None
        if other is None:
            return await _fetched(exchange, ask)
        outcome = await asyncio.shield(other.outcome)
        if _is_for(ask, outcome):
            return _read(exchange, ask, outcome)
        tries += 1


async def _looked_up(exchange: Exchange, request: RequestHead, fetched_since: float) -> "Ask | Warming":
    """What to fetch, or why nothing is."""
    match = match_route(exchange.routes, request.method, request.path)
    admission = admit(request, match.route)
    if not isinstance(admission, Shareable):
        reason = getattr(admission, "reason", "authorization")
        return Unwarmed(f"route {match.route.name!r} keeps nothing of the kind ({reason})")
    key = exchange.refresher.keys.of(request, match)
    try:
        found = await exchange.store.lookup(key)
    except StoreUnavailable as error:
        return Later(USUAL_PAUSE, f"the store does not answer ({error.operation})")
    ask = Ask(request, match, key, admission, found.position)
    match choose(request, usable(request, found.candidates), match.route, exchange.clock.now()):
        case Reuse(stored):
            if stored.response_time >= fetched_since or fetched_since == inf:
                return Fresh()
            ask = replace(ask, stale=stored, conditional=conditional(stored))
        case ReuseWhileRevalidating(stored, fields) | Validate(stored, fields):
            ask = replace(ask, stale=stored, conditional=fields)
        case Forward(reason):
            ask = missing(ask, reason, found.candidates)
        case Unsatisfiable():
            return Unwarmed("it says only-if-cached")
    return ask


async def _fetched(exchange: Exchange, ask: Ask) -> Warming:
    if (flight := exchange.launcher.background(ask, Cause.WARM)) is None:
        return _left_alone(exchange, ask)
    outcome = await asyncio.shield(flight.own)  # to its very end: until then it takes up a place
    return _read(exchange, ask, outcome) if _is_for(ask, outcome) else Later(0.0, "another variant was fetched")


def _is_for(ask: Ask, outcome: FillOutcome) -> bool:
    """Whether it is the variant that this request asks for."""
    match outcome:
        case Shared(stored):
            return selects(stored.secondary_key, ask.request)
        case Spoken():
            return is_for(ask, outcome)
        case Alone() | Failed():
            return True


def _left_alone(exchange: Exchange, ask: Ask) -> Later:
    match exchange.launcher.held_back(ask.key.text):
        case StaleReason.HOLDOFF:
            return _held_off(exchange, ask)
        case StaleReason.BREAKER:
            return Later(exchange.refresher.guard.retry_after(1), "the upstream keeps failing and is left alone")
        case _:
            return Later(USUAL_PAUSE, "too much is being fetched")


def _held_off(exchange: Exchange, ask: Ask) -> Later:
    setback = exchange.hold_off.setback(ask.key.text)
    left = USUAL_PAUSE if setback is None else setback.until - exchange.clock.monotonic()
    return Later(left, "it failed a moment ago")


def _read(exchange: Exchange, ask: Ask, outcome: FillOutcome) -> Warming:
    match outcome:
        case Shared(reason=None):
            return Warmed()
        case Failed(is_held_off=True):
            return _held_off(exchange, ask)
        case Failed(error) if error.failure in UNASKED:
            return Later(error.retry_after or USUAL_PAUSE, "the upstream is busy")
        case _:
            return Unwarmed(_why(outcome), is_passing=isinstance(outcome, Shared))


def _why(outcome: FillOutcome) -> str:
    match outcome:
        case Shared(reason=reason):
            return f"fetched, but not kept: {reason}"
        case Spoken(is_faulty=True, upstream_status=status):
            return f"the upstream answered {status} with an error in it (a verdict's failure)"
        case Spoken(upstream_status=status, reason=reason):
            return f"the upstream answered {status}, which is not kept: {reason}"
        case Alone():
            return "the upstream's answer may not be kept"
        case Failed(error):
            return f"{error.failure}: {error.detail}"
