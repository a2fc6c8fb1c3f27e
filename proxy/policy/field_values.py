"""Field values as HTTP writes them: dates, delta-seconds, lists, entity-tags, codings. Total: raises nothing.

What is malformed is a value too: absent, or already stale, as the functions say.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

SATURATED: Final = 2**31
"""What a delta-seconds too large to be meant becomes (RFC 9111 §1.2.2)."""

OWS: Final = " \t"
TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word, not a secret

_REMEMBERED: Final = 512
"""Parsed values that are kept of fields in which peers send the same few. Bounded by number; each by a head's size."""

_DIGITS = re.compile(r"[0-9]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_ETAGS: Final = re.compile(r'[ \t]*(?:W/)?"[^"]*"[ \t]*(?=,|\Z)|[^,]+')
_SEPARATOR = re.compile(r'[,"]')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LONGEST_DELTA = 10
"""Digits of 2^31: with more than these, leading zeros apart, a number is larger."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_SHORT_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_LONG_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_HTTP_DATES: Final = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"{_SHORT_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",  # IMF-fixdate
        rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",  # RFC 850
        rf"{_SHORT_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",  # asctime
    )
)
_FARTHEST_YEAR = 50
"""Years ahead at most of a two-digit year (RFC 9110 §5.6.7)."""
_LEAP_SECOND = 60


def delta_seconds(text: str) -> int:
    """Seconds, saturated at 2^31; 0 for anything but ASCII digits: malformed is stale (RFC 9111 §1.2.2, §4.2.1)."""
    if _DIGITS.fullmatch(text) is None:
        return 0
    digits = text.lstrip("0")
    if len(digits) > _LONGEST_DELTA:
        return SATURATED
    return min(int(digits or "0"), SATURATED)


def age_value(text: str | None) -> int:
    """The first member of an Age field, in seconds; ignored (0) unless it is digits only (RFC 9111 §5.1)."""
    members = () if text is None else list_members(text)
    return delta_seconds(members[0]) if members else 0


def http_date(text: str, now: float) -> float | None:
    """Seconds since the epoch of a date in one of the three forms, None for any other (RFC 9110 §5.6.7).

    Case is ignored and GMT is the only zone (RFC 9111 §4.2). ``now`` tells which century a two-digit year is of.
    """
    for form in _HTTP_DATES:
        found = form.fullmatch(text)
        if found is not None:
            return _seconds(found, now)
    return None


def _seconds(found: re.Match[str], now: float) -> float | None:
    year, second = int(found["year"]), int(found["second"])
    if second > _LEAP_SECOND:
        return None
    try:
        month = _MONTHS.index(found["month"].lower()) + 1
        rest = (int(found["day"]), int(found["hour"]), int(found["minute"]), min(second, 59))
        if len(found["year"]) == 2:  # noqa: PLR2004 - RFC 850's two digits
            year = _full_year(year, (month, *rest), datetime.fromtimestamp(now, UTC))
        moment = datetime(year, month, *rest, tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.timestamp() + (second == _LEAP_SECOND)


def _full_year(two_digits: int, rest: tuple[int, ...], now: datetime) -> int:
    """The last year with these digits in which a date with this ``rest`` is at most fifty years ahead of ``now``."""
    farthest = now.year + _FARTHEST_YEAR
    year = farthest - (farthest - two_digits) % 100
    is_beyond = year == farthest and rest > (now.month, now.day, now.hour, now.minute, now.second)
    return year - 100 if is_beyond else year


def format_http_date(seconds: float) -> str:
    """An IMF-fixdate (RFC 9110 §5.6.7), rounded down; ``seconds`` since the epoch, within years 1 to 9999."""
    moment = datetime.fromtimestamp(seconds // 1, UTC)
    month = _MONTHS[moment.month - 1].capitalize()
    return f"{_DAYS[moment.weekday()]}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT"


def list_members(text: str) -> list[str]:
    """The members of a comma-separated list without blanks around them, empty ones left out (RFC 9110 §5.6.1).

    A comma inside a quoted string separates nothing; a quote that is never closed is an ordinary character, so that
    nothing can hide behind it.
    """
    pieces = text.split(",") if '"' not in text else _split_outside_quotes(text)
    return [member for piece in pieces if (member := piece.strip(OWS))]


def entity_tags(text: str) -> list[str]:
    """The members of a list of entity-tags (RFC 9110 §8.8.3): a backslash in one escapes nothing. What is no entity-tag
    is left as it stands."""
    return [member for piece in _ETAGS.findall(text) if (member := piece.strip(OWS))]


def _split_outside_quotes(text: str) -> list[str]:
    pieces, start, position = [], 0, 0
    while (found := _SEPARATOR.search(text, position)) is not None:
        if found[0] == ",":
            pieces.append(text[start : found.start()])
            start = position = found.end()
            continue
        quoted = _QUOTED.match(text, found.start())
        if quoted is None:  # nor is any later quote closed
            first, *others = text[found.start() :].split(",")
            return [*pieces, text[start : found.start()] + first, *others]
        position = quoted.end()
    return [*pieces, text[start:]]


def unquoted(text: str) -> str | None:
    """The content of a quoted string, escapes resolved (RFC 9110 §5.6.4); None when it is not one."""
    if _QUOTED.fullmatch(text) is None:
        return None
    return _ESCAPED.sub(r"\1", text[1:-1])


@lru_cache(maxsize=_REMEMBERED)
def tokens(text: str | None) -> frozenset[str]:
    """The members of a list of case-insensitive tokens, in lower case (Connection, Vary)."""
    return frozenset() if text is None else frozenset(member.lower() for member in list_members(text))


def weakly_equal(one: str, other: str) -> bool:
    """Weak comparison of entity-tags (RFC 9110 §8.8.3.2)."""
    return one.removeprefix("W/") == other.removeprefix("W/")


def strongly_equal(one: str, other: str) -> bool:
    """Strong comparison of entity-tags (RFC 9110 §8.8.3.2)."""
    return one == other and not one.startswith("W/")


def media_type(text: str | None) -> str:
    """The type and subtype of a Content-Type in lower case, without parameters; empty when absent."""
    return "" if text is None else text.partition(";")[0].strip(OWS).lower()


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type says JSON: application/json, or any type with the suffix +json (RFC 6839 §3.1)."""
    kind = media_type(content_type)
    return kind == "application/json" or (kind.endswith("+json") and "," not in kind)


_LANGUAGE_RANGE = re.compile(r"(\*|[a-z0-9]+(?:-[a-z0-9*]+)*)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?")


@lru_cache(maxsize=_REMEMBERED)
def normalised_languages(accept_language: str) -> str | None:
    """An Accept-Language so that equal preferences are equal texts; None where it is not well-formed.

    Ranges in lower case, each with its weight; their order says nothing (RFC 9110 §12.4.2, §12.5.4).
    """
    ranges = list[str]()
    for member in list_members(accept_language.lower()):
        found = _LANGUAGE_RANGE.fullmatch(member)
        if found is None:
            return None
        weight = float(found[2] or 1)
        ranges.append(found[1] if weight == 1 else f"{found[1]};q={weight:g}")
    return ",".join(sorted(ranges))


_KNOWN_CODINGS: Final = ("br", "deflate", "gzip", "zstd")
_ZERO = re.compile(r"q=0(?:\.0{0,3})?", re.IGNORECASE)


@lru_cache(maxsize=_REMEMBERED)
def normalised_codings(accept_encoding: str | None) -> str | None:
    """An Accept-Encoding as upstreams and variants see it: the well-known codings it accepts, sorted; None when absent.

    ``identity`` where it accepts none of them (RFC 9110 §12.5.3).
    """
    if accept_encoding is None:
        return None
    accepted: dict[str, bool] = {}
    for member in list_members(accept_encoding):
        coding, *parameters = (part.strip(OWS) for part in member.split(";"))
        is_wanted = not any(_ZERO.fullmatch(parameter) for parameter in parameters)
        accepted[coding.lower().removeprefix("x-")] = is_wanted
    others = accepted.get("*", False)
    return ", ".join(coding for coding in _KNOWN_CODINGS if accepted.get(coding, others)) or "identity"
