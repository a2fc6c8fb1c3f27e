"""What an operator may say of a route, and which route a request takes. Knows no file format and reads no response."""

import re
import warnings
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct, field

from proxy.policy.disposition import Verdict

DEFAULT_STATUSES = frozenset({200, 203, 204, 300, 301, 302, 307, 308, 404, 410})
"""Statuses stored when they come with explicit freshness, unless the route says otherwise."""

LONGEST_SEGMENT = 200
"""Characters of a segment that is held against a regular expression; a longer one does not match."""

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


class VerdictRule(Struct, frozen=True):
    """``when`` this is true of a JSON body, the answer is ``verdict``; ``status`` rewrites a failure's status."""

    when: str
    condition: Condition
    verdict: Verdict
    status: int | None = None


class QueryRule(Struct, frozen=True):
    """How the query enters the key (and, where the answer may be shared, the wire: both are always the same)."""

    sort: bool = False
    ignore: tuple[str, ...] = ()
    """Parameter names left out; ``*`` stands for any rest."""


class KeyRule(Struct, frozen=True):
    """What the primary key is made of, and which request fields select among the stored responses under it."""

    template: str | None = None
    """``sunat:ruc:{ruc}``: captures of the path in braces. None: the raw path."""
    query: QueryRule = QueryRule()
    fields: tuple[str, ...] = ()
    """Lower-case request field names that always select, as if the upstream had named them in Vary."""
    host: bool = False
    """The client's Host is part of the key, and is passed to the upstream."""


class PathPattern(Struct, frozen=True):
    """``/obtener-ruc/{ruc:[0-9]{11}}``: matched on the raw path, whole. Made by ``compile_pattern``."""

    text: str
    regex: re.Pattern[str]
    forms: tuple[tuple[str, re.Pattern[str]], ...] = ()
    """What a captured segment must look like, where the pattern says so."""

    def captures(self, path: str) -> Mapping[str, str] | None:
        """The raw captured segments by name, or None where the path does not match."""
        found = self.regex.fullmatch(path)
        if found is None:
            return None
        captured = found.groupdict()
        for name, form in self.forms:
            segment = captured[name]
            if len(segment) > LONGEST_SEGMENT or form.fullmatch(segment) is None:
                return None
        return captured


class RoutePolicy(Struct, frozen=True):
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
    stale_on_disconnect: float = 0.0
    """In rfc mode, where nobody names a window: how long a good answer may serve when the upstream does not answer."""
    archive: float = 0.0
    hold_off: float = 0.0
    """After failed fetches of a key: how long at most it is left alone at a time, while something stored can be served
    and where nobody waits. 0: not at all."""
    refresh_ahead: int = 0
    """How many fetches a day may be begun for what is fresh still, asked for a lot and soon to expire; 0: none."""
    heuristic: bool = False
    """Whether a lifetime is guessed from Last-Modified where nobody says one (RFC 9111 §4.2.2)."""
    key: KeyRule = KeyRule()
    tags: tuple[str, ...] = ()
    """Templates like the key's."""
    verdicts: tuple[VerdictRule, ...] = ()
    statuses: frozenset[int] | None = DEFAULT_STATUSES
    """None: every final status."""
    cookies_ignored: bool = False
    store_set_cookie: bool = False
    store_private: bool = False
    store_no_store: bool = False
    """In override mode: the upstream's ``private``, ``no-store`` do not keep an answer from being stored."""
    authorization_ignored: bool = False
    """In override mode: who has credentials is answered like anybody else."""
    client_directives: bool = False
    """Whether a request's own directives are honoured (only-if-cached always is)."""
    forward_fields: ForwardFields = ForwardFields.ALL
    forward: tuple[str, ...] = ()
    """Further lower-case field names that ``strict`` passes on."""
    made_etag: bool = True
    max_object: int = 8 * 1024 * 1024
    max_variants: int = 64
    expose_tags: bool = False
    respond_async: bool = False
    """Whether a client that prefers it (RFC 7240) is promised an answer that takes long."""


class Match(Struct, frozen=True):
    """The route a request takes, with what its path pattern captured (raw)."""

    route: RoutePolicy
    captures: Mapping[str, str]


def match_route(routes: Sequence[RoutePolicy], method: str, path: str) -> Match:
    """The first route that takes this method and raw path.

    The last of ``routes`` must match everything (the built-in one does); an unsafe method takes the first route
    whose path matches, whatever its methods, so that its answer is counted and invalidates where it belongs. So does
    QUERY where no route names it.
    """
    is_named = method in ("GET", "HEAD") or (method == "QUERY" and any("QUERY" in route.methods for route in routes))
    for route in routes:
        if not is_named or method in route.methods:
            captures = route.pattern.captures(path)
            if captures is not None:
                return Match(route, captures)
    return Match(routes[-1], {})


# Path patterns ----------------------------------------------------------------------------------------------------

_LONGEST_PATTERN = 1000
_MOST_QUANTIFIERS = 3
"""Quantifiers without a fixed count in one form: what is tried for a segment stays below its length to this power."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LITERAL = re.compile(r"[A-Za-z0-9\-._~%!$&'()+,;=:@/]*")
_CLASS_OR_ESCAPE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_VARIABLE_QUANTIFIER = re.compile(r"[*+?]\+?|\{[0-9]*,[0-9]*\}")


def compile_pattern(text: str) -> PathPattern:
    """Compile a path pattern. Raises ValueError, saying what is wrong and what would be right.

    ``{name}`` is one segment or the part of one, not empty; ``{name:regex}`` one of that form; ``/**``, at the end,
    any rest. A form has no groups and few open quantifiers, so that no path can make matching slow.
    """
    if not text.startswith("/"):
        raise ValueError("a path pattern begins with '/'")
    if len(text) > _LONGEST_PATTERN:
        raise ValueError(f"a path pattern has at most {_LONGEST_PATTERN} characters")
    head, rest = (text[:-2], ".*") if text.endswith("/**") else (text, "")
    forms: dict[str, re.Pattern[str] | None] = {}
    regex = [_compile_segment(segment, forms) for segment in segments(head)]
    return PathPattern(
        text,
        re.compile("/".join(regex) + rest, re.DOTALL),
        tuple((name, form) for name, form in forms.items() if form is not None),
    )


def segments(text: str) -> list[str]:
    """The segments of a pattern's text: a slash inside braces separates nothing (and is refused when compiled)."""
    found, start, depth = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "/" and depth == 0:
            found.append(text[start:position])
            start = position + 1
    return [*found, text[start:]]


def _compile_segment(segment: str, forms: dict[str, re.Pattern[str] | None]) -> str:
    before, brace, inside = segment.partition("{")
    if not brace:
        return _literal(segment)
    capture, closing, after = inside.rpartition("}")
    if not closing:
        raise ValueError(f"{segment!r}: '{{' without its '}}'")
    name, colon, form = capture.partition(":")
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{segment!r}: a segment holds one {{name}} or {{name:regex}}, named by letters, digits and _")
    if name in forms:
        raise ValueError(f"{segment!r}: {name!r} is captured twice")
    forms[name] = _compile_form(name, form) if colon else None
    return f"{_literal(before)}(?P<{name}>[^/]+){_literal(after)}"


def _literal(text: str) -> str:
    if "*" in text:
        raise ValueError(
            f"{text!r}: '*' has no meaning here; write {{name}} for one segment, '/**' at the end for any rest"
        )
    if _LITERAL.fullmatch(text) is None:
        raise ValueError(
            f"{text!r}: not a raw path; percent-encode what a URL cannot hold, leave out query and fragment"
        )
    return re.escape(text)


def _compile_form(name: str, form: str) -> re.Pattern[str]:
    where = f"{{{name}:{form}}}"
    if not form or "/" in form:
        raise ValueError(f"{where}: the form of one segment, which is not empty and has no '/'")
    bare = _CLASS_OR_ESCAPE.sub("x", form)
    if "(" in bare or ")" in bare:
        raise ValueError(f"{where}: groups are not allowed in a segment's form")
    if len(_VARIABLE_QUANTIFIER.findall(bare)) > _MOST_QUANTIFIERS:
        raise ValueError(f"{where}: more than {_MOST_QUANTIFIERS} of * + ? {{m,n}}; give counts, as in {{11}}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(form, re.ASCII)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ValueError(f"{where}: not a regular expression: {error}") from error
