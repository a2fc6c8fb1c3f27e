"""Which answers to POST may answer later GETs (RFC 9110 §9.3.3). Decides; stores nothing."""

from typing import Final

from msgspec.structs import replace

from proxy.policy.directives import response_directives
from proxy.policy.disposition import PassThrough
from proxy.policy.freshness import LifetimeSource, explicit_lifetime
from proxy.policy.invalidation import targets_named
from proxy.policy.messages import RequestHead, ResponseHead, Timing
from proxy.policy.route import ForwardFields, Mode, RoutePolicy
from proxy.policy.storability import admit

METHOD: Final = "POST"
_OK: Final = 200


def as_get(request: RequestHead) -> RequestHead:
    """The GET that the answer to this POST would be for: of the same target, with the same fields."""
    return replace(request, method="GET", has_content=False)


def may_be_kept(request: RequestHead, route: RoutePolicy) -> bool:
    """Whether the answer to this POST may be looked at. ``route``: the one that GETs of its target take.

    A route has to name POST. A ``strict`` one keeps none: a POST's fields reach the upstream all of them, so that the
    answer may depend on some that no GET would send.
    """
    if request.method != METHOD or METHOD not in route.methods:
        return False
    if route.mode is not Mode.RFC or route.forward_fields is not ForwardFields.ALL:
        return False
    return not isinstance(admit(as_get(request), route), PassThrough)


def is_for_gets(request: RequestHead, response: ResponseHead, timing: Timing, upstream: str) -> bool:
    """Whether the answer says that a GET would bring the same: by explicit freshness, and by a Content-Location that
    is the target's own (§8.7). ``upstream``: as for ``invalidated_targets``."""
    located = response.fields.all("content-location")
    if response.status != _OK or len(located) != 1:
        return False
    own = explicit_lifetime(response.fields, response_directives(response.fields), timing)
    if own is None or own.source is LifetimeSource.NO_CACHE:
        return False
    return request.target in targets_named(located[0], request, upstream)
