"""Who has which slot of a Cluster."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.store.redis_question import NonsenseError
from proxy.store.redis_slots import SLOTS, SlotTable, slot_of, spread

ASKED = ("asked", 1)
WHOLE = [[0, 8191, [b"a", 7000, b"id", []], [b"r", 7003, b"id"]], [8192, 16383, [b"", 7001, b"id"]]]


@pytest.mark.parametrize(
    ("name", "slot"),
    [(b"123456789", 12739), (b"{123456789}:x", 12739), (b"x{123456789}{y}", 12739), (b"", 0)],
)
def test_slots_are_those_of_the_specification(name: bytes, slot: int) -> None:
    assert slot_of(name) == slot


def test_what_a_node_says_is_learnt() -> None:
    table = SlotTable()
    assert (table.of(b"x"), table.is_whole, table.places()) == (None, False, frozenset())
    table.learn(WHOLE, ASKED)
    assert table.is_whole
    assert table.places() == {("a", 7000), ("asked", 7001)}
    assert table.of(b"123456789") == ("asked", 7001)
    table.move(12739, ("c", 3))
    table.move(SLOTS, ("d", 4))
    assert table.of(b"123456789") == ("c", 3)
    table.learn(WHOLE[:1], ASKED)
    assert (table.of(b"123456789"), table.is_whole) == (None, False)


@pytest.mark.parametrize(
    "reply",
    [None, b"", [1], [[0, 1]], [[0, 1, []]], [[5, 4, [b"a", 1]]], [[0, SLOTS, [b"a", 1]]], [[0, 1, [b"a", b"1"]]]],
)
def test_nonsense_changes_nothing(reply: Any) -> None:
    table = SlotTable()
    table.learn(WHOLE, ASKED)
    with pytest.raises(NonsenseError):
        table.learn(reply, ASKED)
    assert table.is_whole


@given(st.lists(st.tuples(st.text(), st.integers()), unique=True), st.integers(0, 1 << 16))
def test_nobody_is_always_the_first(places: list[tuple[str, int]], first: int) -> None:
    assert sorted(spread(places, first)) == sorted(places)
    if places:
        assert spread(places, first)[0] == places[first % len(places)]
