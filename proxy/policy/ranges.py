"""Range requests answered from what is stored, whole or a part (RFC 9110 §14). Decides; slices nothing."""

import re
from typing import Final

from msgspec import Struct

from proxy.policy.disposition import OutOfRange, Ranged
from proxy.policy.field_values import OWS, http_date, strongly_equal
from proxy.policy.messages import Fields, RequestHead, StoredResponse

COMPLETE: Final = 200
PARTIAL: Final = 206

_SINGLE_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE | re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes[ ]+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.IGNORECASE | re.ASCII)
_LONGEST_POSITION = 18
"""Digits of a position in a body; more of them lie behind the end of any."""
_ONE_SECOND = 1.0


class Extent(Struct, frozen=True):
    """Which bytes of a representation there are: first and last, both included, and how many it has in all."""

    first: int
    last: int
    length: int


def ranged(request: RequestHead, stored: StoredResponse) -> Ranged | OutOfRange | None:
    """The part of a stored 200 or 206 that a GET asks for; None: send what is stored as it is.

    Several ranges, other units and malformed ones are answered by the whole, which is always allowed (RFC 9110
    §14.2); so is a suffix of nothing, which is satisfiable but has no byte to name (§14.1.2).
    """
    held = held_extent(stored)
    if held is None or not asks_for_part(request) or not holds_if_range(request, stored):
        return None
    span = asked_span(request, held.length)
    if span is None or isinstance(span, OutOfRange):
        return span
    first, last = span
    if first < held.first or last > held.last:
        return None
    return Ranged({"Content-Range": f"bytes {first}-{last}/{held.length}"}, first - held.first, last - held.first)


def asks_for_part(request: RequestHead) -> bool:
    """Whether a request is for a part: Range means nothing to other methods than GET (RFC 9110 §14.2)."""
    return request.method == "GET" and "range" in request.fields


def asked_span(request: RequestHead, length: int) -> tuple[int, int] | OutOfRange | None:
    """First and last byte, both included, of ``length`` bytes; None where the Range field is to be ignored."""
    found = _SINGLE_RANGE.fullmatch(request.fields.joined("range") or "")
    if found is None:
        return None
    first, last = _position(found[1]), _position(found[2])
    if first is None:
        return None if last is None else _suffix(last, length)
    if last is not None and last < first:
        return None  # not a range at all (§14.1.1)
    if first >= length:
        return OutOfRange(f"bytes */{length}")
    return first, length - 1 if last is None else min(last, length - 1)


def held_extent(stored: StoredResponse) -> Extent | None:
    """Which bytes a stored 200 or 206 holds; None where it is neither."""
    if stored.status == COMPLETE:
        return Extent(0, len(stored.body) - 1, len(stored.body))
    return content_extent(stored.fields) if stored.status == PARTIAL else None


def content_extent(fields: Fields) -> Extent | None:
    """What Content-Range says, where it is of bytes, sound, and knows the whole length (RFC 9110 §14.4)."""
    found = _CONTENT_RANGE.fullmatch((fields.joined("content-range") or "").strip(OWS))
    if found is None:
        return None
    first, last, length = (int(number) for number in found.groups())
    return Extent(first, last, length) if first <= last < length else None


def holds_if_range(request: RequestHead, stored: StoredResponse) -> bool:
    """Whether If-Range names what is stored by a strong validator; so does its absence (RFC 9110 §13.1.5)."""
    value = request.fields.joined("if-range")
    if value is None:
        return True
    if '"' in value:
        return stored.etag is not None and strongly_equal(value, stored.etag)
    return value == stored.last_modified and _is_strong_date(stored)


def _suffix(wanted: int, length: int) -> tuple[int, int] | OutOfRange | None:
    if wanted == 0:
        return OutOfRange(f"bytes */{length}")
    return None if length == 0 else (max(0, length - wanted), length - 1)


def _position(text: str) -> int | None:
    if not text:
        return None
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) <= _LONGEST_POSITION else 10**_LONGEST_POSITION


def _is_strong_date(stored: StoredResponse) -> bool:
    """Whether the response was made at least a second after it was modified last (RFC 9110 §8.8.2.2)."""
    modified = http_date(stored.last_modified or "", stored.response_time)
    made = http_date(stored.fields.joined("date") or "", stored.response_time)
    return modified is not None and made is not None and made - modified >= _ONE_SECOND
