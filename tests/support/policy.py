"""Short ways to ask the policy: a route, a rule, and what ``assess`` says of a response."""

from collections.abc import Mapping
from typing import Any

import jmespath

from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import Storable, StoreDecision, Verdict
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse, Timing
from proxy.policy.route import Match, Mode, RoutePolicy, VerdictRule, compile_pattern
from proxy.policy.storability import assess
from tests.support.builders import T0, a_request

JSON = ("Content-Type", "application/json")
AT_T0 = Timing(T0, T0, 0.25)

Lines = Mapping[str, str] | tuple[tuple[str, str], ...]


def a_route(path: str = "/**", **changes: Any) -> RoutePolicy:
    """A route that matches everything and has no lifetime of its own; ``changes`` are fields of RoutePolicy."""
    return RoutePolicy(**{"name": "r", "pattern": compile_pattern(path), **changes})


def an_override(**changes: Any) -> RoutePolicy:
    """A route that decides itself: an hour."""
    return a_route(**{"mode": Mode.OVERRIDE, "ttl": 3600.0, **changes})


def a_rule(when: str, verdict: Verdict, status: int | None = None) -> VerdictRule:
    """A compiled body rule."""
    return VerdictRule(when, jmespath.compile(when), verdict, status)


def a_head(lines: Lines = (), status: int = 200) -> ResponseHead:
    """A response head that is JSON; ``lines`` come behind."""
    more = tuple(lines.items()) if isinstance(lines, Mapping) else lines
    named = {name.lower() for name, _ in more}
    return ResponseHead(status, Fields([line for line in (JSON,) if line[0].lower() not in named] + list(more)), "")


def match_of(request: RequestHead, route: RoutePolicy) -> Match:
    """The match of a request on its route."""
    return Match(route, route.pattern.captures(request.path) or {})


def assessed(
    response: ResponseHead,
    route: RoutePolicy | None = None,
    request: RequestHead | None = None,
    body: bytes | None = b"{}",
    timing: Timing = AT_T0,
) -> StoreDecision:
    """What ``assess`` says."""
    request, route = request or a_request(), route or a_route()
    match = match_of(request, route)
    return assess(request, response, body, match, cache_key(request, match), timing)


def stored_as(
    response: ResponseHead,
    route: RoutePolicy | None = None,
    request: RequestHead | None = None,
    body: bytes | None = b"{}",
    timing: Timing = AT_T0,
) -> StoredResponse:
    """What is stored of a response that must be storable."""
    decision = assessed(response, route, request, body, timing)
    assert isinstance(decision, Storable), decision
    return decision.stored
