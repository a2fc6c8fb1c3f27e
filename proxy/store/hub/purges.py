"""The hub's desk for purges: which worker knows the log up to where, and who waits until all do. Pure; the log itself
is in the embedded file.

A worker may answer from memory for ``life`` seconds from before it sent the beat that was heard last. So a purge is
known to all when each has told a later position, is gone, or has been silent for longer than that.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from proxy.store.hub.words import Known, Learn

_GRACE: Final = 0.5
"""Seconds beyond a lease's life for which a purge waits."""


class _Reader(Struct):
    name: str
    learnt: int
    heard: float


class _Waiting(Struct, frozen=True):
    worker: int
    ask: int
    position: int
    deadline: float


class PurgeDesk:
    """``life``: seconds for which a worker may answer from memory after a beat."""

    def __init__(self, life: float) -> None:
        self._life = life
        self._readers: dict[int, _Reader] = {}
        self._waiting: list[_Waiting] = []
        self.forgotten = 0
        """Purges up to here may be gone from the log: who did not know them starts over."""

    def arrived(self, worker: int, name: str, now: float) -> None:
        """A worker that has not beaten yet: it answers nothing from memory, and need not be waited for."""
        self._readers[worker] = _Reader(name, -1, now - 2 * self._life)

    def beat(self, worker: int, learnt: int, now: float) -> Iterator[tuple[int, Known]]:
        """A worker may answer from memory, and knows the log up to ``learnt``."""
        reader = self._readers[worker]
        reader.learnt, reader.heard = max(reader.learnt, learnt), now
        return self._settle(now)

    def logged(self, worker: int, ask: int, position: int, now: float) -> Iterator[tuple[int, Known | Learn]]:
        """A worker has logged a purge, and waits until it is true everywhere."""
        self._waiting.append(_Waiting(worker, ask, position, now + self._life + _GRACE))
        for other, reader in self._readers.items():
            if other != worker and reader.learnt < position:
                yield other, Learn(position)
        yield from self._settle(now)

    def gone(self, worker: int, now: float) -> Iterator[tuple[int, Known]]:
        """A worker is gone, and what it waited for with it."""
        self._readers.pop(worker, None)
        self._waiting = [each for each in self._waiting if each.worker != worker]
        return self._settle(now)

    def tick(self, now: float) -> Iterator[tuple[int, Known]]:
        """Time has passed."""
        return self._settle(now)

    def forget(self, position: int) -> None:
        """The log has lost its purges up to here."""
        self.forgotten = max(self.forgotten, position)

    def least(self, now: float) -> int:
        """The position up to which everyone who may answer from memory knows the log."""
        return min((reader.learnt for reader in self._readers.values() if self._may_answer(reader, now)), default=0)

    def _may_answer(self, reader: _Reader, now: float) -> bool:
        return now - reader.heard <= self._life

    def _settle(self, now: float) -> Iterator[tuple[int, Known]]:
        still: list[_Waiting] = []
        settled: list[tuple[int, Known]] = []
        for each in self._waiting:
            late = tuple(
                reader.name
                for other, reader in self._readers.items()
                if other != each.worker and reader.learnt < each.position and self._may_answer(reader, now)
            )
            if late and now < each.deadline:
                still.append(each)
            else:
                settled.append((each.worker, Known(each.ask, late)))
        self._waiting = still
        return iter(settled)
