"""Who purged what in this process lately: a bounded list, the newest first. Purges nothing, and outlives no restart."""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

MOST: Final = 200


class PurgeHistory:
    """The last purges that were carried out."""

    def __init__(self, now: Callable[[], float], most: int = MOST) -> None:
        """``now``: wall seconds."""
        self._now = now
        self._purges: deque[dict[str, object]] = deque(maxlen=most)

    def note(self, about: Mapping[str, object], by: str) -> None:
        """One more."""
        at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._purges.appendleft({"at": at, **about, "by": by})

    @property
    def purges(self) -> list[dict[str, object]]:
        """As JSON, the newest first."""
        return list(self._purges)
