"""How soon a worker is replaced."""

import pytest

from proxy.app.workers.backoff import LONGEST, STEADY, failures_after, pause


@pytest.mark.parametrize(
    ("lived", "failures", "seconds"),
    [
        pytest.param([], 0, 0.0, id="the first starts at once"),
        pytest.param([STEADY], 0, 0.0, id="after a steady one, at once"),
        pytest.param([0.1], 1, 0.1, id="a quick end costs a little"),
        pytest.param([0.1] * 4, 4, 0.8, id="each one more twice as much"),
        pytest.param([0.1] * 40, 40, LONGEST, id="up to a bound"),
        pytest.param([0.1] * 40 + [STEADY], 0, 0.0, id="one that is steady makes up for all"),
    ],
)
def test_the_pause(lived: list[float], failures: int, seconds: float) -> None:
    count = 0
    for each in lived:
        count = failures_after(count, each)
    assert count == failures
    assert pause(count) == pytest.approx(seconds)
