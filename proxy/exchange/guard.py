"""Protects the upstream: a bounded, fair queue before its seats, the most urgent first, then who came first; and
nobody gets through while its circuit breaker is open.

Knows numbers and waits only; which request deserves a place is not its question, nor what makes an answer a failure.
"""

import asyncio
import math
from collections.abc import Callable

from msgspec import Struct

from proxy.clock import Clock
from proxy.errors import Failure, UpstreamError
from proxy.exchange.breaker import Breaker, BreakerSettings, Permit, State
from proxy.exchange.causes import Priority
from proxy.exchange.seats import Claim, CountedSeats, Seat, Seats

WEIGHT = 0.2
"""Of the newest fetch in the average of what a seat is held for: about the last ten count."""
LONGEST_WAIT = 300
"""Seconds: what a client is told to wait at most."""
_BREAKER = "breaker"


class GuardSettings(Struct, frozen=True):
    """``maximum`` requests at once (None: unlimited); ``queue`` may wait, each for ``queue_timeout`` seconds."""

    maximum: int | None = None
    queue: int = 100
    queue_timeout: float = 60.0


class Slot:
    """One place at the upstream: given back once, however often ``release`` is called. What came of it is reported, or
    given up when nothing did; the body may still be read then, or be read already."""

    __slots__ = ("_guard", "_permit", "_seat", "since")

    def __init__(self, guard: "Guard", seat: Seat, permit: Permit | None, since: float) -> None:
        self._guard = guard
        self._seat: Seat | None = seat
        self._permit = permit
        self.since = since

    def report(self, *, is_good: bool) -> None:
        """What the upstream did with it. The first word counts."""
        if self._permit is not None:
            permit, self._permit = self._permit, None
            self._guard.learn(permit, is_good=is_good)

    def give_up(self) -> None:
        """Nothing will be reported any more (a client that left, a shutdown), and the place is free."""
        if self._permit is not None:
            permit, self._permit = self._permit, None
            self._guard.forget(permit)
        self.release()

    def release(self) -> None:
        """Give the place to whoever is next."""
        if self._seat is not None:
            seat, self._seat = self._seat, None
            self._guard.take_back(self)
            seat.release()


class _Turn:
    """One that waits: resolves to a seat, or to why there will be none."""

    __slots__ = ("claim", "given", "lane")

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.lane = claim.priority
        self.given: asyncio.Future[Seat | str] = asyncio.get_running_loop().create_future()


class Guard:
    """Hands out slots."""

    def __init__(
        self,
        settings: GuardSettings,
        clock: Clock,
        on_wait: Callable[[float], None],
        seats: Seats | None = None,
        breaker: Breaker | None = None,
        on_change: Callable[[State], None] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._on_wait = on_wait
        self._lanes: dict[Priority, dict[_Turn, None]] = {priority: {} for priority in Priority}
        self._slots: dict[Slot, None] = {}
        self.shed: dict[str, int] = {"queue-full": 0, "queue-timeout": 0, "displaced": 0, "breaker": 0}
        self._handed = 0
        """Seats whose new owners have not gone on yet."""
        self._cost: float | None = None
        self._breaker = breaker
        self._on_change = on_change
        self._seats = seats or CountedSeats(settings.maximum)
        self._seats.serve(self._hand)

    @property
    def inflight(self) -> int:
        """How many are at the upstream."""
        return len(self._slots)

    @property
    def queue_depth(self) -> int:
        """How many wait."""
        return sum(len(lane) for lane in self._lanes.values())

    @property
    def maximum(self) -> int | None:
        """How many may be there at once; None: as many as come."""
        return self._settings.maximum

    def change(self, settings: GuardSettings, breaker: BreakerSettings | None) -> None:
        """Other rules from now on. Who waits already waits as long as it would have; an open breaker stays open."""
        self._settings = settings
        if breaker is None:
            self._breaker = None
        elif self._breaker is None:
            self._breaker = Breaker(breaker)
        else:
            self._breaker.change(breaker)
        self._seats.resize(settings.maximum)

    async def admit(self, claim: Claim) -> Slot:
        """Wait for a place. Raises UpstreamError: SHED when the queue is full or the wait too long, BREAKER while that
        is open.

        In a full queue the least urgent gives way to who is more urgent, the last that came first.
        """
        if self.is_open:
            raise self._refuse(_BREAKER, 0)
        turn = _Turn(claim)
        self._line_up(turn)
        if not turn.given.done():
            self._shorten(turn)
        if turn.given.done():
            return self._seated(turn.given.result())
        since = self._clock.monotonic()
        claim.on_rise = lambda: self._move(turn)
        try:
            async with asyncio.timeout(self._settings.queue_timeout):
                given = await turn.given
        except BaseException as error:
            position = self._position(turn)
            self._leave(turn)
            if isinstance(error, TimeoutError):
                raise self._refuse("queue-timeout", position) from None
            raise
        finally:
            claim.on_rise = None
        slot = self._seated(given)
        self._on_wait(self._clock.monotonic() - since)
        return slot

    def retry_after(self, position: int) -> int:
        """Whole seconds until whoever stands there would have its turn, by what fetches took lately: 1 to 300.

        Before the first is over: by what it has taken so far.
        """
        rounds = position / (self._settings.maximum or 1)
        cost = self._cost
        if cost is None:
            cost = max((self._clock.monotonic() - slot.since for slot in self._slots), default=0.0)
        return max(1, min(LONGEST_WAIT, math.ceil(rounds * cost)))

    def expected(self, position: int | None, elapsed: float) -> int | None:
        """Whole seconds until whoever stands there, or has been at the upstream for ``elapsed`` seconds (None), has its
        answer, by what fetches took lately; None: none is over yet."""
        if self._cost is None:
            return None
        left = self._cost - elapsed if position is None else self.retry_after(position) + self._cost
        return max(1, math.ceil(left))

    def position(self, claim: Claim) -> int | None:
        """Where this one waits in the queue, from 1; None: it does not."""
        turn = next((turn for lane in self._lanes.values() for turn in lane if turn.claim is claim), None)
        return None if turn is None else self._position(turn)

    @property
    def is_open(self) -> bool:
        """Whether nobody gets through now: the breaker is open, or half-open with its probe under way."""
        return self._breaker is not None and self._breaker.refuses(self._clock.monotonic())

    @property
    def state(self) -> State | None:
        """The breaker's; None: there is none."""
        return None if self._breaker is None else self._breaker.state(self._clock.monotonic())

    def learn(self, permit: Permit, *, is_good: bool) -> None:
        """How a request went. When that opens the breaker, all who wait are told at once."""
        if self._breaker is None:
            return
        before = self.state
        self._breaker.report(permit, is_good=is_good, now=self._clock.monotonic())
        after = self.state
        if after is not None and after is not before and self._on_change is not None:
            self._on_change(after)
        if self.is_open:
            for turn in [turn for lane in self._lanes.values() for turn in lane]:
                self._dismiss(turn, _BREAKER)

    def forget(self, permit: Permit) -> None:
        """Nothing came of a request."""
        if self._breaker is not None:
            self._breaker.give_up(permit)

    def take_back(self, slot: Slot) -> None:
        """A slot is given up: how long it was held is learned from."""
        del self._slots[slot]
        held = self._clock.monotonic() - slot.since
        self._cost = held if self._cost is None else self._cost + WEIGHT * (held - self._cost)

    # The queue -----------------------------------------------------------------------------------------------------

    def _seated(self, given: Seat | str) -> Slot:
        if isinstance(given, str):
            raise self._refuse(given, self.queue_depth + 1)
        self._handed -= 1
        now, permit = self._clock.monotonic(), None
        if self._breaker is not None:
            permit = self._breaker.permit(now)
            if permit is None:  # it opened, or another became the probe, in the very moment of being seated
                given.release()
                raise self._refuse(_BREAKER, 0)
        slot = Slot(self, given, permit, now)
        self._slots[slot] = None
        return slot

    def _line_up(self, turn: _Turn) -> None:
        turn.lane = turn.claim.priority
        self._lanes[turn.lane][turn] = None
        self._tell()

    def _move(self, turn: _Turn) -> None:
        """It is more urgent now; among its new equals it has come last."""
        if turn in self._lanes[turn.lane]:
            del self._lanes[turn.lane][turn]
            self._line_up(turn)

    def _leave(self, turn: _Turn) -> None:
        if turn in self._lanes[turn.lane]:
            del self._lanes[turn.lane][turn]
            self._tell()
        elif turn.given.done() and not turn.given.cancelled() and not isinstance(seat := turn.given.result(), str):
            self._handed -= 1
            seat.release()  # the place came in the very moment of leaving

    def _shorten(self, newest: _Turn) -> None:
        """One too many waits: the last of the least urgent goes, whoever that is."""
        # A pool that must ask elsewhere has not answered yet: who may still be seated here does not count.
        unseated = max(0, (self._settings.maximum or 0) - self.inflight - self._handed)
        if self.queue_depth > self._settings.queue + unseated:
            last = next(next(reversed(lane)) for lane in reversed(self._lanes.values()) if lane)
            self._dismiss(last, "queue-full" if last is newest else "displaced")

    def _dismiss(self, turn: _Turn, reason: str) -> None:
        del self._lanes[turn.lane][turn]
        if not turn.given.done():
            turn.given.set_result(reason)
        self._tell()

    def _hand(self, seat: Seat) -> None:
        """A seat is free: it is for the most urgent, and of those for who came first."""
        for lane in self._lanes.values():
            while lane:
                turn = next(iter(lane))
                del lane[turn]
                if not turn.given.done():
                    turn.given.set_result(seat)
                    self._handed += 1
                    self._tell()
                    return
        seat.release()

    def _tell(self) -> None:
        self._seats.want(next((priority for priority, lane in self._lanes.items() if lane), None))

    def _position(self, turn: _Turn) -> int:
        """Where it stands, from 1; where it would stand, if it is not in the queue."""
        before = 0
        for priority, lane in self._lanes.items():
            if priority is turn.lane:
                return before + (list(lane).index(turn) if turn in lane else len(lane)) + 1
            before += len(lane)
        return before + 1

    def _refuse(self, reason: str, position: int) -> UpstreamError:
        self.shed[reason] += 1
        if reason == _BREAKER and self._breaker is not None:
            wait = self._breaker.wait(self._clock.monotonic())
            return UpstreamError(Failure.BREAKER, reason, math.ceil(wait) or self.retry_after(1))
        return UpstreamError(Failure.SHED, reason, self.retry_after(position), queue_position=position)
