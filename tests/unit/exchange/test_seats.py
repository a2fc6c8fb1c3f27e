"""Who gets a seat of a counted pool, and how urgent each cause is."""

import pytest

from proxy.exchange.causes import Cause, Priority
from proxy.exchange.seats import Claim, CountedSeats, Seat


class Wanting:
    """Somebody who takes every seat that is offered."""

    def __init__(self, seats: CountedSeats) -> None:
        self.got: list[Seat] = []
        seats.serve(self.got.append)


def test_a_seat_is_offered_once_per_wish() -> None:
    seats = CountedSeats(2)
    wanting = Wanting(seats)
    for _ in range(3):
        seats.want(Priority.CLIENT)
    assert len(wanting.got) == 2
    wanting.got[0].release()
    assert len(wanting.got) == 3


def test_no_seat_is_offered_to_who_wants_none_any_more() -> None:
    seats = CountedSeats(1)
    wanting = Wanting(seats)
    seats.want(Priority.WARM)
    seats.want(Priority.WARM)
    seats.want(None)
    wanting.got[0].release()
    assert len(wanting.got) == 1


def test_without_a_number_there_is_always_one() -> None:
    seats = CountedSeats(None)
    wanting = Wanting(seats)
    for _ in range(1000):
        seats.want(Priority.WARM)
    assert len(wanting.got) == 1000


@pytest.mark.parametrize(
    ("cause", "to", "priority", "is_told"),
    [
        pytest.param(Cause.WARM, Priority.CLIENT, Priority.CLIENT, True, id="a client joins a list's fetch"),
        pytest.param(Cause.REFRESH, Priority.AHEAD, Priority.REFRESH, False, id="it never falls"),
        pytest.param(Cause.MISS, Priority.CLIENT, Priority.CLIENT, False, id="nothing rises above a client"),
    ],
)
def test_a_claim_only_rises(cause: Cause, to: Priority, priority: Priority, is_told: bool) -> None:
    told: list[Priority] = []
    claim = Claim(cause)
    claim.on_rise = lambda: told.append(claim.priority)
    claim.rise(to)
    assert (claim.priority, bool(told)) == (priority, is_told)


def test_more_seats_are_handed_out_at_once_and_fewer_take_none_away() -> None:
    seats = CountedSeats(1)
    wanting = Wanting(seats)
    seats.want(Priority.CLIENT)
    seats.want(Priority.CLIENT)
    assert len(wanting.got) == 1
    seats.resize(2)
    assert len(wanting.got) == 2
    seats.resize(1)
    seats.want(Priority.CLIENT)
    wanting.got[0].release()
    assert len(wanting.got) == 2
    wanting.got[1].release()
    assert len(wanting.got) == 3
