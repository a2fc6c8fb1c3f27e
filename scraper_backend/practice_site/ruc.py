"""The arithmetic of a RUC: weights, check digit, kinds of prefix. Must not know any taxpayer."""

from typing import Final

WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
LENGTH: Final = 11
NATURAL_PREFIXES: Final = ("10", "15", "16", "17")
COMPANY_PREFIX: Final = "20"


def check_digit(body: str) -> str:
    """The eleventh digit that belongs to the ten digits of `body` (modulus 11; 10 becomes 0, 11 becomes 1)."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, body, strict=True))
    return str((11 - total % 11) % 10)


def is_number(text: str) -> bool:
    """Whether `text` is eleven ASCII digits, right or wrong."""
    return len(text) == LENGTH and text.isascii() and text.isdigit()


def is_valid(text: str) -> bool:
    """Whether `text` is eleven ASCII digits whose last one is the check digit of the others."""
    return is_number(text) and check_digit(text[:-1]) == text[-1]


def complete(body: str) -> str:
    """The RUC that begins with the ten digits of `body`."""
    return body + check_digit(body)


def is_company(ruc: str) -> bool:
    """Whether the number belongs to a juridical person (natural persons have no representatives)."""
    return ruc.startswith(COMPANY_PREFIX)
