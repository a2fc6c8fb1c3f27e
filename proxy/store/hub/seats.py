"""The hub's desk for places at the upstream: so many for all, the most urgent first, then who came first. Pure."""

from collections.abc import Iterator, Sequence
from itertools import count

from msgspec import Struct

from proxy.store.hub.words import Seated


class _Place(Struct):
    """Where a worker stands in line."""

    priority: int
    arrival: int


class SeatDesk:
    """A worker stands in line once, however many wait at it, and at its end again after each seat it got."""

    def __init__(self) -> None:
        self._maximum = 0
        self._taken: dict[bytes, int] = {}
        """Who has it, by the seat's name."""
        self._line: dict[int, _Place] = {}
        self._numbers = count(1)

    @property
    def taken(self) -> int:
        """How many are held."""
        return len(self._taken)

    def want(self, worker: int, priority: int | None, maximum: int) -> Iterator[tuple[int, Seated]]:
        """A worker's latest word, and the number of seats as its configuration has it."""
        self._maximum = maximum
        if priority is None:
            self._line.pop(worker, None)
        elif (place := self._line.get(worker)) is None or place.priority != priority:
            self._line[worker] = _Place(priority, next(self._numbers))
        return self._hand_out()

    def release(self, worker: int, token: bytes) -> Iterator[tuple[int, Seated]]:
        """A seat comes back."""
        if self._taken.get(token) == worker:
            del self._taken[token]
        return self._hand_out()

    def holds(self, worker: int, tokens: Sequence[bytes]) -> None:
        """A worker names what it holds: what it was thought to have lost in a silence is taken after all, and what it
        had under another connection is its own still."""
        self._taken.update(dict.fromkeys(tokens, worker))

    def gone(self, worker: int) -> Iterator[tuple[int, Seated]]:
        """A worker is gone: its seats are free, its place in line too."""
        self._line.pop(worker, None)
        self._taken = {token: holder for token, holder in self._taken.items() if holder != worker}
        return self._hand_out()

    def _hand_out(self) -> Iterator[tuple[int, Seated]]:
        while self._line and len(self._taken) < self._maximum:
            worker = min(self._line, key=lambda each: (self._line[each].priority, self._line[each].arrival))
            del self._line[worker]
            token = b"%d" % next(self._numbers)
            self._taken[token] = worker
            yield worker, Seated(token)
