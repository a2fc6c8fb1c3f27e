"""Conditions: compiled, or refused with the reason."""

import pytest

from proxy.config.conditions import compile_condition


def test_a_condition_is_asked_of_a_document() -> None:
    assert compile_condition("a == 'x' && length(b) > `1`").search({"a": "x", "b": [1, 2]}) is True


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("a ==", "is not JMESPath: incomplete expression at column 5"),
        ("a[", "is not JMESPath: incomplete expression"),
        ("'x", "is not JMESPath: unclosed ' delimiter at column 1"),
        ("a == @@", "is not JMESPath"),
        (" ", "is not JMESPath"),
        ("lenght(a)", r"has no function lenght\(\); did you mean length\(\)\?"),
        ("a && (b || zzzzzz(c))", r"has no function zzzzzz\(\)$"),
        ("length()", r"length\(\) takes 1 argument, not 0"),
        ("contains(a)", r"contains\(\) takes 2 arguments, not 1"),
        ("length(a, b)", r"length\(\) takes 1 argument, not 2"),
        ("(" * 5000 + "a" + ")" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_condition(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as raised:
        compile_condition(expression)
    assert "\n" not in str(raised.value)


def test_variadic_functions_take_more() -> None:
    assert compile_condition("not_null(a, b, c)").search({"c": 1}) == 1
