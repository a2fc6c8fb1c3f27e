"""Cache directives, typed (RFC 9111 §5.2, RFC 5861, RFC 9213). Reads what the network sent; decides nothing.

Tolerant and strict at once: whatever form a directive has it is heard, and of two that disagree the stricter holds.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

import http_sf
from msgspec import Struct

from proxy.policy.field_values import OWS, SATURATED, TOKEN, delta_seconds, list_members, tokens, unquoted
from proxy.policy.messages import Fields

OWN_FIELD: Final = "tambo-cache-control"
TARGETED_FIELDS: Final = (OWN_FIELD, "cdn-cache-control")
"""Our target list (RFC 9213 §2.2), most specific first; Cache-Control comes after them."""

_REMEMBERED = 512
"""Parsed field values that are kept: origins send the same few. Bounded by number; each by the size of a head."""
_NAME = re.compile(TOKEN)


class Directive(NamedTuple):
    """One directive: its lower-case name and its argument, quotes resolved; None: without ``=``."""

    name: str
    argument: str | None
    is_quoted: bool


class ResponseDirectives(Struct, frozen=True):
    """What a response says of its own storing and reuse; times in seconds, None where unsaid."""

    max_age: int | None = None
    s_maxage: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None
    no_store: bool = False
    no_cache: bool = False
    private: bool = False
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    immutable: bool = False
    withheld: frozenset[str] = frozenset()
    """Fields that ``no-cache="..."`` or ``private="..."`` name, in lower case: kept out of what is stored (§5.2.2.4,
    §5.2.2.7)."""
    is_targeted: bool = False
    """Said by a targeted field: then Expires is not heard either (RFC 9213 §2.2)."""


class RequestDirectives(Struct, frozen=True):
    """What a request asks of caches (RFC 9111 §5.2.1); times in seconds, None where unsaid."""

    max_age: int | None = None
    max_stale: int | None = None
    min_fresh: int | None = None
    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False


_RESPONSE_FLAGS: Final = {
    "no-store": "no_store",
    "no-cache": "no_cache",
    "private": "private",
    "public": "public",
    "must-revalidate": "must_revalidate",
    "proxy-revalidate": "proxy_revalidate",
    "must-understand": "must_understand",
    "immutable": "immutable",
}
_GIVING_LEAVE: Final = frozenset({"public", "must-understand", "immutable"})
_RESPONSE_DELTAS: Final = {
    "max-age": "max_age",
    "s-maxage": "s_maxage",
    "stale-while-revalidate": "stale_while_revalidate",
    "stale-if-error": "stale_if_error",
}


def response_directives(fields: Fields) -> ResponseDirectives:
    """The directives a shared cache obeys: of the first targeted field that parses, else Cache-Control (RFC 9213)."""
    for name in TARGETED_FIELDS:
        value = fields.joined(name)
        if value is not None and (found := _targeted(value)) is not None:
            return found
    value = fields.joined("cache-control")
    return _NOTHING_SAID if value is None else _cache_control(value)


@lru_cache(maxsize=_REMEMBERED)
def request_directives(cache_control: str | None, pragma: str | None) -> RequestDirectives:
    """A request's directives; ``Pragma: no-cache`` only counts without Cache-Control (RFC 9111 §5.4)."""
    if cache_control is None:
        return RequestDirectives(no_cache="no-cache" in tokens(pragma))
    deltas: dict[str, int] = {}
    names = set()
    for name, argument, _ in _directives(cache_control):
        names.add(name)
        if name == "max-stale" and argument is None:
            deltas.setdefault(name, SATURATED)
        elif name == "min-fresh":  # more is stricter here
            deltas[name] = max(delta_seconds(argument or ""), deltas.get(name, 0))
        elif name in ("max-age", "max-stale"):
            deltas[name] = min(delta_seconds(argument or ""), deltas.get(name, SATURATED))
    return RequestDirectives(
        max_age=deltas.get("max-age"),
        max_stale=deltas.get("max-stale"),
        min_fresh=deltas.get("min-fresh"),
        no_cache="no-cache" in names,
        no_store="no-store" in names,
        only_if_cached="only-if-cached" in names,
    )


_NOTHING_SAID: Final = ResponseDirectives()


@lru_cache(maxsize=_REMEMBERED)
def _cache_control(value: str) -> ResponseDirectives:
    return _gathered(_directives(value), is_targeted=False)


@lru_cache(maxsize=_REMEMBERED)
def _targeted(value: str) -> ResponseDirectives | None:
    """A targeted field's directives; None where it is empty or no dictionary, and so does not exist (RFC 9213 §2.1).

    Parameters are ignored, and so is what a directive cannot take: a number of seconds that is no Integer says none,
    and only a Boolean gives leave. What restricts is heard in any form but false.
    """
    try:
        members = http_sf.parse(value.encode("latin-1"), tltype="dictionary")
    except (ValueError, RecursionError):  # StructuredFieldError is a ValueError; so is an encoding that fails
        return None
    if not isinstance(members, dict) or not members:
        return None
    return _gathered(
        (directive for name, member in members.items() if (directive := _member(name, member)) is not None),
        is_targeted=True,
    )


def _member(name: str, member: object) -> Directive | None:
    value = member[0] if isinstance(member, tuple) else member
    if value is True:
        return Directive(name, None, is_quoted=False)
    if value is False or name in _GIVING_LEAVE:
        return None
    if name in _RESPONSE_DELTAS:
        return Directive(name, str(value) if type(value) is int else "", is_quoted=False)
    return Directive(name, str(value), is_quoted=type(value) is str)


def _directives(value: str) -> Iterable[Directive]:
    for member in list_members(value):
        found = _NAME.match(member)
        if found is None:
            continue
        name, rest = found[0].lower(), member[found.end() :]
        if not rest:
            yield Directive(name, None, is_quoted=False)
            continue
        argument = rest[1:] if rest.startswith("=") else rest  # garbage is no argument anybody could read
        content = unquoted(argument)
        yield Directive(name, argument if content is None else content, is_quoted=content is not None)


def _gathered(directives: Iterable[Directive], *, is_targeted: bool) -> ResponseDirectives:
    deltas: dict[str, int] = {}
    flags: dict[str, bool] = {}
    withheld: set[str] = set()
    for name, argument, is_quoted in directives:
        if name in _RESPONSE_DELTAS:
            attribute = _RESPONSE_DELTAS[name]
            deltas[attribute] = min(delta_seconds(argument or ""), deltas.get(attribute, SATURATED))
        elif name in ("no-cache", "private") and is_quoted and (listed := _field_names(argument)):
            withheld |= listed
        elif name in _RESPONSE_FLAGS:
            flags[_RESPONSE_FLAGS[name]] = True
    return ResponseDirectives(
        max_age=deltas.get("max_age"),
        s_maxage=deltas.get("s_maxage"),
        stale_while_revalidate=deltas.get("stale_while_revalidate"),
        stale_if_error=deltas.get("stale_if_error"),
        withheld=frozenset(withheld),
        is_targeted=is_targeted,
        **flags,
    )


def _field_names(argument: str | None) -> frozenset[str]:
    """The fields a directive names; empty (so that it holds for the whole response) where one is no field name."""
    names = [name.strip(OWS).lower() for name in (argument or "").split(",")]
    return frozenset(names) if all(_NAME.fullmatch(name) for name in names) else frozenset()
