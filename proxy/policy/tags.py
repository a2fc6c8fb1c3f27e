"""The tags of a response: what a purge can name besides its URL. Reads them from fields and route; purges nothing."""

from collections.abc import Iterable, Mapping
from typing import Final

import http_sf

from proxy.policy.cache_key import expand
from proxy.policy.field_values import list_members
from proxy.policy.messages import Fields
from proxy.policy.route import RoutePolicy

TAG_FIELDS: Final = frozenset({"cache-groups", "surrogate-key", "cache-tag", "xkey"})
"""Where upstreams write tags; kept with the response, shown to clients only where the route says so."""
MOST_TAGS: Final = 128
LONGEST_TAG: Final = 256
"""Bounds above what RFC 9875 §2 asks to support (32 groups of 32 characters); what is beyond is left out."""


def response_tags(fields: Fields, route: RoutePolicy, captures: Mapping[str, str]) -> tuple[str, ...]:
    """The tags of a response that arrived: the route's own first, each once."""
    return bounded([*(expand(template, captures) for template in route.tags), *field_tags(fields)])


def field_tags(fields: Fields) -> Iterable[str]:
    """The tags the upstream wrote: Cache-Groups (RFC 9875), Surrogate-Key, Cache-Tag, xkey."""
    yield from groups(fields.joined("cache-groups"))
    for name in ("surrogate-key", "xkey"):
        for line in fields.all(name):
            yield from line.split()
    yield from list_members(fields.joined("cache-tag") or "")


def bounded(tags: Iterable[str]) -> tuple[str, ...]:
    """At most so many tags, none too long or empty, each once, in order."""
    return tuple(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= LONGEST_TAG))[:MOST_TAGS]


def groups(value: str | None) -> list[str]:
    """The strings of a structured list, as Cache-Groups and Cache-Group-Invalidation are (RFC 9875 §2, §3); none where
    it cannot be parsed (RFC 9651 §4.2)."""
    if value is None:
        return []
    try:
        members = http_sf.parse(value.encode("latin-1"), tltype="list")
    except (ValueError, RecursionError):
        return []
    bare = (
        [member[0] if isinstance(member, tuple) else member for member in members] if isinstance(members, list) else []
    )
    return [group for group in bare if type(group) is str]
