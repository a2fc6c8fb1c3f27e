"""Fields and heads: order kept, names without case, nothing shared by accident."""

import pytest

from proxy.policy.messages import Fields, RequestHead, Windows

TWO = Fields([("X-A", "1"), ("b", "2"), ("x-a", "3")])


def test_names_have_no_case_and_values_keep_theirs() -> None:
    assert TWO.all("x-a") == ("1", "3")
    assert TWO.joined("x-a") == "1, 3"
    assert TWO.joined("b") == "2"
    assert "x-a" in TWO
    assert "c" not in TWO


def test_what_is_absent_is_nothing() -> None:
    assert TWO.all("c") == ()
    assert TWO.joined("c") is None


def test_copies_keep_the_order() -> None:
    assert TWO.without({"x-a"}).lines == (("b", "2"),)
    assert TWO.adding(("C", "4")).lines[-1] == ("C", "4")
    assert TWO.replacing("X-A", "9").lines == (("b", "2"), ("X-A", "9"))
    assert TWO.lines == (("X-A", "1"), ("b", "2"), ("x-a", "3"))


def test_equal_fields_are_equal_values() -> None:
    assert Fields(TWO.lines) == TWO
    assert hash(Fields(TWO.lines)) == hash(TWO)
    assert Fields([("x-a", "1")]) != Fields([("X-A", "1")])
    assert Fields() != ()
    assert "X-A" in repr(TWO)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param("/a", "/a", None, id="no query"),
        pytest.param("/a?", "/a", "", id="an empty query"),
        pytest.param("/a?b?c", "/a", "b?c", id="a second ?"),
        pytest.param("*", "*", None, id="asterisk-form"),
    ],
)
def test_path_and_query(target: str, path: str, query: str | None) -> None:
    request = RequestHead("GET", target, Fields())
    assert (request.path, request.query) == (path, query)


def test_the_last_window_is_the_longest() -> None:
    assert Windows().last == 0
    assert Windows(3, 1, 2).last == 3
