"""RFC 9111 §4.4, RFC 9875: what an unsafe request makes doubtful, by target and by group. Names it; removes nothing."""

from collections.abc import Iterable
from typing import Final, TypeAlias
from urllib.parse import urljoin, urlsplit

from proxy.policy.messages import RequestHead, ResponseHead
from proxy.policy.tags import bounded, groups

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"})
"""Registered as safe (RFC 9110 §9.2.1, §16.1); a method that is not known is unsafe."""

_ALSO_NAMED: Final = ("location", "content-location")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_Origin: TypeAlias = tuple[str, str, int]


def invalidates(request: RequestHead, response: ResponseHead) -> bool:
    """Whether an unsafe request succeeded (2xx or 3xx), so that what is stored for its target may no longer hold."""
    return request.method not in SAFE_METHODS and response.status // 100 in (2, 3)


def invalidated_targets(request: RequestHead, response: ResponseHead, upstream: str) -> tuple[str, ...]:
    """The raw targets whose stored responses may no longer hold: the request's own, and those that Location and
    Content-Location name on the same origin (RFC 9111 §4.4), each once.

    That origin has two names: the one the client used, and ``upstream``, the URL it has for us, whose path stands in
    front of the targets that only the upstream sees. A reference to any other origin invalidates nothing.
    """
    if not invalidates(request, response) or not request.target.startswith("/"):
        return ()
    targets = [request.target]
    for name in _ALSO_NAMED:
        for reference in response.fields.all(name)[:1]:
            targets += targets_named(reference, request, upstream)
    return tuple(dict.fromkeys(targets))


def invalidated_groups(request: RequestHead, response: ResponseHead) -> tuple[str, ...]:
    """The groups that a response to an unsafe request ends, whatever its status (RFC 9875 §3); no other is heard."""
    if request.method in SAFE_METHODS:
        return ()
    return bounded(groups(response.fields.joined("cache-group-invalidation")))


def targets_named(reference: str, request: RequestHead, upstream: str) -> Iterable[str]:
    """The raw targets that a reference in an answer to ``request`` names; none where it is to another origin."""
    own = f"{request.scheme}://{request.authority}" if request.authority else upstream
    try:
        url = urlsplit(urljoin(f"{own}{request.target}" if request.authority else own, reference))
        base = urlsplit(upstream)
        if _origin(url.scheme, url.netloc) not in (_origin(request.scheme, request.authority), _origin(*base[:2])):
            return
    except ValueError:
        return  # not a reference that anybody could resolve
    query = f"?{url.query}" if url.query else ""
    prefix = base.path.rstrip("/")
    yield (url.path or "/") + query
    if prefix and url.path.startswith(f"{prefix}/"):
        yield url.path.removeprefix(prefix) + query


def _origin(scheme: str, authority: str) -> _Origin:
    """Scheme, host and port (RFC 9110 §4.3.1), so that equal ones compare equal. Raises ValueError."""
    url = urlsplit(f"//{authority}")
    port = _DEFAULT_PORTS.get(scheme.lower(), 0) if url.port is None else url.port
    return scheme.lower(), (url.hostname or "").lower(), port
