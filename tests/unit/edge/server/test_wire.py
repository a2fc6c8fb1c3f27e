"""Answers as bytes: framing by method, status and body, heads that nothing breaks out of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.app.finishing import exchanged
from proxy.edge.server.settings import Finished
from proxy.edge.server.wire import Dates, Frame, Framing, chunk, connection_lines, frame, problem, render_head
from proxy.policy.messages import Fields, ResponseHead
from tests.support.clock import FakeClock

NONE, SIZED, CHUNKED, UNTIL_CLOSE = Framing.NONE, Framing.SIZED, Framing.CHUNKED, Framing.UNTIL_CLOSE


@pytest.mark.parametrize(
    ("method", "status", "declared", "body", "stated", "http10", "expected"),
    [
        pytest.param("GET", 200, None, 5, None, False, Frame(SIZED, 5), id="in memory"),
        pytest.param(
            "GET", 200, "7", 5, None, False, Frame(SIZED, 5), id="what is there counts, not what a field says"
        ),
        pytest.param("GET", 200, "7", None, None, False, Frame(SIZED, 7), id="a stream whose length is known"),
        pytest.param("GET", 200, None, None, None, False, Frame(CHUNKED, None), id="RFC 9112 6.1 a stream"),
        pytest.param("GET", 200, "x", None, None, False, Frame(CHUNKED, None), id="a useless Content-Length"),
        pytest.param("GET", 200, None, None, None, True, Frame(UNTIL_CLOSE, None), id="RFC 9112 6.1 not to HTTP/1.0"),
        pytest.param("GET", 200, "7", None, None, True, Frame(SIZED, 7), id="HTTP/1.0 with a length"),
        pytest.param("GET", 200, None, 0, None, False, Frame(SIZED, 0), id="empty"),
        pytest.param("GET", 204, "7", 0, 7, False, Frame(NONE, None), id="RFC 9110 8.6 204 has none"),
        pytest.param("GET", 304, "7", 0, None, False, Frame(NONE, None), id="304 without a length"),
        pytest.param("GET", 304, None, 5, 7, False, Frame(NONE, 7), id="RFC 9110 8.6 304 with the 200's length"),
        pytest.param("HEAD", 200, None, 5, None, False, Frame(NONE, 5), id="HEAD of something in memory"),
        pytest.param("HEAD", 200, "7", None, None, False, Frame(NONE, 7), id="HEAD relayed"),
        pytest.param("HEAD", 200, None, 0, 9, False, Frame(NONE, 9), id="HEAD stated"),
        pytest.param("HEAD", 200, None, None, None, True, Frame(NONE, None), id="HEAD of unknown length"),
        pytest.param("GET", 101, None, 0, None, False, Frame(NONE, None), id="101"),
    ],
)
def test_framing(  # noqa: PLR0913 - a table's columns
    method: str, status: int, declared: str | None, body: int | None, stated: int | None, http10: bool, expected: Frame
) -> None:
    head = ResponseHead(status, Fields([] if declared is None else [("Content-Length", declared)]))
    assert frame(method, head, body, stated, http10=http10) == expected


def test_two_lengths_are_none() -> None:
    head = ResponseHead(200, Fields([("Content-Length", "1"), ("Content-Length", "2")]))
    assert frame("GET", head, None, None, http10=False).framing is CHUNKED


@pytest.mark.parametrize(
    ("framed", "http10", "close", "lines"),
    [
        (Frame(SIZED, 3), False, False, [("Content-Length", "3")]),
        (Frame(SIZED, 3), False, True, [("Content-Length", "3"), ("Connection", "close")]),
        (Frame(SIZED, 3), True, False, [("Content-Length", "3"), ("Connection", "keep-alive")]),
        (Frame(CHUNKED, None), False, False, [("Transfer-Encoding", "chunked")]),
        (Frame(UNTIL_CLOSE, None), True, True, [("Connection", "close")]),
        (Frame(NONE, None), False, False, []),
    ],
)
def test_connection_lines(framed: Frame, http10: bool, close: bool, lines: list[tuple[str, str]]) -> None:
    assert connection_lines(framed, http10=http10, close=close) == lines


def test_a_head_keeps_its_lines_but_for_framing() -> None:
    lines = [("A", "\xe9"), ("transfer-ENCODING", "chunked"), ("Content-Length", "9"), ("Connection", "x"), ("a", "2")]
    head = render_head(ResponseHead(299, Fields(lines), "Odd \xe9"), [("X", "y")], "now")
    assert head == b"HTTP/1.1 299 Odd \xe9\r\nA: \xe9\r\na: 2\r\nDate: now\r\nX: y\r\n\r\n"


def test_a_date_that_is_there_stays() -> None:
    assert render_head(ResponseHead(404, Fields([("DATE", "then")])), [], "now") == (
        b"HTTP/1.1 404 Not Found\r\nDATE: then\r\n\r\n"
    )


def test_a_switch_has_no_date() -> None:
    assert render_head(ResponseHead(101, Fields()), [], "now") == b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        ResponseHead(200, Fields([("A", "b\r\nC: d")])),
        ResponseHead(200, Fields([("A", "b\nC: d")])),
        ResponseHead(200, Fields([("A", "b\rC")])),
        ResponseHead(200, Fields([("A", "b\0")])),
        ResponseHead(200, Fields([("A: b\r\nC", "d")])),
        ResponseHead(200, Fields([("A B", "d")])),
        ResponseHead(200, Fields([("", "d")])),
        ResponseHead(200, Fields([("A:", "d")])),
        ResponseHead(200, Fields([("A", "\u0394")])),
        ResponseHead(200, Fields(), "OK\r\nA: b"),
        ResponseHead(99, Fields()),
        ResponseHead(1000, Fields()),
    ],
)
def test_nothing_breaks_out_of_its_line(head: ResponseHead) -> None:
    with pytest.raises(ValueError, match=r".+"):
        render_head(head, [], "now")


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=9)), max_size=4), st.text(max_size=9))
def test_a_head_has_as_many_lines_as_fields(lines: list[tuple[str, str]], reason: str) -> None:
    try:
        head = render_head(ResponseHead(200, Fields(lines), reason), [], "now")
    except ValueError:
        return
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\n") == head.count(b"\r") == head.count(b"\r\n") <= len(lines) + 3


def test_chunks() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


def test_a_problem_says_what_and_no_more() -> None:
    head, body = problem(431, "Too much.")
    assert head.fields.joined("content-type") == "application/problem+json"
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Request Header Fields Too Large",
        "status": 431,
        "detail": "Too much.",
    }


@pytest.mark.parametrize("status", [400, 408, 413, 431, 500, 501, 503])
def test_a_problem_says_that_the_cache_had_no_part_in_it_as_the_log_does(status: int) -> None:
    head, _ = problem(status, "No.", ("Retry-After", "1"))
    logged = exchanged(Finished(None, None, status, 0.1, 90, aborted=False))
    assert logged is not None
    assert head.fields.joined("cache-status") == f"tambo; detail={logged.disposition.detail}"
    assert head.fields.joined("x-cache") == logged.disposition.x_cache == "BYPASS"
    assert head.fields.joined("retry-after") == "1"


def test_dates_are_made_once_a_second() -> None:
    clock = FakeClock(now=1_700_000_000.2)
    dates = Dates(clock)
    first = dates.now()
    clock.advance(0.7)
    assert dates.now() is first
    clock.advance(0.2)
    assert dates.now() == "Tue, 14 Nov 2023 22:13:21 GMT"
