"""Values in messages."""

import pytest

from proxy.config.problems import InvalidConfigError, show
from proxy.errors import ConfigError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", '"a"'),
        ('a"b\n\x1b[31m', '"a\\"b\\n\\x1b[31m"'),
        (True, "true"),
        (5, "5"),
        ({"a": 1}, "a table"),
        ([1], "a list"),
        ("x" * 100, '"' + "x" * 56 + "..."),
    ],
)
def test_values_stay_on_one_line(value: object, shown: str) -> None:
    assert show(value) == shown


def test_all_problems_are_one_error() -> None:
    error = InvalidConfigError([ConfigError("a.b", "is wrong", "file"), ConfigError("c", "too")])
    assert str(error) == "file: a.b: is wrong\nc: too"
