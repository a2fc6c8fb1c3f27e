"""The site's bounded memory of its visitors."""

import re

from scraper_backend.practice_site import visitors
from scraper_backend.practice_site.visitors import Visitors
from scraper_backend.practice_site.world import seeded


class Now:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def make() -> tuple[Visitors, Now]:
    now = Now()
    return Visitors(now, seeded("1")), now


def test_a_session_is_open_until_it_is_dropped() -> None:
    guests, _ = make()
    session = guests.open_session()
    assert re.fullmatch(r"[0-9A-Za-z]{52}!-?\d+!\d+", session)
    assert guests.is_open(session)
    guests.drop(session)
    assert not guests.is_open(session)
    assert guests.was_dropped(session)
    assert not guests.was_dropped("never seen")
    guests.drop("never seen")
    assert not guests.was_dropped("never seen")


def test_a_block_ends() -> None:
    guests, now = make()
    guests.block("1.2.3.4", 30)
    guests.block("5.6.7.8", 0)
    assert guests.is_blocked("1.2.3.4")
    assert not guests.is_blocked("5.6.7.8")
    now.seconds = 30
    assert not guests.is_blocked("1.2.3.4")


def test_arrivals_are_counted_over_the_last_minute() -> None:
    guests, now = make()
    assert [guests.too_many("a", 2) for _ in range(3)] == [False, False, True]
    assert not guests.too_many("b", 2)
    now.seconds = 60
    assert not guests.too_many("a", 2)


def test_nothing_grows_without_a_bound() -> None:
    guests, _ = make()
    first = guests.open_session()
    for _ in range(visitors.MOST_VISITORS):
        guests.open_session()
    assert not guests.is_open(first)
    for number in range(visitors.MOST_NUMBERS + 1):
        guests.remember("a", str(number))
    assert not guests.remembers("a", "0")
    assert guests.remembers("a", str(visitors.MOST_NUMBERS))
    assert not guests.remembers("b", "1")
