"""One request and its response over a transport in memory: splits, flow control, what is told to the owner."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.upstream.incoming import HIGH, LOW
from proxy.edge.upstream.roundtrip import RoundTrip
from proxy.edge.upstream.settings import Origin, UpstreamSettings
from proxy.errors import UpstreamError
from proxy.exchange.ports import RequestBody, UpstreamAnswer, UpstreamRequest
from proxy.policy.messages import Fields
from tests.support.content import Content
from tests.support.raw_responses import CLOSING, CUT, GOOD, MALFORMED, OK
from tests.unit.edge.upstream.fake_transport import Line

SETTINGS = UpstreamSettings(Origin("http", "api.test", 80))
ENDLESS = OK + b"\r\n"


def a_trip(line: Line, method: str = "GET", body: RequestBody | None = None, upgrade: str | None = None) -> RoundTrip:
    """A trip that is about to begin."""
    return RoundTrip(line.connection, SETTINGS, UpstreamRequest(method, "/", None, Fields(), body, upgrade))


async def begin(line: Line, method: str = "GET", body: RequestBody | None = None) -> "asyncio.Task[UpstreamAnswer]":
    """A request that is on its way."""
    trip = a_trip(line, method, body)
    sending = asyncio.create_task(trip.run(b"HEAD", body))
    while not line.transport.written:
        await asyncio.sleep(0)
    return sending


async def outcome(pieces: Sequence[bytes], method: str) -> tuple[object, ...]:
    """What becomes of a request whose connection brings ``pieces`` and ends."""
    line = Line()
    sending = await begin(line, method)
    line.comes(*pieces)
    line.ends()
    try:
        answer = await sending
        content = b"".join([piece async for piece in answer.body])
    except UpstreamError as error:
        assert line.owner.heard == ["gone"]
        return (error.failure,)
    return (answer.head, content, line.owner.heard)


CASES = [case[0] for case in GOOD.values()] + [case[0] for case in CLOSING.values()]
CASES += [case for case in (*MALFORMED.values(), *CUT.values()) if len(case) < 4000]


@given(st.data(), st.sampled_from(["GET", "HEAD"]))
def test_same_outcome_whatever_the_split(data: st.DataObject, method: str) -> None:
    """But for one thing that a split decides: surplus that comes later finds the connection idle, and closes it."""
    wire = data.draw(st.sampled_from(CASES))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(wire)), max_size=6)))
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]

    async def both() -> tuple[tuple[object, ...], tuple[object, ...]]:
        return await outcome(pieces, method), await outcome([wire], method)

    split, whole = asyncio.run(both())
    assert split[:2] == whole[:2]


async def test_a_complete_response_frees_the_connection_before_it_is_read() -> None:
    line = Line()
    sending = await begin(line)
    line.comes(OK + b"Content-Length: 2\r\n\r\nhi")
    assert line.owner.heard == ["free"]
    answer = await sending
    assert [piece async for piece in answer.body] == [b"hi"]


async def test_small_chunks_that_come_together_are_read_together() -> None:
    line = Line()
    sending = await begin(line)
    line.comes(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n")
    answer = await sending
    assert [piece async for piece in answer.body] == [b"x" * 1000]


@pytest.mark.parametrize("size", [1, 1000, 65536])
async def test_the_origin_is_read_no_faster_than_the_client_reads(size: int) -> None:
    line = Line()
    sending = await begin(line)
    line.comes(ENDLESS)
    answer = await sending
    came = 0
    while not line.transport.is_reading_paused:
        line.comes(b"x" * size)
        came += size
    assert came <= HIGH + 2 * size
    chunks, unread = aiter(answer.body), came
    while line.transport.is_reading_paused:
        unread -= len(await anext(chunks))
    assert unread <= LOW
    await answer.body.aclose()
    assert line.transport.is_closed
    assert line.owner.heard == ["gone"]


async def test_a_connection_is_freed_readable() -> None:
    line = Line()
    sending = await begin(line)
    size = 2 * HIGH
    line.comes(OK + b"Content-Length: %d\r\n\r\n" % size, b"x" * HIGH)
    assert line.transport.is_reading_paused
    line.comes(b"x" * HIGH)  # was under way already
    assert not line.transport.is_reading_paused
    assert line.owner.heard == ["free"]
    answer = await sending
    assert sum([len(piece) async for piece in answer.body]) == size


async def test_content_waits_for_an_origin_that_does_not_read() -> None:
    line = Line()
    body = Content(*[b"x"] * 10, length=10)
    line.connection.pause_writing()
    sending = await begin(line, "POST", body)
    for _ in range(20):
        await asyncio.sleep(0)
    assert line.transport.written == b"HEADx"
    line.connection.resume_writing()
    for _ in range(20):
        await asyncio.sleep(0)
    assert line.transport.written == b"HEAD" + b"x" * 10
    line.comes(OK + b"Content-Length: 0\r\n\r\n")
    await sending
    assert line.owner.heard == ["free"]


async def test_a_connection_with_unsent_bytes_is_not_reused() -> None:
    line = Line()
    sending = await begin(line, "POST", Content(b"x", length=1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    line.transport.unsent = 1
    line.comes(OK + b"Content-Length: 0\r\n\r\n")
    await sending
    assert line.owner.heard == ["gone"]


async def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    line = Line()
    line.comes(b"H")
    assert line.owner.heard == ["gone"]
    assert line.transport.is_closed


async def test_surplus_after_the_response_closes_whether_together_or_later() -> None:
    for pieces in ([b"hi", b"more"], [b"himore"]):
        line = Line()
        sending = await begin(line)
        line.comes(OK + b"Content-Length: 2\r\n\r\n", *pieces)
        answer = await sending
        assert b"".join([piece async for piece in answer.body]) == b"hi"
        assert line.owner.heard[-1] == "gone"
