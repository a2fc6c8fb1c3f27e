"""Routes: which path matches which pattern, and what is wrong with a pattern that cannot be read."""

import pytest

from proxy.policy.route import LONGEST_SEGMENT, compile_pattern, match_route
from tests.support.policy import a_route


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        pytest.param("/a", "/a", {}, id="literal"),
        pytest.param("/a", "/a/", None, id="a slash more"),
        pytest.param("/a", "/A", None, id="another case"),
        pytest.param("/a.b", "/axb", None, id="a dot is a dot"),
        pytest.param("/", "/", {}, id="the root"),
        pytest.param("/{x}", "/1", {"x": "1"}, id="a segment"),
        pytest.param("/{x}", "/", None, id="an empty segment"),
        pytest.param("/{x}", "/1/2", None, id="one segment only"),
        pytest.param("/{x}", "/1%2F2", {"x": "1%2F2"}, id="raw: an escaped slash is no slash"),
        pytest.param("/{x}/{y}", "/1/2", {"x": "1", "y": "2"}, id="two segments"),
        pytest.param("/f/{id}.json", "/f/7.json", {"id": "7"}, id="a part of a segment"),
        pytest.param("/{r:[0-9]{11}}", "/20123456789", {"r": "20123456789"}, id="braces inside a form"),
        pytest.param("/{r:[0-9]{11}}", "/2012345678", None, id="not the form"),
        pytest.param("/{r:[0-9]{11}}", "/20123456789x", None, id="the form and more"),
        pytest.param("/{r:[0-9]{1,3}}/x", "/12/x", {"r": "12"}, id="a range of counts"),
        pytest.param("/{r:\\d+}", "/\xb2", None, id="digits are ASCII"),
        pytest.param("/{r:a|bc}", "/bc", {"r": "bc"}, id="alternatives"),
        pytest.param("/{r:a|bc}", "/abc", None, id="alternatives are whole"),
        pytest.param("/{r:.*}/x", "/a/b/x", None, id="a form never leaves its segment"),
        pytest.param("/{r:[^x]+}/**", "/a/b/c", {"r": "a"}, id="nor does a negated class"),
        pytest.param("/{r:[}]+}", "/}}", {"r": "}}"}, id="a brace in a class"),
        pytest.param("/{r:[a-z]+}", "/" + "a" * LONGEST_SEGMENT, {"r": "a" * LONGEST_SEGMENT}, id="long"),
        pytest.param("/{r:[a-z]+}", "/" + "a" * (LONGEST_SEGMENT + 1), None, id="too long to be held against a form"),
        pytest.param("/**", "/", {}, id="any rest: nothing"),
        pytest.param("/**", "/a//b/../c\n", {}, id="any rest: anything"),
        pytest.param("/a/**", "/a/b/c", {}, id="any rest behind something"),
        pytest.param("/a/**", "/a/", {}, id="an empty rest"),
        pytest.param("/a/**", "/a", None, id="without its slash"),
        pytest.param("/a/**", "/ab", None, id="a longer name"),
    ],
)
def test_captures(pattern: str, path: str, captures: dict[str, str] | None) -> None:
    assert compile_pattern(pattern).captures(path) == captures


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        pytest.param("a", "begins with '/'", id="no slash"),
        pytest.param("", "begins with '/'", id="empty"),
        pytest.param("/" + "a" * 1000, "at most", id="too long"),
        pytest.param("/*/b", "no meaning", id="a single star"),
        pytest.param("/a/**/b", "no meaning", id="a rest in the middle"),
        pytest.param("/a**", "no meaning", id="a rest that is not a segment"),
        pytest.param("/{x}-{y}", "one {name}", id="two in one segment"),
        pytest.param("/{1}", "one {name}", id="not a name"),
        pytest.param("/{}", "one {name}", id="no name"),
        pytest.param("/{x", "without its '}'", id="open brace"),
        pytest.param("/x}", "raw path", id="closing brace"),
        pytest.param("/{x}/{x}", "captured twice", id="twice"),
        pytest.param("/a?b", "leave out query", id="query"),
        pytest.param("/\xe9", "percent-encode", id="not ASCII"),
        pytest.param("/a b", "percent-encode", id="a blank"),
        pytest.param("/{x:}", "not empty", id="an empty form"),
        pytest.param("/{x:a/b}", "one segment", id="a slash in a form"),
        pytest.param("/{x:(a+)+}", "groups", id="groups"),
        pytest.param("/{x:(?i)a}", "groups", id="flags"),
        pytest.param("/{x:a?b?c?d?}", "more than 3", id="many open quantifiers"),
        pytest.param("/{x:a{1,2}b{1,}c{,3}d*}", "more than 3", id="many open counts"),
        pytest.param("/{x:[a}", "regular expression", id="an open class"),
        pytest.param("/{x:[[a]}", "regular expression", id="an ambiguous class"),
        pytest.param("/{x:a**}", "regular expression", id="a repeat of a repeat"),
        pytest.param("/{x:\\1}", "regular expression", id="a reference to nothing"),
    ],
)
def test_patterns_that_cannot_be_read(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        compile_pattern(pattern)


@pytest.mark.parametrize("form", ["\\(\\)", "[()]+", "\\d{4}-\\d{2}", "[0-9]+\\.[0-9]+\\.[0-9]+", "[]()]", "[^]*?+]"])
def test_forms_that_are_fine(form: str) -> None:
    assert compile_pattern(f"/{{x:{form}}}").forms


def test_matching_stays_quick_whatever_the_path() -> None:
    pattern = compile_pattern("/{x:[a-z]*[a-z]*[a-z]*1}")
    assert pattern.captures("/" + "a" * LONGEST_SEGMENT) is None
    assert pattern.captures("/" + "a" * 1_000_000) is None


ROUTES = (
    a_route("/a/{x}", name="first"),
    a_route("/a/**", name="second", methods=frozenset({"GET"})),
    a_route("/**", name="last"),
)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        pytest.param("GET", "/a/1", "first", id="first that matches"),
        pytest.param("GET", "/a/1/2", "second", id="the next"),
        pytest.param("HEAD", "/a/1/2", "last", id="a method the second does not take"),
        pytest.param("POST", "/a/1/2", "second", id="an unsafe method takes the path's"),
        pytest.param("GET", "/b", "last", id="the one for everything"),
        pytest.param("OPTIONS", "*", "last", id="no path at all"),
    ],
)
def test_match_route(method: str, path: str, name: str) -> None:
    assert match_route(ROUTES, method, path).route.name == name


def test_a_match_says_what_was_captured() -> None:
    assert match_route(ROUTES, "GET", "/a/1").captures == {"x": "1"}
