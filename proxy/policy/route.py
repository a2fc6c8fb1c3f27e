"""What an operator may say of a route, and which route a request takes. Knows no file format and reads no response."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from proxy.policy.disposition import Verdict

DEFAULT_STATUSES = frozenset({200, 203, 204, 300, 301, 302, 307, 308, 404, 410})
"""Statuses stored when they come with explicit freshness, unless the route says otherwise."""

_NOTHING: Mapping[int, float] = MappingProxyType({})


class Mode(StrEnum):
    """Who decides how long an answer is kept."""

    RFC = "rfc"
    """The upstream's headers; ``ttl`` fills in where there are none."""
    OVERRIDE = "override"
    """This route; what RFC 9111 forbids for privacy still holds."""


class ForwardFields(StrEnum):
    """Which request fields reach the upstream when the answer may be shared."""

    STRICT = "strict"
    ALL = "all"


class Condition(Protocol):
    """A compiled expression over parsed JSON (JMESPath)."""

    def search(self, value: object, /) -> object:
        """The expression's result for this document."""
        ...


@dataclass(frozen=True, slots=True)
class VerdictRule:
    """``when`` this is true of a JSON body, the answer is ``verdict``; ``status`` rewrites a failure's status."""

    when: str
    condition: Condition
    verdict: Verdict
    status: int | None = None


@dataclass(frozen=True, slots=True)
class QueryRule:
    """How the query enters the key (and, where the answer may be shared, the wire: both are always the same)."""

    sort: bool = False
    ignore: tuple[str, ...] = ()
    """Parameter names left out; ``*`` stands for any rest."""


@dataclass(frozen=True, slots=True)
class KeyRule:
    """What the primary key is made of, and which request fields select among the stored responses under it."""

    template: str | None = None
    """``sunat:ruc:{ruc}``: captures of the path in braces. None: the raw path."""
    query: QueryRule = QueryRule()
    fields: tuple[str, ...] = ()
    """Lower-case request field names that always select, as if the upstream had named them in Vary."""
    host: bool = False
    """The client's Host is part of the key, and is passed to the upstream."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """``/obtener-ruc/{ruc:[0-9]{11}}``: matched on the raw path, whole."""

    text: str
    regex: re.Pattern[str]

    def captures(self, path: str) -> Mapping[str, str] | None:
        """The raw captured segments by name, or None where the path does not match."""
        found = self.regex.fullmatch(path)
        return None if found is None else found.groupdict()


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """One route, all lifetimes in seconds, all sizes in bytes. None in a window: as the upstream's headers say."""

    name: str
    pattern: PathPattern
    methods: frozenset[str] = frozenset({"GET", "HEAD"})
    cache: bool = True
    mode: Mode = Mode.RFC
    ttl: float = 0.0
    ttl_by_status: Mapping[int, float] = field(default_factory=lambda: _NOTHING)
    negative_ttl: float = 60.0
    jitter: float = 0.0
    """0-1: up to this part of a lifetime that came from here (never of the upstream's) is taken off, evenly spread."""
    stale_while_revalidate: float | None = None
    stale_if_error: float | None = None
    archive: float = 0.0
    key: KeyRule = KeyRule()
    tags: tuple[str, ...] = ()
    """Templates like the key's."""
    verdicts: tuple[VerdictRule, ...] = ()
    statuses: frozenset[int] | None = DEFAULT_STATUSES
    """None: every final status."""
    cookies_ignored: bool = False
    store_set_cookie: bool = False
    forward_fields: ForwardFields = ForwardFields.ALL
    forward: tuple[str, ...] = ()
    """Further lower-case field names that ``strict`` passes on."""
    made_etag: bool = True
    max_object: int = 8 * 1024 * 1024
    max_variants: int = 64
    expose_tags: bool = False
    debug_headers: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """The route a request takes, with what its path pattern captured (raw)."""

    route: RoutePolicy
    captures: Mapping[str, str]


def match_route(routes: Sequence[RoutePolicy], method: str, path: str) -> Match:
    """The first route that takes this method and raw path.

    The last of ``routes`` must match everything (the built-in one does); an unsafe method takes the first route
    whose path matches, whatever its methods, so that its answer is counted and invalidates where it belongs.
    """
    unsafe = method not in ("GET", "HEAD")
    for route in routes:
        if unsafe or method in route.methods:
            captures = route.pattern.captures(path)
            if captures is not None:
                return Match(route, captures)
    return Match(routes[-1], {})
