"""What a client prefers, by RFC 7240: whether it takes a promise in place of an answer. Pure."""

import re
from typing import Final

from msgspec import Struct

from proxy.policy.field_values import list_members
from proxy.policy.messages import Fields

_PREFERENCE: Final = re.compile(r"\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*(?:=\s*\"?([^\";]*)\"?)?\s*(?:;.*)?", re.DOTALL)
_OURS: Final = frozenset({"respond-async", "wait"})
_MOST_SECONDS: Final = 86_400
_MOST_DIGITS: Final = 9


class Patience(Struct, frozen=True):
    """It takes a promise, after so many seconds without an answer; None: it does not say."""

    wait: float | None


def patience(fields: Fields) -> Patience | None:
    """What ``respond-async`` and ``wait`` say (RFC 7240 §4.1, §4.3); None: it wants an answer.

    A preference that cannot be read is none; of several with one name the first counts (§2).
    """
    said = _said(fields)
    if "respond-async" not in said:
        return None
    wait = said.get("wait", "")
    is_number = wait.isascii() and wait.isdigit() and len(wait) <= _MOST_DIGITS
    return Patience(float(min(int(wait), _MOST_SECONDS)) if is_number else None)


def without_patience(fields: Fields) -> Fields:
    """The fields without the two preferences, which are ours to meet: the others are the upstream's."""
    rest = [member for member in list_members(fields.joined("prefer") or "") if _name(member) not in _OURS]
    left = fields.without({"prefer"})
    return left.adding(("Prefer", ", ".join(rest))) if rest else left


def _said(fields: Fields) -> dict[str, str]:
    said: dict[str, str] = {}
    for member in list_members(fields.joined("prefer") or ""):
        if (found := _PREFERENCE.fullmatch(member)) is not None:
            said.setdefault(found[1].lower(), (found[2] or "").strip())
    return said


def _name(member: str) -> str:
    found = _PREFERENCE.fullmatch(member)
    return "" if found is None else found[1].lower()
