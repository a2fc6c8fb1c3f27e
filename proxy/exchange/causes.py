"""Why the upstream is asked, and how urgent that makes it."""

from enum import IntEnum, StrEnum


class Cause(StrEnum):
    """Why the upstream was asked."""

    MISS = "miss"
    REFRESH = "refresh"
    AHEAD = "ahead"
    """Fresh still, but asked for a lot and soon to expire."""
    WARM = "warm"
    """An operator's list."""
    PASS = "pass"  # noqa: S105 - not a secret


class Priority(IntEnum):
    """Who goes first: the lowest number."""

    CLIENT = 0
    REFRESH = 1
    AHEAD = 2
    WARM = 3


PRIORITIES = {
    Cause.MISS: Priority.CLIENT,
    Cause.PASS: Priority.CLIENT,
    Cause.REFRESH: Priority.REFRESH,
    Cause.AHEAD: Priority.AHEAD,
    Cause.WARM: Priority.WARM,
}
