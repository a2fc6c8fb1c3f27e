"""Names of places to INEI's six-digit codes, and the street address parted from the place it ends with."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from scraper_backend.text import collapse, fold

_CALLAO: Final = "PROV. CONST. DEL CALLAO"
"""How the site writes both the department and the province of Callao."""

_PARTS: Final = 3
"""A full address: street with department, province, district, joined by " - "."""


class Address(NamedTuple):
    """A fiscal address in its parts; a part that the text does not hold is empty."""

    street: str
    department: str
    province: str
    district: str


@cache
def _rows() -> tuple[tuple[str, str, str, str], ...]:
    """Read the bundled table once: code, department, province, district."""
    with resources.files("scraper_backend").joinpath("ubigeo.csv").open(encoding="utf-8") as lines:
        return tuple(
            (row["ubigeo"], row["departamento"], row["provincia"], row["distrito"]) for row in csv.DictReader(lines)
        )


@cache
def _codes() -> Mapping[tuple[str, str, str], str]:
    return {(fold(dept), fold(province), fold(district)): code for code, dept, province, district in _rows()}


@cache
def _departments() -> tuple[str, ...]:
    """Every department, longest first, so that "PROV. CONST. DEL CALLAO" is tried before "CALLAO"."""
    return tuple(sorted({*(row[1] for row in _rows()), _CALLAO}, key=len, reverse=True))


def load() -> None:
    """Read the table now, so that a broken installation shows at the start."""
    _rows()


def code_of(department: str, province: str, district: str) -> str | None:
    """Return the six-digit code, or None where no such place is known. Never decides by the district alone."""
    return _codes().get((_place(department), _place(province), fold(district)))


def _place(name: str) -> str:
    folded = fold(name)
    return "CALLAO" if folded == fold(_CALLAO) else folded


def part(text: str) -> Address:
    """Part "STREET DEPARTMENT - PROVINCE - DISTRICT". Streets may hold hyphens; departments may be of several words.

    Where the end is no known department, `department` stays empty and the street keeps all the words.
    """
    pieces = collapse(text).rsplit(" - ", _PARTS - 1)
    if len(pieces) < _PARTS:
        return Address(collapse(text), "", "", "")
    head, province, district = pieces
    words = head.split(" ")
    for name in _departments():
        count = len(name.split(" "))
        if fold("".join(words[-count:])) == fold(name):
            return Address(" ".join(words[:-count]), " ".join(words[-count:]), province, district)
    return Address(head, "", province, district)
