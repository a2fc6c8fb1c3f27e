"""When the breaker opens and closes."""

import pytest

from proxy.store.redis_breaker import Breaker


@pytest.mark.parametrize(
    ("moments", "is_open"),
    [
        pytest.param([0.0, 0.1, 0.2, 0.3], False, id="four failures"),
        pytest.param([0.0, 0.1, 0.2, 0.3, 0.4], True, id="five at once"),
        pytest.param([0.0, 0.25, 0.5, 0.75, 1.0], True, id="five within the second"),
        pytest.param([0.0, 0.3, 0.6, 0.9, 1.2], False, id="five, spread wider"),
        pytest.param([0.0, 5.0, 5.1, 5.2, 5.3, 5.4], True, id="the last five count"),
    ],
)
def test_five_failures_within_a_second_open(moments: list[float], is_open: bool) -> None:
    breaker = Breaker()
    opened = [breaker.failed(at) for at in moments]
    assert breaker.is_open is is_open
    assert opened.count(True) == is_open, "told once"


def test_it_can_be_opened_at_once_and_says_how_long_it_was() -> None:
    breaker = Breaker()
    assert breaker.close(1.0) is None
    assert breaker.open_for(2.0) == 0
    assert breaker.trip(2.0)
    assert breaker.open_for(3.5) == 1.5
    assert not breaker.trip(3.0)
    assert not breaker.failed(4.0)
    assert breaker.close(7.5) == 5.5
    assert not breaker.is_open


def test_failures_of_before_are_forgotten_on_return() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(0.0)
    breaker.close(0.1)
    assert not any(breaker.failed(0.2) for _ in range(4))
