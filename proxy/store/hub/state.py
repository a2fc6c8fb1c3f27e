"""What the hub knows, and what it answers: leases, seats, failures, and who has learnt which purges. Pure: it is handed
words and the time, and returns what is to be said to whom. Nothing here waits, and all of it is bounded.
"""

from collections import OrderedDict
from typing import Final, assert_never

from msgspec import Struct, field

from proxy.exchange.alone import ALONE_SECONDS
from proxy.exchange.leases import Ending
from proxy.store.hub.purges import PurgeDesk
from proxy.store.hub.seats import SeatDesk
from proxy.store.hub.words import (
    Beat,
    Beaten,
    Busy,
    Changed,
    End,
    Ended,
    Forgot,
    FromHub,
    FromWorker,
    Given,
    Hello,
    Logged,
    Lone,
    Release,
    Setback,
    Take,
    Urge,
    Want,
)

LIFE: Final = 2.0
"""Seconds for which a worker may answer from memory, and for which its leases hold, after it was heard last."""
_STALL: Final = 1.0
"""Seconds between two ticks from which on it was the hub that stood still: what was said meanwhile is unread."""
MOST_REMEMBERED: Final = 10_000
"""Keys that failed, and keys whose answers are their askers' only: beyond that the oldest are forgotten."""

Saying = tuple[int, FromHub]
"""To which worker, and what."""


class _Lease(Struct):
    worker: int
    holder: str
    position: int
    priority: int
    waiting: set[int] = field(default_factory=set)


class _Worker(Struct):
    name: str
    heard: float
    leases: set[bytes] = field(default_factory=set)
    is_silent: bool = False
    """It was not heard for so long that what it held is free."""
    is_cut: bool = False
    """The hub let go of its connection. The process may live, and hold what it held."""


class HubState:
    """Everything. A worker is a number that its connection was given; ``now`` is monotonic seconds."""

    def __init__(self, wall_micros: int, now: float) -> None:
        """``wall_micros``: the wall clock's microseconds at ``now``. Fences follow it: what is fetched without a lease
        has a time for its fence."""
        self._wall_micros = wall_micros
        self._since = self._ticked = now
        self._fence = 0
        self._holders = 0
        self._workers: dict[int, _Worker] = {}
        self._leases: dict[bytes, _Lease] = {}
        self._alone: OrderedDict[bytes, float] = OrderedDict()
        self._failed: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()
        self._seats = SeatDesk()
        self._purges = PurgeDesk(LIFE)

    @property
    def workers(self) -> int:
        """How many are connected."""
        return len(self._workers)

    def hear(self, worker: int, word: FromWorker, now: float) -> list[Saying]:
        """What a worker's word leads to. One that has not said its name is not heard."""
        known = self._workers.get(worker)
        if known is None:
            return self._welcome(worker, word, now) if isinstance(word, Hello) else []
        known.heard, known.is_silent = now, False
        return self._obey(worker, word, now)

    def _obey(self, worker: int, word: FromWorker, now: float) -> list[Saying]:  # noqa: C901, PLR0911 - one case a word
        match word:
            case Beat():
                return self._beat(worker, word, now)
            case Take():
                return self._take(worker, word, now)
            case Urge(digest):
                lease = self._leases.get(digest)
                return [] if lease is None else [(lease.worker, word)]
            case End():
                return self._end(worker, word, now)
            case Want(priority, maximum):
                return list(self._seats.want(worker, priority, maximum))
            case Release(token):
                return list(self._seats.release(worker, token))
            case Logged(ask, position):
                return list(self._purges.logged(worker, ask, position, now))
            case Forgot(position):
                self._purges.forget(position)
                return []
            case Changed():
                return self._others(worker, word)
            case Setback():
                self._remember(word, now)
                return self._others(worker, word)
            case Hello():
                return []
            case _:
                assert_never(word)

    def gone(self, worker: int, now: float) -> list[Saying]:
        """A worker's connection is over: what it held is free."""
        known = self._workers.pop(worker, None)
        if known is None:
            return []
        return [*self._free(worker, known), *self._seats.gone(worker), *self._purges.gone(worker, now)]

    def cut(self, worker: int) -> None:
        """The hub lets go of a worker's connection. That says nothing of the process: what it holds, and its leave to
        answer from memory, end as if it were silent."""
        known = self._workers.get(worker)
        if known is not None:
            known.is_cut = True

    def tick(self, now: float) -> list[Saying]:
        """Time has passed: a few times a second."""
        said: list[Saying] = []
        stood_still, self._ticked = now - self._ticked, now
        for worker, known in tuple(self._workers.items()):
            if stood_still > _STALL:
                known.heard += stood_still
            if now - known.heard > LIFE and known.is_cut:
                said += self.gone(worker, now)
            elif now - known.heard > LIFE and not known.is_silent:
                known.is_silent = True
                said += [*self._free(worker, known), *self._seats.gone(worker)]
        said += self._purges.tick(now)
        while self._alone and next(iter(self._alone.values())) <= now:
            self._alone.popitem(last=False)
        return said

    # Workers ---------------------------------------------------------------------------------------------------

    def _welcome(self, worker: int, word: Hello, now: float) -> list[Saying]:
        self._workers[worker] = _Worker(word.name, now)
        self._purges.arrived(worker, word.name, now)
        return [
            (worker, Setback(digest, value, int((forgotten - now) * 1000)))
            for digest, (value, forgotten) in self._failed.items()
            if forgotten > now
        ]

    def _beat(self, worker: int, word: Beat, now: float) -> list[Saying]:
        self._seats.holds(worker, word.seats)
        said = list(self._purges.beat(worker, word.learnt, now))
        keeps_house = worker == min(
            other for other, known in self._workers.items() if not (known.is_silent or known.is_cut)
        )
        return [*said, (worker, Beaten(self._purges.forgotten, keeps_house, self._purges.least(now)))]

    def _others(self, worker: int, word: FromHub) -> list[Saying]:
        return [(other, word) for other in self._workers if other != worker]

    # Leases ----------------------------------------------------------------------------------------------------

    def _take(self, worker: int, word: Take, now: float) -> list[Saying]:
        if self._alone.get(word.digest, now) > now:
            return [(worker, Lone(word.ask))]
        held, over = self._leases.get(word.digest), list[Saying]()
        if held is not None and held.holder != word.over:
            held.waiting.add(worker)
            return [(worker, Busy(word.ask, held.holder, held.position, held.priority))]
        if held is not None:  # whoever waits for what does not count any more looks again
            self._workers[held.worker].leases.discard(word.digest)
            over = [(other, Ended(word.digest, held.holder, Ending.GONE)) for other in sorted(held.waiting)]
        self._holders += 1
        self._fence = max(self._fence + 1, self._wall_micros + int((now - self._since) * 1_000_000))
        holder = f"{self._holders:x}"
        self._leases[word.digest] = _Lease(worker, holder, word.position, word.priority)
        self._workers[worker].leases.add(word.digest)
        return [*over, (worker, Given(word.ask, holder, self._fence))]

    def _end(self, worker: int, word: End, now: float) -> list[Saying]:
        held = self._leases.get(word.digest)
        if held is None or (held.worker, held.holder) != (worker, word.holder):
            return []  # it was lost before: to a purge, or in a long silence
        del self._leases[word.digest]
        self._workers[worker].leases.discard(word.digest)
        if word.ending == Ending.ALONE:
            self._alone[word.digest] = now + ALONE_SECONDS
            self._alone.move_to_end(word.digest)
            while len(self._alone) > MOST_REMEMBERED:
                self._alone.popitem(last=False)
        ended = Ended(word.digest, word.holder, word.ending, word.data)
        return [(other, ended) for other in sorted(held.waiting)]

    def _free(self, worker: int, known: _Worker) -> list[Saying]:
        """The leases of one that is gone: whoever waited looks again, and may take them."""
        said: list[Saying] = []
        for digest in known.leases:
            lease = self._leases.pop(digest)
            said += [(other, Ended(digest, lease.holder, Ending.GONE)) for other in sorted(lease.waiting)]
        known.leases.clear()
        for lease in self._leases.values():
            lease.waiting.discard(worker)
        return said

    # Failures --------------------------------------------------------------------------------------------------

    def _remember(self, word: Setback, now: float) -> None:
        self._failed.pop(word.digest, None)
        if word.left > 0:
            self._failed[word.digest] = word.value, now + word.left / 1000
        while len(self._failed) > MOST_REMEMBERED:
            self._failed.popitem(last=False)
