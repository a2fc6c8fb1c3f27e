"""Failure switches as values: which one, when, with what; read from JSON. Must not fire them.

A switch is a JSON object: `switch` names it; `ruc`, `step`, `nth`, `every`, `times`, `probability` say when it fires;
whatever else it takes is in catalogue.py.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from scraper_backend.practice_site.catalogue import CATALOGUE, STEPS, Choice, Number, Number11, Parameter, Value

MOST_SWITCHES: Final = 200


class BadSwitchError(ValueError):
    """A switch that cannot be used; the text names what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class When:
    """The requests a switch fires at. None is "any"; counts are of the requests with that RUC and step, from 1."""

    ruc: str | None = None
    step: str | None = None
    nth: int | None = None
    every: int | None = None
    times: int | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One switch, its parameters complete with their defaults."""

    switch: str
    when: When
    parameters: Mapping[str, Value]

    def number(self, name: str) -> float:
        """A numeric parameter."""
        return float(self.parameters[name])

    def text(self, name: str) -> str:
        """A parameter that is text or a choice of words."""
        return str(self.parameters[name])

    def as_json(self) -> dict[str, Value]:
        """The object that parses back to this rule."""
        when = {name: value for name, value in asdict(self.when).items() if value is not None}
        given = {name: value for name, value in self.parameters.items() if value != ""}
        return {"switch": self.switch, **when, **given}


COUNT: Final = Number(1, 1, 1_000_000)
CONDITIONS: Final[Mapping[str, Parameter]] = {
    "ruc": Number11(),
    "step": Choice(STEPS, STEPS[0]),
    "nth": COUNT,
    "every": COUNT,
    "times": COUNT,
    "probability": Number(1, 0, 1),
}
WHOLE: Final = ("nth", "every", "times")


def parse_switches(given: object) -> tuple[Rule, ...]:
    """Read a JSON array of switches, or an object `{"switches": [...]}`.

    Raises BadSwitchError; nothing is taken over when one switch is wrong.
    """
    if isinstance(given, Mapping) and set(given) == {"switches"}:
        given = given["switches"]
    if not isinstance(given, list):
        raise BadSwitchError('expected {"switches": [...]} or an array of switches')
    if len(given) > MOST_SWITCHES:
        raise BadSwitchError(f"{len(given)} switches are too many: at most {MOST_SWITCHES}")
    return tuple(parse_switch(one, f"switch {number}") for number, one in enumerate(given, 1))


def parse_switch(given: object, where: str = "switch") -> Rule:
    """Read one switch; `where` begins the error's text. Raises BadSwitchError."""
    if not isinstance(given, Mapping):
        raise BadSwitchError(f'{where}: expected an object such as {{"switch": "reset"}}')
    name = given.get("switch")
    if not isinstance(name, str) or name not in CATALOGUE:
        raise BadSwitchError(f"{where}: unknown switch {name!r}{nearest(str(name), CATALOGUE)}")
    where = f"{where} ({name})"
    known = {**CONDITIONS, **CATALOGUE[name]}
    for key, value in given.items():
        if key == "switch":
            continue
        if key not in known:
            raise BadSwitchError(f"{where}: unknown key {key!r}{nearest(key, known)}")
        problem = known[key].problem(value) or _not_whole(key, value)
        if problem:
            raise BadSwitchError(f"{where}: {key} = {value!r}: {problem}")
    parameters = {key: given.get(key, parameter.default) for key, parameter in CATALOGUE[name].items()}
    return Rule(name, When(**{key: given[key] for key in CONDITIONS if key in given}), parameters)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that ends an error's text: the most similar known word, or all of them."""
    names = list(known)
    similar = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; the nearest known one is {similar[0]!r}" if similar else f"; known are {', '.join(names)}"


def _not_whole(key: str, value: object) -> str:
    return "expected a whole number" if key in WHOLE and not isinstance(value, int) else ""
