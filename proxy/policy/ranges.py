"""Range requests answered from a complete stored response (RFC 9110 §14). Decides; slices nothing."""

import re

from proxy.policy.disposition import Ranged
from proxy.policy.field_values import http_date, strongly_equal
from proxy.policy.messages import RequestHead, StoredResponse

_SINGLE_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE | re.ASCII)
_LONGEST_POSITION = 18
"""Digits of a position in a body; more of them lie behind the end of any."""
_COMPLETE = 200
_ONE_SECOND = 1.0


def ranged(request: RequestHead, stored: StoredResponse) -> Ranged | None:
    """The part of a stored 200 that a GET asks for; None: send the whole.

    Several ranges, one that cannot be satisfied, other units and malformed ones are answered by the whole, which is
    always allowed (RFC 9110 §14.2).
    """
    value = request.fields.joined("range")
    if value is None or request.method != "GET" or stored.status != _COMPLETE or not _holds_if_range(request, stored):
        return None
    found = _SINGLE_RANGE.fullmatch(value)
    span = None if found is None else _span(found[1], found[2], len(stored.body))
    if span is None:
        return None
    first, last = span
    return Ranged({"Content-Range": f"bytes {first}-{last}/{len(stored.body)}"}, first, last)


def _span(first_text: str, last_text: str, length: int) -> tuple[int, int] | None:
    """First and last byte, both included; None where there is nothing to send."""
    last = _position(last_text, length)
    if not first_text:
        return None if last is None or last == 0 or length == 0 else (max(0, length - last), length - 1)
    first = _position(first_text, length)
    if first is None or first >= length or (last is not None and last < first):
        return None
    return first, length - 1 if last is None else min(last, length - 1)


def _position(text: str, length: int) -> int | None:
    if not text:
        return None
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) <= _LONGEST_POSITION else length


def _holds_if_range(request: RequestHead, stored: StoredResponse) -> bool:
    """Whether If-Range names what is stored by a strong validator; so does its absence (RFC 9110 §13.1.5)."""
    value = request.fields.joined("if-range")
    if value is None:
        return True
    if '"' in value:
        return stored.etag is not None and strongly_equal(value, stored.etag)
    return value == stored.last_modified and _is_strong_date(stored)


def _is_strong_date(stored: StoredResponse) -> bool:
    """Whether the response was made at least a second after it was modified last (RFC 9110 §8.8.2.2)."""
    modified = http_date(stored.last_modified or "", stored.response_time)
    made = http_date(stored.fields.joined("date") or "", stored.response_time)
    return modified is not None and made is not None and made - modified >= _ONE_SECOND
