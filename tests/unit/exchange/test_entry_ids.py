"""The ids of stored responses: stable, each its own, and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange.entry_ids import entry_id, read_entry_id, variant_digest
from proxy.policy.messages import SecondaryKey

texts = st.text(st.characters(), min_size=1, max_size=80)
secondaries = st.lists(st.tuples(st.text(max_size=5), st.none() | st.text(max_size=5)), max_size=3).map(tuple)


@given(texts, secondaries)
def test_what_is_named_is_read_back(text: str, secondary: SecondaryKey) -> None:
    entry = entry_id(text, secondary)
    assert read_entry_id(entry) == (text, variant_digest(secondary))
    assert set(entry) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(texts, texts, secondaries, secondaries)
def test_each_has_its_own(one: str, other: str, first: SecondaryKey, second: SecondaryKey) -> None:
    assert (entry_id(one, first) == entry_id(other, second)) == ((one, first) == (other, second))


def test_it_stays_the_same_from_release_to_release() -> None:
    assert entry_id("/a", ()) == "AAAAAAAAAAAAAAAAAAAAAC9h"
    assert entry_id("/a", (("accept", "x"),)) == "NgfF5lpFOgFiova8vWqj8C9h"


@given(st.text(max_size=60))
def test_anything_else_is_refused_or_read(text: str) -> None:
    try:
        key, _ = read_entry_id(text)
    except ValueError:
        return
    assert key


@pytest.mark.parametrize("text", ["", "x", "/a", "AAAA", "é" * 30, "A" * 22, "=" * 24, "AAAAAAAAAAAAAAAAAAAAAC9h\n"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        read_entry_id(text)
