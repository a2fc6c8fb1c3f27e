"""Response bytes, read whole and in every split."""

from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.edge.upstream.reader import MAX_FIELDS, ResponseReader
from proxy.errors import Failure, UpstreamError
from proxy.policy.messages import ResponseHead
from tests.support.raw_responses import CHUNKED, CLOSING, CUT, GOOD, MALFORMED, OK

SMALL = 4_000
"""Bytes up to which a case is tried in every split."""


def feed(reader: ResponseReader, pieces: Iterable[bytes]) -> bytes:
    """Feed what a connection would: it stops at a complete response."""
    for piece in pieces:
        if piece:
            reader.feed(memoryview(bytearray(piece)))
    return b"".join(reader.pieces)


def feed_all(reader: ResponseReader, pieces: Iterable[bytes]) -> bytes:
    """Feed, and end the connection."""
    content = feed(reader, pieces)
    reader.finish()
    return content


def splits(data: bytes) -> Iterable[tuple[bytes, ...]]:
    """The data whole, byte by byte, and in two at every offset."""
    yield (data,)
    yield tuple(data[at : at + 1] for at in range(len(data)))
    for at in range(1, len(data)):
        yield data[:at], data[at:]


@pytest.mark.parametrize("case", GOOD)
def test_good_responses_read_the_same_in_every_split(case: str) -> None:
    data, status, content = GOOD[case]
    for pieces in splits(data):
        reader = ResponseReader("GET")
        assert feed(reader, pieces) == content
        assert reader.head is not None
        assert reader.head.status == status
        assert reader.complete
        assert reader.reusable


@pytest.mark.parametrize("case", CLOSING)
def test_after_these_the_connection_is_not_reused(case: str) -> None:
    data, content = CLOSING[case]
    for pieces in splits(data):
        reader = ResponseReader("GET")
        assert feed(reader, pieces) == content
        reader.finish()
        assert reader.complete
        assert not reader.reusable


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_responses_are_refused_in_every_split(case: str) -> None:
    data = MALFORMED[case]
    whole_and_pieces = [(data,), tuple(data[at : at + 8192] for at in range(0, len(data), 8192))]
    for pieces in splits(data) if len(data) < SMALL else whole_and_pieces:
        reader = ResponseReader("GET")
        with pytest.raises(UpstreamError) as caught:
            feed_all(reader, pieces)
        assert caught.value.failure is Failure.PROTOCOL
        assert not reader.complete


@pytest.mark.parametrize("case", CUT)
def test_cut_responses_are_not_complete(case: str) -> None:
    for pieces in splits(CUT[case]):
        reader = ResponseReader("GET")
        feed(reader, pieces)
        with pytest.raises(UpstreamError) as caught:
            reader.finish()
        assert caught.value.failure is Failure.PROTOCOL
        assert not reader.complete


@pytest.mark.parametrize("case", GOOD)
def test_every_good_response_cut_anywhere_is_not_complete(case: str) -> None:
    data = GOOD[case][0]
    for at in range(len(data)):
        reader = ResponseReader("GET")
        feed(reader, [data[:at]])
        assert not reader.complete
        with pytest.raises(UpstreamError):
            reader.finish()


HEADS = [
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 0\r\n",
    b"X: y\r\n",
]


@pytest.mark.parametrize("lines", HEADS)
def test_answers_to_head_have_no_content(lines: bytes) -> None:
    for pieces in splits(b"HTTP/1.1 103 E\r\n\r\n" + OK + lines + b"\r\n"):
        reader = ResponseReader("HEAD")
        assert feed(reader, pieces) == b""
        assert reader.complete
        assert reader.reusable


@pytest.mark.parametrize("lines", HEADS)
@pytest.mark.parametrize(
    "surplus", [b"h", b"hello", b"5\r", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", OK, b"\0\r\n\r\n"]
)
def test_content_behind_an_answer_to_head_is_not_read(lines: bytes, surplus: bytes) -> None:
    for pieces in splits(OK + lines + b"\r\n" + surplus):
        reader = ResponseReader("HEAD")
        assert feed(reader, pieces) == b""
        assert reader.complete
        assert not reader.reusable


def test_head_is_kept_as_it_came() -> None:
    reader = ResponseReader("GET")
    feed(
        reader,
        [
            b"HTTP/1.1 203 Non-\xe9\r\nSet-Cookie: a=1, b\r\nX-Empty:\r\nset-cookie:  b=2 \t\r\n",
            b'X: caf\xe9 \xff\r\nETag: W/"a"\r\nContent-Length: 0\r\n\r\n',
        ],
    )
    assert reader.head is not None
    assert (reader.head.status, reader.head.reason) == (203, "Non-\xe9")
    assert reader.head.fields.lines == (
        ("Set-Cookie", "a=1, b"),
        ("X-Empty", ""),
        ("set-cookie", "b=2"),
        ("X", "caf\xe9 \xff"),
        ("ETag", 'W/"a"'),
        ("Content-Length", "0"),
    )


def test_content_is_raw() -> None:
    reader = ResponseReader("GET")
    squeezed = b"\x1f\x8b\x08\x00garbage"
    data = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(squeezed) + squeezed
    assert feed(reader, [data]) == squeezed


def test_interim_responses_are_told_in_order() -> None:
    told: list[ResponseHead] = []
    reader = ResponseReader("GET", on_interim=told.append)
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </%d>\r\n\r\n"
    feed(reader, [hints % 1 + b"HTTP/1.1 102 Processing\r\n\r\n" + hints % 2 + OK + b"Content-Length: 0\r\n\r\n"])
    assert [(head.status, head.reason, head.fields.joined("link")) for head in told] == [
        (103, "Early Hints", "</1>"),
        (102, "Processing", None),
        (103, "Early Hints", "</2>"),
    ]
    assert reader.head is not None
    assert reader.head.fields.lines == (("Content-Length", "0"),)


@pytest.mark.parametrize("at_once", [1, 4, 10])
def test_interim_responses_are_each_bounded_on_their_own(at_once: int) -> None:
    reader = ResponseReader("GET")
    hints = b"HTTP/1.1 103 Early Hints\r\n" + b"Link: </%s>\r\n" % (b"a" * 20_000) + b"\r\n"
    assert feed(reader, [hints * at_once] * 3 + [OK + b"Content-Length: 2\r\n\r\nhi"]) == b"hi"


def test_the_most_fields_that_are_taken() -> None:
    reader = ResponseReader("GET")
    lines = b"".join(b"X-%d: y\r\n" % number for number in range(MAX_FIELDS - 1))
    feed(reader, [OK + lines + b"Content-Length: 0\r\n\r\n"])
    assert reader.head is not None
    assert len(reader.head.fields.lines) == MAX_FIELDS


def test_trailers_are_dropped() -> None:
    reader = ResponseReader("GET")
    feed(reader, [CHUNKED + b"0\r\nSet-Cookie: a\r\nETag: b\r\n\r\n"])
    assert reader.head is not None
    assert reader.head.fields.lines == (("Transfer-Encoding", "chunked"),)
    assert reader.reusable


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize("rest", [b"", b"\x81\x05hello", OK])
def test_switching_hands_the_rest_over(rest: bytes) -> None:
    reader = ResponseReader("GET", upgrade=True)
    feed(reader, [SWITCH[:20], SWITCH[20:] + rest])
    assert reader.head is not None
    assert reader.head.status == 101
    assert reader.switched == rest
    assert not reader.reusable


def test_switching_may_be_declined() -> None:
    reader = ResponseReader("GET", upgrade=True)
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    assert feed(reader, [b"HTTP/1.1 426 Upgrade Required\r\n" + upgrade + b"Content-Length: 2\r\n\r\nno"]) == b"no"
    assert reader.switched is None


def test_101_must_say_to_what() -> None:
    reader = ResponseReader("GET", upgrade=True)
    with pytest.raises(UpstreamError, match="101 without Upgrade"):
        feed(reader, [b"HTTP/1.1 101 Switching\r\n\r\nhello"])


def outcome(pieces: Iterable[bytes], method: str, upgrade: bool) -> tuple[object, ...]:
    """What a reader makes of a connection that ends after ``pieces``; of a refused response only that it was."""
    reader = ResponseReader(method, upgrade)
    try:
        content = feed_all(reader, pieces)
    except UpstreamError as error:
        return (error.failure,)
    return (reader.head, content, reader.complete, reader.reusable)


CASES = [case[0] for case in GOOD.values()] + [case[0] for case in CLOSING.values()]
CASES += [case for case in (*MALFORMED.values(), *CUT.values()) if len(case) < SMALL]


@given(st.data(), st.sampled_from(["GET", "HEAD"]), st.booleans())
def test_same_outcome_whatever_the_split(data: st.DataObject, method: str, upgrade: bool) -> None:
    wire = data.draw(st.sampled_from(CASES))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(wire)), max_size=8)))
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert outcome(pieces, method, upgrade) == outcome([wire], method, upgrade)


@given(st.lists(st.binary(max_size=60), max_size=6), st.sampled_from(["GET", "HEAD"]), st.booleans())
@example([b"H"], "GET", False)
def test_total_for_any_bytes(pieces: list[bytes], method: str, upgrade: bool) -> None:
    outcome([OK, *pieces], method, upgrade)
    outcome([CHUNKED, *pieces], method, upgrade)
    outcome(pieces, method, upgrade)
