"""Type hints taken apart, and single values."""

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.kinds import Duration, Ratio, Size
from proxy.config.model import LogLevel
from proxy.config.scalars import converted, form_of, right, unwrapped
from proxy.config.secret import Secret, SecretUrl
from proxy.config.tree import Leaf


@pytest.mark.parametrize(
    ("hint", "kind", "form"),
    [
        (Duration, float, "duration"),
        (Size | None, int, "size"),
        (Ratio | None, float, "ratio"),
        (int, int, None),
        (SecretUrl | None, SecretUrl, None),
    ],
)
def test_hints_are_taken_apart(hint: object, kind: type, form: str | None) -> None:
    inner, metas = unwrapped(hint)
    assert (inner, form_of(metas)) == (kind, form)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (bool, "true or false"),
        (int, "a whole number"),
        (str, "a text"),
        (LogLevel, 'one of "debug", "info", "warning", "error"'),
        (Annotated[int, msgspec.Meta(ge=1, le=5)], "a whole number from 1 to 5"),
        (Annotated[int, msgspec.Meta(gt=2)], "a whole number of more than 2"),
        (Duration, 'a duration such as "30s" or "7d", not negative'),
    ],
)
def test_what_would_be_right_is_said_in_words(kind: object, words: str) -> None:
    assert right(*unwrapped(kind)) == words


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.booleans())
def test_conversion_is_total(value: object, is_text: bool) -> None:
    for hint in (bool, int, str, LogLevel, Secret, Duration, Size, Ratio):
        kind, metas = unwrapped(hint)
        try:
            assert isinstance(converted(kind, metas, Leaf(value, "source", is_text)), kind)
        except ValueError:
            continue
