"""How long the steps take."""

import pytest

from scraper_backend.practice_site.delays import added, natural
from scraper_backend.practice_site.switches import parse_switches
from scraper_backend.practice_site.world import seeded


@pytest.mark.parametrize(
    ("step", "least", "most"),
    [("form", 1, 3), ("ficha", 2, 8), ("volver", 2, 8), ("workers", 2, 6), ("representatives", 2, 6)],
)
def test_ranges_scale_with_the_factor(step: str, least: float, most: float) -> None:
    dice = seeded("1")
    seconds = [natural(step, 1, dice) for _ in range(500)]
    assert least <= min(seconds) < least + 0.2
    assert most - 0.2 < max(seconds) <= most
    assert natural(step, 0, dice) == 0
    assert natural(step, 0.5, seeded("3")) == natural(step, 1, seeded("3")) / 2


def test_switches_add_fixed_and_normal_delays_but_never_less_than_none() -> None:
    fixed = parse_switches([{"switch": "delay", "seconds": 2}, {"switch": "delay", "seconds": 3}, {"switch": "reset"}])
    assert added(fixed, seeded("1")) == 5
    wild = parse_switches([{"switch": "delay", "seconds": 1, "sd": 100}])
    dice = seeded("1")
    drawn = [added(wild, dice) for _ in range(100)]
    assert min(drawn) == 0
    assert max(drawn) > 50
