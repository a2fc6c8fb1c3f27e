"""The index over purges: patterns are tried up to a number, and are never forgotten before their time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.glob import path_glob
from proxy.store import purge_marks
from proxy.store.purge_marks import Marks


def _pattern(text: str) -> Purge:
    return Purge(PurgeKind.PATTERN, text, PurgeMode.HARD)


def _meets(marks: Marks, target: str, position: int = 0) -> bool:
    return marks.concern(position, target, target, (), "")


def test_beyond_a_number_the_oldest_patterns_stand_for_what_begins_as_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge_marks, "MOST_PATTERNS", 2)
    marks = Marks()
    for number in range(4):
        marks.set(_pattern(f"/{number}/*/x"), number + 1)
    assert len(marks.patterns) == 2
    assert [_meets(marks, f"/{number}/a/y") for number in range(4)] == [True, True, False, False]
    assert [_meets(marks, f"/{number}/a/x") for number in range(4)] == [True] * 4
    assert not _meets(marks, "/1/a/x", position=2)


def test_a_widened_pattern_that_is_purged_again_is_exact_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge_marks, "MOST_PATTERNS", 1)
    marks = Marks()
    for number, text in enumerate(("/a/*/x", "/b/*/x", "/a/*/x"), start=1):
        marks.set(_pattern(text), number)
    assert not _meets(marks, "/a/1/y")
    assert _meets(marks, "/b/1/y")
    for text in ("/a/*/x", "/b/*/x"):
        marks.clear(_pattern(text))
    assert not _meets(marks, "/a/1/x")
    assert not _meets(marks, "/b/1/x")


texts = st.sampled_from(["/a/*", "/a/*/x", "/a/b*", "/b/*", "*x", "/a"])


@given(st.lists(st.tuples(st.booleans(), texts), max_size=30), st.sampled_from(["/a/b", "/a/b/x", "/b/x", "/a"]))
def test_it_never_says_less_than_the_patterns_it_holds(steps: list[tuple[bool, str]], target: str) -> None:
    marks, held = Marks(), set[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(purge_marks, "MOST_PATTERNS", 2)
        for position, (is_set, text) in enumerate(steps, start=1):
            if is_set:
                marks.set(_pattern(text), position)
                held.add(text)
            else:
                marks.clear(_pattern(text))
                held.discard(text)
    if any(path_glob(text).matches(target) for text in held):
        assert _meets(marks, target)
    if not held:
        assert not _meets(marks, target)
