"""The memory of failures: how pauses grow, what ends them, that it has a bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Failure
from proxy.exchange.holdoff import LONGEST_ASKED, FailureMemory
from tests.support.clock import FakeClock
from tests.support.scenario import a_route

ROUTE = a_route("ruc", hold_off=60.0)


def pauses(draws: list[float], hold_off: float = 60.0) -> list[float]:
    """How long each of several failures in a row is followed by rest; the next comes when that is over."""
    clock, drawn = FakeClock(), iter(draws)
    memory = FailureMemory(clock, lambda: next(drawn))
    found = []
    for _ in draws:
        memory.failed("/a", a_route(hold_off=hold_off), Failure.TIMEOUT, None)
        setback = memory.setback("/a")
        assert setback is not None
        found.append(setback.until - clock.monotonic())
        clock.advance(found[-1])
    return found


@pytest.mark.parametrize(
    ("draws", "hold_off", "expected"),
    [
        pytest.param([1.0] * 8, 60.0, [1, 2, 4, 8, 16, 32, 60, 60], id="doubled, up to what the route says"),
        pytest.param([0.5, 0.0, 0.25], 60.0, [0.5, 0, 1], id="drawn from nothing up to that"),
        pytest.param([1.0] * 2, 0.5, [0.5, 0.5], id="a short hold-off bounds the first pause too"),
        pytest.param([1.0] * 100, 1e9, [min(2.0**n, 1e9) for n in range(100)], id="never overflows"),
    ],
)
def test_pauses(draws: list[float], hold_off: float, expected: list[float]) -> None:
    assert pauses(draws, hold_off) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_no_pause_is_longer_than_the_route_says(draws: list[float]) -> None:
    assert all(0 <= pause <= 60.0 + 1e-6 for pause in pauses(draws))  # each is a difference of two times


def test_a_success_clears_it() -> None:
    memory = FailureMemory(FakeClock(), lambda: 1.0)
    memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
    memory.succeeded("/a")
    memory.succeeded("/never-failed")
    assert memory.setback("/a") is None
    memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
    again = memory.setback("/a")
    assert again is not None
    assert again.count == 1


def test_what_failed_long_ago_is_forgotten() -> None:
    clock = FakeClock()
    memory = FailureMemory(clock, lambda: 1.0)
    memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
    clock.advance(60)
    assert memory.setback("/a") is not None
    clock.advance(1)
    assert memory.setback("/a") is None


def test_a_key_is_not_forgotten_while_it_is_tried_again() -> None:
    """An upstream that hangs takes longer to fail than the longest pause."""
    clock = FakeClock()
    memory = FailureMemory(clock, lambda: 1.0, longest_fetch=240.0)
    for count in range(1, 10):
        memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
        setback = memory.setback("/a")
        assert setback is not None
        assert setback.count == count
        clock.advance(setback.until - clock.monotonic() + 239)
        assert memory.setback("/a") is setback, "whoever comes meanwhile is spared the wait"


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        pytest.param(120.0, 120, id="the upstream asks for longer"),
        pytest.param(0.5, 1, id="the upstream asks for less"),
        pytest.param(1e9, LONGEST_ASKED, id="up to an hour"),
    ],
)
def test_retry_after_is_obeyed(asked: float, pause: float) -> None:
    clock = FakeClock()
    memory = FailureMemory(clock, lambda: 1.0)
    memory.failed("/a", ROUTE, Failure.FAULTY, asked)
    setback = memory.setback("/a")
    assert setback is not None
    assert setback.until == clock.monotonic() + pause


def test_off_is_off() -> None:
    memory = FailureMemory(FakeClock())
    memory.failed("/a", a_route(hold_off=0.0), Failure.TIMEOUT, 100)
    assert memory.setback("/a") is None


def test_it_counts_by_route_what_is_left_alone_now() -> None:
    clock = FakeClock()
    memory = FailureMemory(clock, lambda: 1.0)
    memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
    memory.failed("/b", ROUTE, Failure.TIMEOUT, 10)
    memory.failed("/c", a_route("other", hold_off=5.0), Failure.TIMEOUT, None)
    assert memory.held() == {"ruc": 2, "other": 1}
    clock.advance(5)
    assert memory.held() == {"ruc": 1}


def test_it_has_a_bound() -> None:
    memory = FailureMemory(FakeClock(), lambda: 1.0, most_keys=3)
    for name in "abcad":
        memory.failed(name, ROUTE, Failure.TIMEOUT, None)
    assert [name for name in "abcd" if memory.setback(name)] == ["a", "c", "d"]
