"""How long the live site takes for each step, scaled. Must not sleep."""

import random
from collections.abc import Iterable
from typing import Final

from scraper_backend.practice_site.switches import Rule

FORM: Final = (1.0, 3.0)
FICHA: Final = (2.0, 8.0)
SUB_PAGE: Final = (2.0, 6.0)
RANGES: Final = {"form": FORM, "ficha": FICHA, "volver": FICHA, "list": FICHA}


def natural(step: str, factor: float, dice: random.Random) -> float:
    """Seconds that `step` takes at this `factor`; always one draw, so that a seed gives one sequence."""
    return dice.uniform(*RANGES.get(step, SUB_PAGE)) * factor


def added(rules: Iterable[Rule], dice: random.Random) -> float:
    """Seconds that the delay switches among `rules` add, never less than none."""
    return sum(
        max(0.0, dice.gauss(rule.number("seconds"), rule.number("sd"))) for rule in rules if rule.switch == "delay"
    )
