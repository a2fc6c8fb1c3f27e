"""How words are written: whole, in pieces, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.store.hub.words import (
    MOST_BYTES,
    Beat,
    Changed,
    End,
    FromWorker,
    GarbledError,
    Known,
    Reader,
    Take,
    frame,
    from_hub,
    from_worker,
)

WORDS: list[FromWorker] = [
    Beat(5, (b"1", b"2")),
    Take(1, b"k", 0, 9, ""),
    End(b"k", "a", "spoken", b"\x00" * 999),
    Changed(("/ü",)),
]


@given(st.lists(st.integers(1, 400), max_size=20))
def test_words_come_however_the_bytes_do(sizes: list[int]) -> None:
    data = b"".join(map(frame, WORDS))
    reader, heard, at = Reader(), list[FromWorker](), 0
    for size in [*sizes, len(data)]:
        heard += map(from_worker, reader.feed(data[at : at + size]))
        at += size
    assert heard == WORDS


def test_the_hub_speaks_too() -> None:
    (body,) = Reader().feed(frame(Known(3, ("w1",))))
    assert from_hub(body) == Known(3, ("w1",))


def test_a_length_that_cannot_be_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(GarbledError):
        Reader().feed((MOST_BYTES + 1).to_bytes(4, "big"))


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(GarbledError):
        frame(End(b"k", "a", "spoken", b"x" * MOST_BYTES))


@given(st.binary(max_size=200))
def test_nonsense_is_told_as_such_and_as_nothing_else(body: bytes) -> None:
    for read in (from_worker, from_hub):
        try:
            read(body)
        except GarbledError:
            continue
