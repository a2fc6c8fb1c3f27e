"""The places at the upstream, counted by the hub for all workers. Satisfies proxy.exchange.seats.Seats; queues nobody.

Without a connection nobody gets a place: the supervisor is gone then, and what it leaves behind must not ask the
upstream more often than was allowed.
"""

from collections.abc import Callable

from msgspec import Struct

from proxy.exchange.causes import Priority
from proxy.exchange.seats import Seat
from proxy.store.hub.client import HubClient
from proxy.store.hub.words import Release, Seated, Want


class _Seat(Struct, frozen=True):
    """Satisfies proxy.exchange.seats.Seat."""

    token: bytes
    give_back: Callable[[bytes], None]

    def release(self) -> None:
        """See Seat."""
        self.give_back(self.token)


class HubSeats:
    """``maximum`` places for all workers."""

    def __init__(self, client: HubClient, maximum: int) -> None:
        self._client = client
        self._maximum = maximum
        self._held: set[bytes] = set()
        self._wanted: Priority | None = None
        self._is_in_line = False
        self._offer: Callable[[Seat], None] = _nobody
        client.on(Seated, self._seated)
        client.on_connect(self._stand_in_line)

    @property
    def held(self) -> tuple[bytes, ...]:
        """The seats that this worker has: the hub is told with each beat."""
        return tuple(self._held)

    # Satisfies Seats ---------------------------------------------------------------------------------------------

    def serve(self, offer: Callable[[Seat], None]) -> None:
        """See Seats."""
        self._offer = offer

    def want(self, priority: Priority | None) -> None:
        """See Seats."""
        before, self._wanted = self._wanted, priority
        if priority is None and not self._is_in_line:
            return
        if priority is not before or not self._is_in_line:
            self._stand_in_line()

    def resize(self, maximum: int | None) -> None:
        """See Seats. The hub counts by the number that it was told last."""
        if maximum is not None:
            self._maximum = maximum
            self._stand_in_line()

    # With the hub ------------------------------------------------------------------------------------------------

    def _stand_in_line(self) -> None:
        self._is_in_line = self._wanted is not None and self._client.is_connected
        self._client.say(Want(None if self._wanted is None else int(self._wanted), self._maximum))

    def _seated(self, word: Seated) -> None:
        self._is_in_line = False  # the hub gave us the place that we stood in line for
        self._held.add(word.token)
        seat = _Seat(word.token, self._take_back)
        if self._wanted is None:
            seat.release()
            return
        self._wanted = None  # whoever is offered one says anew what is wanted
        self._offer(seat)

    def _take_back(self, token: bytes) -> None:
        self._held.discard(token)
        self._client.say(Release(token))


def _nobody(seat: Seat) -> None:
    seat.release()
