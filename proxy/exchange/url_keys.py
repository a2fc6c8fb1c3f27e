"""Under which keys something may be stored for a URL: those of every route that a request for it may take. Pure."""

from proxy.policy.cache_key import CacheKey, cache_key, kinship
from proxy.policy.messages import Fields, RequestHead
from proxy.policy.route import Match, RoutePolicy, match_route


def matches_of(routes: tuple[RoutePolicy, ...], target: str) -> tuple[Match, ...]:
    """How a GET goes, and a QUERY where its content is part of what is stored (RFC 10008 §2.7)."""
    path = target.partition("?")[0]
    get, query = (match_route(routes, method, path) for method in ("GET", "QUERY"))
    return (get, query) if "QUERY" in query.route.methods else (get,)


def keys_of(routes: tuple[RoutePolicy, ...], target: str, authority: str) -> tuple[CacheKey, ...]:
    """The key of each, a GET's first. What is stored by content is kin to its route's key, and purged with whatever is
    kin to it as well: such a key is left out."""
    request = RequestHead("GET", target, Fields(), authority=authority)
    keys = [cache_key(request, match) for match in matches_of(routes, target)]
    return tuple({kinship(key.text): key for key in reversed(keys)}.values())[::-1]
