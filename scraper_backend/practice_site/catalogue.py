"""Every failure switch by name, with its parameters and their bounds. Must not apply any of them.

To add a switch: name it here, then apply it in outcomes.py (what is sent) or looks.py (how the page looks).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from scraper_backend.practice_site import messages, ruc

Value: TypeAlias = str | float | bool

STEPS: Final = (
    "form",
    "ficha",
    "volver",
    "list",
    "workers",
    "representatives",
    "annexes",
    "history",
    "debts",
    "omissions",
    "acts",
    "invoices",
    "reactiva",
    "covid",
    "other",
)
STATUSES: Final = (302, 401, 403, 429, 500, 502, 503)
LONGEST: Final = 86400.0  # seconds
LONGEST_TEXT: Final = 2000  # characters


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter that is a number within bounds."""

    default: float
    least: float = 0
    most: float = LONGEST

    def problem(self, given: object) -> str:
        """Why `given` does not fit, or nothing."""
        fits = isinstance(given, int | float) and not isinstance(given, bool) and self.least <= given <= self.most
        return "" if fits else f"expected a number from {self.least:g} to {self.most:g}"


@dataclass(frozen=True, slots=True)
class Flag:
    """A parameter that is true or false."""

    default: bool

    def problem(self, given: object) -> str:
        """Why `given` does not fit, or nothing."""
        return "" if isinstance(given, bool) else "expected true or false"


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter that is one of a few values; the first is the default unless another is named."""

    options: tuple[str | int, ...]
    default: str | int

    def problem(self, given: object) -> str:
        """Why `given` does not fit, or nothing."""
        fits = given in self.options and not isinstance(given, bool)
        return "" if fits else f"expected one of {', '.join(map(str, self.options))}"


@dataclass(frozen=True, slots=True)
class Words:
    """A parameter that is a text to show."""

    default: str

    def problem(self, given: object) -> str:
        """Why `given` does not fit, or nothing."""
        fits = isinstance(given, str) and len(given) <= LONGEST_TEXT
        return "" if fits else f"expected a text of at most {LONGEST_TEXT} characters"


@dataclass(frozen=True, slots=True)
class Number11:
    """A parameter that is a RUC; empty means that the site picks one."""

    default: str = ""

    def problem(self, given: object) -> str:
        """Why `given` does not fit, or nothing."""
        fits = isinstance(given, str) and ruc.is_number(given)
        return "" if fits else "expected a RUC of eleven digits"


Parameter: TypeAlias = Number | Flag | Choice | Words | Number11

CATALOGUE: Final[Mapping[str, Mapping[str, Parameter]]] = {
    # slower
    "delay": {"seconds": Number(5), "sd": Number(0)},
    # something else is sent, or nothing: the first that fires decides
    "hang": {},
    "reset": {},
    "half": {"fraction": Number(0.5, 0, 1), "then": Choice(("close", "hang", "reset"), "close")},
    "status": {"status": Choice(STATUSES, 503), "retry_after": Number(0)},
    "request-rejected": {},
    "error-page": {"text": Words(messages.QUERY_TROUBLE)},
    "message-page": {"text": Words(messages.WRONG_CODE)},
    "session-expired": {},
    "maintenance": {"text": Words(messages.MAINTENANCE)},
    "renderer-crash": {"how": Choice(("kill", "exhaust", "spin", "freeze"), "kill")},
    "alert": {"text": Words(messages.ALERT)},
    "challenge": {"only_headless": Flag(default=True)},
    "not-found": {},
    # the right page, looking different: all that fire apply
    "labels-renamed": {"which": Choice(("some", "all"), "some")},
    "list-group-renamed": {},
    "old-layout": {},
    "contabilidiad": {},
    "wrong-ficha": {"shows": Number11()},
    "encoding": {"bytes": Choice(("utf-8", "latin-1"), "latin-1"), "header": Flag(default=False)},
    # the guard at the door
    "rate-limit": {"per_minute": Number(15, 1, 10000), "seconds": Number(300)},
    "token-block": {"seconds": Number(300)},
}
