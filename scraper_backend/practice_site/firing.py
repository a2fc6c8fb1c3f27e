"""Decides which switches fire at a request, counting what it has seen. Must not apply them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scraper_backend.practice_site.switches import Rule
from scraper_backend.practice_site.world import seeded


@dataclass(slots=True)
class _Armed:
    rule: Rule
    dice: random.Random
    seen: int = 0
    fired: int = 0

    def fires(self, step: str, ruc: str) -> bool:
        when = self.rule.when
        if (when.ruc or ruc) != ruc or (when.step or step) != step:
            return False
        self.seen += 1
        due = (
            (when.nth is None or self.seen == when.nth)
            and (when.every is None or self.seen % when.every == 0)
            and (when.times is None or self.fired < when.times)
            and (when.probability is None or self.dice.random() < when.probability)
        )
        self.fired += due
        return due


@dataclass(slots=True)
class Firing:
    """The switches in force. Chances are drawn from `seed` and the switch's place: the same order, the same faults."""

    seed: str
    _armed: list[_Armed] = field(default_factory=list)

    def arm(self, rules: Iterable[Rule]) -> None:
        """Put `rules` in force in place of all others, their counts at zero."""
        self._armed = []
        self.add(rules)

    def add(self, rules: Iterable[Rule]) -> None:
        """Put further `rules` in force behind the others."""
        for rule in rules:
            place = len(self._armed)
            self._armed.append(_Armed(rule, seeded(f"{self.seed}/{place}")))

    def at(self, step: str, ruc: str) -> tuple[Rule, ...]:
        """The rules that fire at this request, in their order; every rule it concerns counts it."""
        return tuple([armed.rule for armed in self._armed if armed.fires(step, ruc)])

    def report(self) -> Sequence[dict[str, object]]:
        """Every rule in force with how many requests it has seen and how often it fired."""
        return [{**armed.rule.as_json(), "seen": armed.seen, "fired": armed.fired} for armed in self._armed]
