"""The number's rules, on numbers whose digits were verified and on all others by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper_backend.ruc import PREFIXES, check_digit, problem_with

REAL = [
    "20131312955",
    "20100047218",
    "20100130204",
    "20100053455",
    "20100070970",
    "20100128056",
    "20100128218",
    "20100113610",
    "20106897914",
    "20467534026",
    "20330262428",
    "20212331377",
    "20508565934",
    "20100017491",
    "20440374248",
    "20146806679",
    "20601030013",
]
INVENTED = [
    "20999999019",
    "20999999027",
    "20999999035",
    "20999999043",
    "20999999051",
    "20999999060",
    "20999999078",
    "20999999086",
    "20999999094",
    "20999999108",
    "20999999116",
    "20999999124",
    "10999999013",
    "10999999021",
    "10999999030",
    "10999999048",
    "10999999056",
    "10999999064",
    "10999999102",
    "10999999111",
    "15999999015",
    "15999999023",
    "16999999011",
    "17999999018",
    "17999999026",
    "20000000001",
]
WRONG_DIGITS = {"20123456789": "6", "20100000001": "9", "20600000001": "5", "20111111111": "2", "20999999999": "0"}

DIGITS = st.text("0123456789", min_size=8, max_size=8)


@pytest.mark.parametrize("ruc", [*REAL, *INVENTED])
def test_right_numbers(ruc: str) -> None:
    assert problem_with(ruc) is None


@pytest.mark.parametrize(("ruc", "right"), WRONG_DIGITS.items())
def test_wrong_check_digits(ruc: str, right: str) -> None:
    assert check_digit(ruc[:10]) == right
    assert "dígito verificador" in (problem_with(ruc) or "")


@pytest.mark.parametrize("ruc", ["12345678901", "11999999019", "00000000000"])
def test_prefixes_that_no_ruc_has(ruc: str) -> None:
    assert "10, 15, 16, 17 o 20" in (problem_with(ruc) or "")


@pytest.mark.parametrize(
    "text",
    [
        *("", "2013131295", "201313129550", "2013131295a", " 20131312955", "20131312955\n", "+2013131295"),
        "\N{SUPERSCRIPT TWO}0131312955",
        "".join(chr(ord("\N{ARABIC-INDIC DIGIT ZERO}") + int(digit)) for digit in "20131312955"),
        "".join(chr(ord("\N{FULLWIDTH DIGIT ZERO}") + int(digit)) for digit in "20131312955"),
    ],
)
def test_what_has_not_eleven_ascii_digits(text: str) -> None:
    assert "11 dígitos" in (problem_with(text) or "")


@given(st.sampled_from(PREFIXES), DIGITS)
def test_exactly_one_last_digit_is_right(prefix: str, middle: str) -> None:
    right = [d for d in "0123456789" if problem_with(prefix + middle + d) is None]
    assert right == [check_digit(prefix + middle)]


@given(st.sampled_from(PREFIXES), DIGITS, st.integers(0, 9), st.integers(1, 9))
def test_any_one_mistyped_digit_is_noticed_unless_it_gives_the_same_digit(
    prefix: str, middle: str, at: int, step: int
) -> None:
    """Modulus 11 with digits 10 and 11 folded to 0 and 1: a change is missed only where both fold to one digit."""
    ten = prefix + middle
    changed = ten[:at] + str((int(ten[at]) + step) % 10) + ten[at + 1 :]
    if changed.startswith(PREFIXES) and check_digit(changed) != check_digit(ten):
        assert problem_with(changed + check_digit(ten)) is not None


@given(st.text())
def test_never_raises(text: str) -> None:
    assert problem_with(text) is None or isinstance(problem_with(text), str)
