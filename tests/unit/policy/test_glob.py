"""Patterns over paths: what they mean, and that no path makes them slow."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.policy.glob import LONGEST, MOST_STARS, path_glob


@pytest.mark.parametrize(
    ("pattern", "target", "means"),
    [
        ("/a", "/a", True),
        ("/a", "/a?x=1", True),
        ("/a", "/a/", False),
        ("/a/*", "/a/", True),
        ("/a/*", "/a/b/c?x=1", True),
        ("/a/*", "/a", False),
        ("/a/*/c", "/a/b/c", True),
        ("/a/*/c", "/a/b/d/c", True),
        ("/a/*/c", "/a//c", True),
        ("/a/*/c", "/a/c", False),
        ("/a/*/c", "/a/b/c/d", False),
        ("*/c", "/a/c", True),
        ("*b*b", "/ab", False),
        ("*b*b", "/abb", True),
        ("/a?x=*", "/a?x=1", True),
        ("/a?x=*", "/a?y=1", False),
        ("/a?x=*", "/a", False),
        ("/[a]", "/a", False),
        ("/[a]", "/[a]", True),
        ("/.", "/a", False),
        ("/%2A", "/*", False),
        ("*", "/anything?at=all", True),
        ("**", "/", True),
    ],
)
def test_what_a_pattern_means(pattern: str, target: str, means: bool) -> None:
    assert path_glob(pattern).matches(target) is means


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with '/' or '*'"),
        ("a*", "begins with '/' or '*'"),
        ("/" + "a" * LONGEST, f"at most {LONGEST} characters, not {LONGEST + 1}"),
        ("/" + "*" * (MOST_STARS + 1), f"at most {MOST_STARS} '*', not {MOST_STARS + 1}"),
    ],
)
def test_what_is_no_pattern(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        path_glob(text)


few = st.text("/ab?*[", max_size=12)


@given(few.map("/".__add__) | few.map("*".__add__), few.map("/".__add__))
@example("*a*a", "/a")
@example("/*/", "/")
def test_it_means_what_a_regular_expression_means(pattern: str, target: str) -> None:
    reference = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    text = target if "?" in pattern else target.partition("?")[0]
    assert path_glob(pattern).matches(target) is (reference.fullmatch(text) is not None)


def test_the_worst_pattern_on_the_longest_path_is_quick() -> None:
    glob = path_glob("/" + "*".join(["a" * 28 + "b"] * 16) + "*c")
    began = time.process_time()
    assert not glob.matches("/" + "a" * 28 + "b" + "a" * 16_000)
    assert time.process_time() - began < 0.1
