"""How long a place stays empty after its worker has ended. Pure."""

from typing import Final

STEADY: Final = 10.0
"""Seconds after which a worker has proved that it can serve."""
FIRST: Final = 0.1
LONGEST: Final = 30.0
TRIES: Final = 5
"""In a row, until a crew of which nobody has ever served gives up."""


def failures_after(failures: int, lived: float) -> int:
    """How many ends in a row count against a place, when one worker more has ended after so many seconds."""
    return 0 if lived >= STEADY else failures + 1


def pause(failures: int) -> float:
    """Seconds until the next one starts: none after a worker that was steady, then twice as long each time."""
    return 0.0 if failures == 0 else min(LONGEST, FIRST * 2.0 ** min(failures - 1, 16))
