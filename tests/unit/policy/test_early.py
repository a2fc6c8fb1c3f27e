"""When a fresh response is worth refreshing: a table over how much is left, what it cost, and the draw."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.early import early_window, is_refresh_due
from tests.support.builders import T0, a_stored

WEEK = 7 * 86_400.0
NEVER_DRAWN, ALWAYS_DRAWN = 0.0, 0.999_99


@pytest.mark.parametrize(
    ("changes", "window"),
    [
        pytest.param({"cost": 30.0, "freshness_lifetime": WEEK}, 300, id="ten times what it costs"),
        pytest.param({"cost": 30.0, "freshness_lifetime": 60.0}, 15, id="a quarter of a short life"),
        pytest.param({"cost": 0.0}, 0, id="what costs nothing is fetched when it is needed"),
        pytest.param({"cost": 30.0, "negative": True}, 0, id="a negative answer"),
        pytest.param({"cost": 30.0, "always_validate": True}, 0, id="what is validated each time"),
    ],
)
def test_the_window(changes: dict[str, Any], window: float) -> None:
    assert early_window(a_stored(**changes)) == window


@pytest.mark.parametrize(
    ("left", "draw", "is_due"),
    [
        pytest.param(301.0, ALWAYS_DRAWN, False, id="before the window, whatever is drawn"),
        pytest.param(299.0, ALWAYS_DRAWN, True, id="at its begin, with the rarest draw"),
        pytest.param(299.0, 0.99, False, id="at its begin, with a usual one"),
        pytest.param(20.0, 0.5, True, id="20 s left of what takes 30 s: half of all draws"),
        pytest.param(21.0, 0.5, False, id="21 s left: the other half"),
        pytest.param(0.1, NEVER_DRAWN, False, id="the lowest draw never"),
        pytest.param(0.0, ALWAYS_DRAWN, False, id="stale: that is not ahead of time"),
        pytest.param(-5.0, ALWAYS_DRAWN, False, id="long stale"),
    ],
)
def test_when_it_is_due(left: float, draw: float, is_due: bool) -> None:
    stored = a_stored(cost=30.0, freshness_lifetime=WEEK)
    assert is_refresh_due(stored, T0 + WEEK - left, draw) is is_due


def test_not_once_a_purge_ended_it() -> None:
    assert not is_refresh_due(a_stored(cost=30.0, is_ended=True), T0 + 50, ALWAYS_DRAWN)


@given(st.floats(0, 1e6), st.floats(0, 1e8), st.floats(0, 1, exclude_max=True), st.floats(0, 1))
def test_never_outside_the_window(cost: float, lifetime: float, draw: float, part: float) -> None:
    stored = a_stored(cost=cost, freshness_lifetime=lifetime)
    now = T0 + lifetime * part
    if is_refresh_due(stored, now, draw):
        left = T0 + lifetime - now
        assert -1e-3 < left <= early_window(stored) + 1e-3, "but for what such sums lose"
