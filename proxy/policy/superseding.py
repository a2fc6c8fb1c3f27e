"""What an answer that is not kept says of what is stored in its place (RFC 9111 §4.3.3). Decides; stores nothing."""

from typing import Final

from msgspec.structs import replace

from proxy.policy.disposition import NotStoredReason
from proxy.policy.messages import ResponseHead, StoredResponse, Windows
from proxy.policy.route import Mode, RoutePolicy

_GONE: Final = frozenset({404, 410})
_NOTHING_OF_IT: Final = frozenset(
    {NotStoredReason.SET_COOKIE, NotStoredReason.AUTHORIZATION, NotStoredReason.BODY_VERDICT}
)
"""Reasons that speak of whose an answer is, or of a body nobody can read: not of what others would get."""


def superseded(
    stored: StoredResponse, response: ResponseHead, reason: NotStoredReason, route: RoutePolicy
) -> StoredResponse | None:
    """What becomes of it; None: nothing.

    Where the origin has something else now, or nothing, what is stored may still be validated, and stands in for
    nothing any more. In override mode the operator's windows hold: an archive is there to outlast mistakes.
    """
    is_other = response.status // 100 in (2, 3) or response.status in _GONE
    if not is_other or reason in _NOTHING_OF_IT or route.mode is not Mode.RFC or stored.never_stale:
        return None
    return replace(stored, never_stale=True, windows=Windows())
