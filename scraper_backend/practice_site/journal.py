"""The log of what the site received, bounded. Must not influence any answer."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

MOST_ENTRIES: Final = 1000


@dataclass(slots=True)
class Entry:
    """One request for a page: what came, which switches fired, what was done (filled in when it is)."""

    number: int
    at: str
    client: str
    method: str
    path: str
    step: str
    ruc: str
    session: str
    headers: dict[str, str]
    fields: dict[str, str]
    switches: list[str] = field(default_factory=list)
    delay: float = 0.0
    answer: str = "in flight"


@dataclass(slots=True)
class Journal:
    """The last thousand entries, and how many requests were being answered at once at most."""

    _entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=MOST_ENTRIES))
    received: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def add(self, entry: Entry) -> None:
        """Keep `entry`, forgetting the oldest when there are too many."""
        self._entries.append(entry)

    @contextmanager
    def counted(self) -> Iterator[int]:
        """Count a request while it is being answered; gives its number, from 1."""
        self.received += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield self.received
        finally:
            self.at_once -= 1

    def clear(self) -> None:
        """Forget all entries and counts; requests in flight stay counted as such."""
        self._entries.clear()
        self.received = 0
        self.most_at_once = self.at_once

    def report(self, ruc: str = "", step: str = "") -> dict[str, object]:
        """The log as JSON, oldest first, of one RUC or step only if named."""
        kept = [asdict(one) for one in self._entries if (ruc or one.ruc) == one.ruc and (step or one.step) == one.step]
        return {
            "received": self.received,
            "at_once": self.at_once,
            "most_at_once": self.most_at_once,
            "requests": kept,
        }
