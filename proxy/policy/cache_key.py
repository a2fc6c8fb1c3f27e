"""Keys: the primary key from target and route, the secondary key from selecting fields (RFC 9111 §2, §4.1).

Pure and injective: two targets that differ in anything the upstream sees never share a key unless the route says so.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from proxy.policy.field_values import OWS, TOKEN, normalised_codings, normalised_languages, tokens
from proxy.policy.messages import Fields, RequestHead, SecondaryKey
from proxy.policy.no_vary_search import SearchRule
from proxy.policy.route import ForwardFields, Match, QueryRule, RoutePolicy

_PLACE = re.compile(r"\{([^{}]*)\}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_FIELD_NAME = re.compile(TOKEN)
_BLANKS_AROUND_COMMA = re.compile(r"[ \t]*,[ \t]*")
_NOT_LISTS: Final = frozenset({"authorization", "cookie", "host", "origin", "referer", "user-agent"})
"""Fields with one value, in which a comma is part of the value."""
CONTENT_FIELDS: Final = ("content-type", "content-encoding", "content-language")
"""What content means depends on these (RFC 9110 §8.3-8.5)."""
PASSED_IN_STRICT: Final = frozenset({"accept-encoding", "traceparent", "x-request-id"})
"""What a ``strict`` route lets through without naming it."""


class CacheKey(Struct, frozen=True):
    """The primary key of everything stored for one target.

    ``text`` is readable and injective (captures are percent-escaped); ``target`` is what a fetch for it puts on the
    wire: the raw target, or with the route's query rule applied.
    """

    text: str
    target: str


# The primary key --------------------------------------------------------------------------------------------------


def cache_key(request: RequestHead, match: Match) -> CacheKey:
    """The key of a request on its route (RFC 9111 §2).

    ``authority/`` stands in front where the client's Host counts: no authority contains a slash, and every path
    begins with one, so the two cannot run into each other.
    """
    rule = match.route.key
    path, mark, query = request.target.partition("?")
    if mark and (rule.query.sort or rule.query.ignore):
        query, mark = _ruled(query, rule.query)
    rest = f"?{query}" if mark else ""
    target = path + rest
    text = target if rule.template is None else _expand_apart(rule.template, match.captures) + rest
    if rule.host:
        text = f"{request.authority.lower()}{'' if rule.template is None else '/'}{text}"
    return CacheKey(text, target)


def _ruled(query: str, rule: QueryRule) -> tuple[str, str]:
    """The query under the rule, and its ``?`` (empty where the rule left nothing). Percent-encoding stays as it is."""
    parameters = query.split("&")
    if rule.ignore:
        ignored = _any_of(rule.ignore)
        parameters = [parameter for parameter in parameters if not ignored.fullmatch(_name(parameter))]
    if rule.sort:
        parameters.sort(key=_name)  # stable: repeated names keep their order, which may mean something
    return "&".join(parameters), "?" if parameters else ""


def _name(parameter: str) -> str:
    return parameter.partition("=")[0]


@lru_cache(maxsize=256)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    forms = (".*".join(re.escape(part) for part in pattern.split("*")) for pattern in patterns)
    return re.compile("|".join(forms), re.DOTALL)


def expand(template: str, captures: Mapping[str, str]) -> str:
    """A template with each ``{name}`` replaced by that capture, everything but unreserved characters percent-escaped
    (also ``%`` itself); a name nothing was captured for stays as it is written."""
    return _expanded(template, captures, _UNRESERVED)


def _expand_apart(template: str, captures: Mapping[str, str]) -> str:
    """``expand``, injective: what stands between two places is escaped inside captures, so each ends where it ends."""
    return _expanded(template, captures, _safe_between(template))


def _expanded(template: str, captures: Mapping[str, str], safe: Collection[str]) -> str:
    def captured(place: re.Match[str]) -> str:
        value = captures.get(place[1])
        return place[0] if value is None else _escaped(value, safe)

    return _PLACE.sub(captured, template)


def _escaped(text: str, safe: Collection[str]) -> str:
    return "".join(character if character in safe else _percent(character) for character in text)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=256)
def _safe_between(template: str) -> Collection[str]:
    separators = _PLACE.split(template)[2:-1:2]
    return _UNRESERVED - {separator[0] for separator in separators if separator}


def check_template(template: str, names: Collection[str]) -> None:
    """Raise ValueError, saying what is wrong, for a template that names no capture of its path, or cannot be read.

    Two places with nothing between them are refused: ``{a}{b}`` would make one key of (1, 23) and (12, 3).
    """
    literals, places = _PLACE.split(template)[::2], _PLACE.findall(template)
    for place in places:
        if place not in names:
            known = ", ".join(sorted(names)) or "none"
            raise ValueError(f"{{{place}}} is not captured by the path (captured: {known})")
    if any("{" in literal or "}" in literal for literal in literals):
        raise ValueError("a brace without its partner")
    if any("%" in literal for literal in literals):
        raise ValueError("a percent sign: it marks what was escaped in captures")
    if not all(literals[1:-1]):
        raise ValueError("two captures with nothing between them: put a separator, as in {a}:{b}")


# Keys beside the target's own ---------------------------------------------------------------------------------------

_MARK: Final = "#"
"""No target contains it."""


def content_key(key: CacheKey, fields: Fields, content: bytes) -> CacheKey:
    """The key of a request whose content is part of what it asks (RFC 10008 §2.7): QUERY on ``key``'s target."""
    digest = blake2b(content, digest_size=20)
    for name in CONTENT_FIELDS:
        value = fields.joined(name)
        digest.update(b"\0" if value is None else b"\1%b\0" % value.strip(OWS).encode("latin-1", "replace"))
    return CacheKey(f"{key.text}{_MARK}q{digest.hexdigest()}", key.target)


def search_key(key: CacheKey, rule: SearchRule) -> CacheKey:
    """The key that all targets share which are equivalent under ``rule``; another one under any other rule."""
    path, _, query = key.text.partition("?")
    return CacheKey(f"{path}?{rule.canonical(query)}{_MARK}s{rule.mark}", key.target)


def has_kin(text: str) -> bool:
    """Whether this may be the text of a ``content_key`` or a ``search_key``: one that no URL has as its own."""
    return _MARK in text


def kinship(text: str) -> str:
    """What a URL's key has in common with all content and search keys that its path's URLs can have."""
    return text.partition(_MARK)[0].partition("?")[0]


# The secondary key ------------------------------------------------------------------------------------------------


def selecting_names(response: Fields) -> frozenset[str] | None:
    """The fields that Vary names, in lower case; None where they cannot be known: ``*`` is among them, or what is no
    field's name (RFC 9110 §12.5.5). Such a response is for nobody else."""
    names = tokens(response.joined("vary"))
    return names if all(_FIELD_NAME.fullmatch(name) for name in names) and "*" not in names else None


def secondary_key(request: RequestHead, response: Fields, route: RoutePolicy) -> SecondaryKey | None:
    """The request's values of the fields that select among stored responses (RFC 9111 §4.1); None: nobody can tell.

    Those the response names in Vary and the route in its key. A packed response depends on Accept-Encoding whether
    it says so or not; one of a route with verdicts does not, unless it is packed all the same: there it is always
    asked for unpacked. What a ``strict`` route never sent cannot have made a difference.
    """
    names = selecting_names(response)
    if names is None:
        return None
    has_everything = "authorization" in request.fields and not route.authorization_ignored
    if route.forward_fields is ForwardFields.STRICT and not has_everything:
        names &= PASSED_IN_STRICT.union(route.forward)
    if "content-encoding" in response:
        names |= {"accept-encoding"}
    elif route.verdicts:
        names -= {"accept-encoding"}
    return tuple((name, selecting_value(name, request)) for name in sorted(names.union(route.key.fields)))


def selects(secondary: SecondaryKey, request: RequestHead) -> bool:
    """Whether a stored response with this secondary key may answer the request (RFC 9111 §4.1)."""
    return all(selecting_value(name, request) == value for name, value in secondary)


def selecting_value(name: str, request: RequestHead) -> str | None:
    """A selecting field's value so that equal ones compare equal: lines joined, blanks and case as the field allows.

    None: absent, which only matches absent.
    """
    value = request.fields.joined(name)
    if value is None:
        return None
    if name == "accept-encoding":
        return normalised_codings(value)
    if name == "accept-language" and (languages := normalised_languages(value)) is not None:
        return languages
    if name in _NOT_LISTS or '"' in value:
        return value.strip(OWS)
    return _BLANKS_AROUND_COMMA.sub(",", value.strip(OWS))
