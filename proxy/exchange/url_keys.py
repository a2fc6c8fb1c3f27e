"""Under which keys something may be stored for a URL: those of every route that a request for it may take. Pure."""

from proxy.policy.cache_key import CacheKey, cache_key
from proxy.policy.messages import Fields, RequestHead
from proxy.policy.route import Match, RoutePolicy, match_route


def matches_of(routes: tuple[RoutePolicy, ...], target: str) -> tuple[Match, ...]:
    """How a GET goes, and a QUERY where its content is part of what is stored (RFC 10008 §2.7)."""
    path = target.partition("?")[0]
    get, query = (match_route(routes, method, path) for method in ("GET", "QUERY"))
    return (get, query) if "QUERY" in query.route.methods else (get,)


def keys_of(routes: tuple[RoutePolicy, ...], target: str, authority: str) -> tuple[CacheKey, ...]:
    """The key of each, a GET's first; what is stored by content is kin to it (``kinship``)."""
    request = RequestHead("GET", target, Fields(), authority=authority)
    return tuple(dict.fromkeys(cache_key(request, match) for match in matches_of(routes, target)))
