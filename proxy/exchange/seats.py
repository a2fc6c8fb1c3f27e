"""The places at the upstream: how urgent a claim to one is, and who hands them out. Queues nobody: the guard does.

A pool of seats is asked by ``want`` and answers by calling back, so that one that must ask elsewhere (a pool for a
whole fleet) keeps nobody's coroutine, and may learn while it asks that somebody more urgent has come.
"""

from collections.abc import Callable
from typing import Protocol

from proxy.exchange.causes import PRIORITIES, Cause, Priority


class Claim:
    """How urgent one fetch is. May rise while it waits: a client has joined what was begun in the background."""

    __slots__ = ("on_rise", "priority")

    def __init__(self, cause: Cause) -> None:
        self.priority = PRIORITIES[cause]
        self.on_rise: Callable[[], None] | None = None
        """Hears of a rise while the claim waits in a queue."""

    def rise(self, priority: Priority = Priority.CLIENT) -> None:
        """Make it as urgent as this, where it is less."""
        if priority < self.priority:
            self.priority = priority
            if self.on_rise is not None:
                self.on_rise()


class Seat(Protocol):
    """One place at the upstream, held until it is released."""

    def release(self) -> None:
        """Give it back; called once. Never raises and never waits: what must be told elsewhere is told behind."""
        ...


class Seats(Protocol):
    """Hands out the places: a number of them in this process, or in a whole fleet.

    Never raises: a pool that loses what it shares with others goes on by itself, within the same number. Whatever it
    lends is its to take back from who died (a lease that ends by itself); a seat handed over here is released here.
    """

    def serve(self, offer: Callable[[Seat], None]) -> None:
        """Whom the seats are for. Called once, before anything else; ``offer`` may be called from ``want`` itself."""
        ...

    def want(self, priority: Priority | None) -> None:
        """The most urgent that waits here has this priority; None: nobody waits any more. The latest word counts.

        Answered by one ``offer`` of a seat, at once or later. Whoever is offered one says anew what is wanted; a seat
        that nobody waits for any more is released at once.
        """
        ...

    def resize(self, maximum: int | None) -> None:
        """So many from now on; None: as many as are wanted, where nothing is shared. Nobody loses what it has."""
        ...


class CountedSeats:
    """So many seats, counted in this process; None: as many as are wanted."""

    def __init__(self, maximum: int | None) -> None:
        self._maximum = maximum
        self._taken = 0
        self._is_wanted = False
        self._offer: Callable[[Seat], None] = _nobody

    def serve(self, offer: Callable[[Seat], None]) -> None:
        """See Seats."""
        self._offer = offer

    def want(self, priority: Priority | None) -> None:
        """See Seats."""
        self._is_wanted = priority is not None
        self._hand_out()

    def resize(self, maximum: int | None) -> None:
        """See Seats."""
        self._maximum = maximum
        self._hand_out()

    def release(self) -> None:
        """A seat came back: each of them is the pool itself, there is nothing to tell them apart by."""
        self._taken -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        if self._is_wanted and (self._maximum is None or self._taken < self._maximum):
            self._is_wanted = False
            self._taken += 1
            self._offer(self)


def _nobody(seat: Seat) -> None:
    seat.release()
