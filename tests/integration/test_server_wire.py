"""The public listener on real sockets: what bytes it makes of an answer, and what it makes of requests."""

import asyncio
import json
import re
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.errors import ClientError, ClientGoneError, Failure, UpstreamError
from proxy.exchange.ports import Answer, RequestBody
from proxy.policy.messages import Fields, RequestHead, ResponseHead
from tests.support.public_server import DATE, Pieces, Script, answer, connected, echo, roundtrip, serving, whole

STATUS = f"HTTP/1.1 200 OK\r\nDate: {DATE}\r\n".encode()
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def always(what: Answer) -> Script:
    """A handler with one answer."""

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        return what

    return script


def bodies(got: bytes) -> list[bytes]:
    """The contents of several answers, one behind the other."""
    return [part.partition(b"\r\n\r\n")[2] for part in STATUS_LINE.split(got)[2::2]]


def statuses(got: bytes) -> list[bytes]:
    """The statuses of several answers."""
    return STATUS_LINE.findall(got)


# Answers -------------------------------------------------------------------------------------------------------------


async def test_an_answer_in_memory_is_written_as_it_is() -> None:
    what = answer(b"{}", fields=(("X-Odd", "\xe9\xff"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2")))
    async with serving(always(what)) as server, connected(server) as wire:
        await wire.send(b"GET /a%2Cb//../?x=%zz HTTP/1.1\r\nHost: h\r\nX: \xff\r\n\r\n")
        expected = STATUS + b"X-Odd: \xe9\xff\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 2\r\n\r\n{}"
        assert await wire.exactly(len(expected)) == expected
        [event] = server.finished
        assert event.request is not None
        assert event.request.target == "/a%2Cb//../?x=%zz"
        assert event.request.fields.lines == (("Host", "h"), ("X", "\xff"))
        assert (event.request.authority, event.request.peer, event.request.scheme) == ("h", "127.0.0.1", "http")
        assert (event.answer, event.status, event.sent_bytes, event.aborted) == (what, 200, len(expected), False)


@pytest.mark.parametrize(
    ("request_line", "what", "expected"),
    [
        pytest.param(
            b"HEAD / HTTP/1.1", answer(b"hello"), b"Content-Length: 5\r\nConnection: close\r\n\r\n", id="HEAD"
        ),
        pytest.param(
            b"HEAD / HTTP/1.1",
            answer(b"", length=9),
            b"Content-Length: 9\r\nConnection: close\r\n\r\n",
            id="HEAD, told",
        ),
        pytest.param(
            b"GET / HTTP/1.1",
            answer(b"", fields=(("Transfer-Encoding", "x"), ("Connection", "X"), ("Content-Length", "8"))),
            b"Content-Length: 0\r\nConnection: close\r\n\r\n",
            id="framing is ours",
        ),
        pytest.param(
            b"GET / HTTP/1.0", answer(b"hello"), b"Content-Length: 5\r\nConnection: close\r\n\r\nhello", id="HTTP/1.0"
        ),
    ],
)
async def test_framing(request_line: bytes, what: Answer, expected: bytes) -> None:
    async with serving(always(what)) as server:
        got = await roundtrip(server, request_line + b"\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert got == STATUS + expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(GET, b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", id="HTTP/1.1"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", b"Connection: close\r\n\r\nabc", id="HTTP/1.0"),
        pytest.param(
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"Connection: close\r\n\r\nabc", id="1.0 kept"
        ),
        pytest.param(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", b"\r\n", id="HEAD"),
    ],
)
async def test_a_stream_is_framed_and_closed(sent: bytes, expected: bytes) -> None:
    stream = Pieces(b"ab", b"", b"c")
    async with serving(always(answer(stream))) as server, connected(server) as wire:
        await wire.send(sent)
        assert await wire.exactly(len(STATUS + expected)) == STATUS + expected
        await stream.closed.wait()
        assert server.bugs == []


async def test_a_stream_of_known_length_is_sized_and_never_exceeds_it() -> None:
    stream = Pieces(b"abc", b"def", b"ghi")
    what = answer(stream, fields=(("Content-Length", "4"),))
    async with serving(always(what)) as server, connected(server) as wire:
        await wire.send(GET + GET)
        expected = STATUS + b"Content-Length: 4\r\n\r\nabcd"
        assert await wire.exactly(2 * len(expected)) == expected * 2


async def test_statuses_without_content() -> None:
    for status in (204, 304):
        async with serving(always(answer(b"not to be seen", status))) as server:
            got = await roundtrip(server, LAST)
            assert got.endswith(b"\r\nConnection: close\r\n\r\n")
            assert b"Content-Length" not in got


async def test_http10_keeps_alive_when_asked() -> None:
    async with serving(always(answer())) as server, connected(server) as wire:
        for _ in range(2):
            await wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            status, fields, body = await wire.answer()
            assert (status, fields[b"connection"], body) == (200, b"keep-alive", b"hello")


async def test_a_date_is_added_when_there_is_none_and_nothing_else() -> None:
    what = answer()
    what.head = ResponseHead(200, Fields())
    async with serving(always(what)) as server, connected(server) as wire:
        await wire.send(GET)
        _, fields, _ = await wire.answer()
        assert set(fields) == {b"date", b"content-length"}


async def test_a_big_body_in_memory_arrives_whole() -> None:
    big = bytes(range(256)) * 20_000
    async with serving(always(answer(big))) as server, connected(server) as wire:
        await wire.send(GET)
        _, _, body = await wire.answer()
        assert body == big


BROKEN = UpstreamError(Failure.PROTOCOL, "reset")


@pytest.mark.parametrize(
    ("pieces", "fields", "seen"),
    [
        pytest.param((BROKEN,), (), b"", id="before anything"),
        pytest.param((b"some", BROKEN), (), b"4\r\nsome\r\n", id="chunked"),
        pytest.param((b"some", BROKEN), (("Content-Length", "9"),), b"some", id="sized"),
        pytest.param((b"some",), (("Content-Length", "9"),), b"some", id="it ends early"),
    ],
)
async def test_a_stream_that_fails_is_cut_without_its_end(
    pieces: tuple[bytes | BaseException, ...], fields: tuple[tuple[str, str], ...], seen: bytes
) -> None:
    stream = Pieces(*pieces)
    async with serving(always(answer(stream, fields=fields))) as server, connected(server) as wire:
        await wire.send(GET + GET)
        await wire.head()
        assert await wire.rest() == seen
        [event] = server.finished
        assert (event.status, event.aborted) == (200, True)
        assert stream.closed.is_set()
        assert server.bugs == []


async def test_a_stream_that_ends_with_its_connection_fails_with_a_reset() -> None:
    async with serving(always(answer(Pieces(b"some", BROKEN)))) as server, connected(server) as wire:
        await wire.send(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await wire.rest()


async def test_a_stream_with_a_bug_is_cut_and_reported() -> None:
    bug = ZeroDivisionError()
    async with serving(always(answer(Pieces(b"a", bug)))) as server, connected(server) as wire:
        await wire.send(GET)
        assert (await wire.rest()).endswith(b"\r\n\r\n1\r\na\r\n")
        assert [found for _, found in server.bugs] == [bug]


# Errors --------------------------------------------------------------------------------------------------------------


def raising(error: BaseException) -> Script:
    """A handler that fails."""

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        raise error

    return script


async def test_a_client_error_becomes_its_status_and_the_connection_stays() -> None:
    async with serving(raising(ClientError(413, "Too much of it."))) as server, connected(server) as wire:
        for _ in range(2):
            await wire.send(GET)
            status, fields, body = await wire.answer()
            assert (status, fields[b"content-type"]) == (413, b"application/problem+json")
            assert (fields[b"cache-status"], fields[b"x-cache"]) == (b"tambo; detail=status-413", b"BYPASS")
            assert json.loads(body)["detail"] == "Too much of it."
        assert [event.status for event in server.finished] == [413, 413]
        assert server.bugs == []


@pytest.mark.parametrize("bug", [RuntimeError("secret"), asyncio.CancelledError("secret"), TimeoutError("secret")])
async def test_a_bug_is_a_500_that_tells_nothing(bug: BaseException) -> None:
    async with serving(raising(bug)) as server, connected(server) as wire:
        await wire.send(GET)
        status, _, body = await wire.answer()
        assert status == 500
        assert b"secret" not in body
        assert [found for _, found in server.bugs] == [bug]


async def test_a_head_that_would_break_out_is_a_500() -> None:
    stream = Pieces(b"x")
    async with serving(always(answer(stream, fields=(("A", "b\r\nSet-Cookie: c"),)))) as server:
        async with connected(server) as wire:
            await wire.send(GET)
            status, fields, _ = await wire.answer()
            assert status == 500
            assert b"set-cookie" not in fields
        assert len(server.bugs) == 1
        assert stream.closed.is_set()


async def test_a_client_that_is_gone_is_nobodys_fault() -> None:
    async with serving(raising(ClientGoneError("it left"))) as server, connected(server) as wire:
        await wire.send(GET)
        assert await wire.rest() == b""
        assert server.bugs == []
        assert (server.finished[0].status, server.finished[0].aborted) == (0, True)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, id="Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400, id="two Hosts"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400, id="fragment"),
        pytest.param(b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414, id="a long target"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, id="a long field"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: a\r\n" * 130 + b"\r\n", 431, id="many fields"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", 417, id="Expect"),
        pytest.param(b"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505, id="version"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500, 400, id="TLS"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="both"
        ),
    ],
)
async def test_what_cannot_be_read_is_refused_and_the_connection_closed(sent: bytes, status: int) -> None:
    async with serving() as server:
        got = await roundtrip(server, sent + GET)
        assert statuses(got) == [str(status).encode()]
        head, _, body = got.partition(b"\r\n\r\n")
        assert b"Connection: close" in head
        assert json.loads(body)["status"] == status
        assert [event.status for event in server.finished] == [status]
        assert server.bugs == []


async def test_absolute_form_names_the_host() -> None:
    async with serving() as server:
        got = await roundtrip(server, b"GET http://other:8/x?y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert bodies(got) == [b"GET /x?y "]
        request = server.finished[0].request
        assert request is not None
        assert (request.authority, request.fields.joined("host")) == ("other:8", "other:8")


# Content -------------------------------------------------------------------------------------------------------------

STREAM = (
    b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
    b"POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nxyz\r\n4;e=1\r\n\r\n\r\n\r\n0\r\nT: t\r\n\r\n"
    b"\r\nBREW /4 HTTP/1.1\r\nHost: h\r\n\r\n" + LAST
)
ECHOED = [b"POST /1 abc", b"GET /2 ", b"POST /3 xyz\r\n\r\n", b"BREW /4 ", b"GET /last "]


async def test_requests_behind_each_other_are_answered_in_turn() -> None:
    async with serving() as server:
        got = await roundtrip(server, STREAM)
        assert [body for body in ECHOED if body not in got] == []
        assert statuses(got) == [b"200"] * 5


def test_splitting_changes_nothing() -> None:
    """One server, one event loop, the same bytes cut in generated places: the same answers each time."""
    with asyncio.Runner() as runner:
        context = serving()
        server = runner.run(context.__aenter__())
        plain = runner.run(roundtrip(server, STREAM))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.sets(st.integers(1, len(STREAM) - 1), max_size=8))
        def check(cuts: set[int]) -> None:
            at = [0, *sorted(cuts), len(STREAM)]
            pieces = [STREAM[a:b] for a, b in pairwise(at)]

            async def trickle() -> bytes:
                async with connected(server) as wire:
                    for piece in pieces:
                        await wire.send(piece)
                        await asyncio.sleep(0)
                    return await wire.rest()

            assert runner.run(trickle()) == plain

        check()
        assert server.bugs == []
        runner.run(context.__aexit__(None, None, None))


async def test_many_pipelined_requests_are_bounded_and_all_answered() -> None:
    gate = asyncio.Event()

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        await gate.wait()
        return answer(request.target.encode())

    async with serving(script, max_pipelined=4) as server, connected(server) as wire:
        count = 3000
        sending = asyncio.ensure_future(
            wire.send(*(f"GET /{i} HTTP/1.1\r\nHost: h\r\nX: {'x' * 2000}\r\n\r\n".encode() for i in range(count)))
        )
        gate.set()
        for i in range(count):
            assert (await wire.answer())[2] == f"/{i}".encode()
        await sending


async def test_content_comes_in_as_it_is_and_piece_by_piece() -> None:
    pieces: list[bytes] = []
    lengths: list[int | None] = []

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        assert body is not None
        lengths.append(body.length)
        async for piece in body:
            pieces.append(piece)
            arrived.set()
        return answer()

    arrived = asyncio.Event()
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\n"
    async with serving(script) as server, connected(server) as wire:
        await wire.send(head + b"abc")
        await arrived.wait()
        assert pieces == [b"abc"]
        await wire.send(b"def")
        assert (await wire.answer())[0] == 200
        assert pieces == [b"abc", b"def"]
        assert lengths == [6]


async def test_content_waits_for_its_reader() -> None:
    """A reader that does not read holds the client up; what is kept of it meanwhile is bounded."""
    gate, size = asyncio.Event(), 30_000_000

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        await gate.wait()
        return answer(str(len(await whole(body))).encode())

    async with serving(script) as server, connected(server) as wire:
        sending = asyncio.ensure_future(
            wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size, bytes(size))
        )
        done, _ = await asyncio.wait([sending], timeout=0.5)
        assert not done
        gate.set()
        assert (await wire.answer())[2] == str(size).encode()
        await sending


@pytest.mark.parametrize("framing", [b"Content-Length: 200000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n30d40\r\n"])
async def test_content_larger_than_the_buffer_that_nobody_reads(framing: bytes) -> None:
    async with serving(always(answer())) as server:
        body = bytes(200_000) + (b"\r\n0\r\n\r\n" if b"chunked" in framing else b"")
        got = await roundtrip(server, b"POST / HTTP/1.1\r\nHost: h\r\n" + framing + body)
        assert b"Connection: close" in got
        assert bodies(got) == [b"hello"]


async def test_small_content_that_nobody_reads_costs_nothing() -> None:
    async with serving(always(answer())) as server, connected(server) as wire:
        for _ in range(2):
            await wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
            status, fields, _ = await wire.answer()
            assert (status, b"connection" in fields) == (200, False)


async def test_malformed_content_is_a_400_for_its_reader() -> None:
    async with serving() as server:
        head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        got = await roundtrip(server, head + b"3\r\nabc\r\n", b"zzz\r\n\r\n" + GET)
        assert statuses(got) == [b"400"]
        assert len(server.finished) == 1
        assert server.bugs == []


async def test_rubbish_behind_a_request_does_not_cost_its_answer() -> None:
    async with serving() as server:
        got = await roundtrip(
            server, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcRUBBISH\r\n\r\n" + GET
        )
        assert statuses(got) == [b"200", b"400"]
        assert b"POST / abc" in got


async def test_content_that_outlives_its_exchange_is_over() -> None:
    kept: list[RequestBody] = []

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        assert body is not None
        kept.append(body)
        return answer()

    async with serving(script) as server:
        await roundtrip(server, b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc")
        with pytest.raises(ClientGoneError):
            await whole(kept[0])


# Expect --------------------------------------------------------------------------------------------------------------

EXPECTING = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n"


async def test_the_client_is_told_to_go_on_when_its_content_is_wanted() -> None:
    asked = asyncio.Event()

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        await asked.wait()
        return await echo(request, body)

    async with serving(script) as server, connected(server) as wire:
        await wire.send(EXPECTING)
        early = asyncio.ensure_future(wire.reader.read(1))
        done, _ = await asyncio.wait([early], timeout=0.1)
        assert not done  # nobody wants the content yet
        asked.set()
        assert await early + await wire.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send(b"abc")
        assert (await wire.answer())[2] == b"POST / abc"


async def test_nobody_is_told_to_go_on_for_nothing() -> None:
    async with serving(always(answer())) as server:
        got = await roundtrip(server, EXPECTING)
        assert statuses(got) == [b"200"]
        assert b"Connection: close" in got


async def test_content_that_is_there_already_needs_no_100() -> None:
    async with serving() as server, connected(server) as wire:
        await wire.send(EXPECTING + b"abc")
        assert (await wire.answer())[::2] == (200, b"POST / abc")


async def test_http10_expects_nothing() -> None:
    async with serving() as server:
        got = await roundtrip(server, EXPECTING.replace(b"1.1", b"1.0"), b"abc")
        assert statuses(got) == [b"200"]
