"""What a response says of its origin's health: whether it is failing, and how long it wants to be left alone."""

from typing import Final

from proxy.policy.field_values import delta_seconds, http_date
from proxy.policy.messages import ResponseHead

FAILING_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
"""Answers for which a stale one may stand in: RFC 5861 §4's, and 429, which asks us to ask less."""
_ASKING_STATUSES: Final = frozenset({429, 503})


def is_failing(head: ResponseHead) -> bool:
    """Whether this is an answer of an origin that fails."""
    return head.status in FAILING_STATUSES


def retry_after(head: ResponseHead, now: float) -> float | None:
    """Seconds that a 429 or 503 asks to be left alone (RFC 9110 §10.2.3, RFC 6585 §4), never negative; None: it does
    not say."""
    text = head.fields.joined("retry-after")
    if text is None or head.status not in _ASKING_STATUSES:
        return None
    if text.isascii() and text.isdigit():
        return float(delta_seconds(text))
    date = http_date(text, now)
    return None if date is None else max(0.0, date - now)
