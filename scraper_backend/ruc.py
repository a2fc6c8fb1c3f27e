"""The rules of the RUC number itself. Knows nothing of the site that resolves it."""

from typing import Final

PREFIXES: Final = ("10", "15", "16", "17", "20")
"""10: natural persons with DNI; 15, 16, 17: other natural persons, sucesiones, non-domiciled; 20: juridical persons."""

_DIGITS: Final = frozenset("0123456789")
_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_LENGTH: Final = 11


def check_digit(first_ten: str) -> str:
    """Return the digit that must follow `first_ten`, ten ASCII digits (weights 5 4 3 2 7 6 5 4 3 2, modulus 11)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_ten, strict=True))
    return str((11 - total % 11) % 10)


def problem_with(text: str) -> str | None:
    """Say in Spanish, for the API's caller, why `text` is no RUC; None when it is one.

    Only ASCII digits count: other scripts' digits would make two spellings of one number.
    """
    if len(text) != _LENGTH or not _DIGITS.issuperset(text):
        return "El formato del RUC no es válido. Debe tener 11 dígitos."
    if not text.startswith(PREFIXES):
        return f"El RUC no es válido. Debe empezar con {', '.join(PREFIXES[:-1])} o {PREFIXES[-1]}."
    if text[-1] != check_digit(text[:-1]):
        return "El RUC no es válido. Su dígito verificador no corresponde."
    return None
