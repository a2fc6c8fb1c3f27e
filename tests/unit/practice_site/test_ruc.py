"""The arithmetic of a RUC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper_backend.practice_site import ruc


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("20131312955", True),
        ("20100070970", True),  # remainder 10 becomes 0
        ("10999999111", True),  # remainder 11 becomes 1
        ("20123456789", False),
        ("20100000001", False),
        ("2013131295", False),
        ("201313129555", False),
        ("2013131295a", False),
        ("٢٠١٣١٣١٢٩٥٥", False),  # digits, but not ASCII
        ("", False),
    ],
)
def test_valid_means_eleven_ascii_digits_and_the_right_last_one(number: str, right: bool) -> None:
    assert ruc.is_valid(number) is right


@given(st.from_regex(r"[0-9]{10}", fullmatch=True))
def test_exactly_one_digit_completes_a_body(body: str) -> None:
    assert [digit for digit in "0123456789" if ruc.is_valid(body + digit)] == [ruc.check_digit(body)]
    assert ruc.is_valid(ruc.complete(body))
