"""The upstream's client against origins that are wrong in every way, over real sockets."""

import asyncio
import os
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import pytest

from proxy.edge.upstream import Origin, UpstreamClient, UpstreamSettings
from proxy.errors import ClientError, ClientGoneError, Failure, UpstreamError
from proxy.exchange.ports import UpstreamAnswer, UpstreamRequest
from proxy.policy.messages import Fields
from tests.support.content import Content
from tests.support.raw_origin import Peer, RawOrigin, Script, answering
from tests.support.raw_responses import CHUNKED, CLOSING, CUT, GOOD, MALFORMED, OK

pytestmark = pytest.mark.integration

HI = OK + b"Content-Length: 2\r\n\r\nhi"
MIB = 1024 * 1024
SHORT = 0.05
"""Seconds: a deadline that a test waits for."""


def get(target: str = "/a", method: str = "GET", **more: Any) -> UpstreamRequest:
    """A request without fields or content unless given."""
    return UpstreamRequest(method, target, **{"host": None, "fields": Fields(), **more})


def settings(url: str, **changes: Any) -> UpstreamSettings:
    """For the origin at ``url``; every deadline far away unless it is what the test is about."""
    return replace(UpstreamSettings(Origin.from_url(url), first_byte=20.0, idle=20.0, keep_alive=20.0), **changes)


@asynccontextmanager
async def a_client(origin: RawOrigin, **changes: Any) -> AsyncIterator[UpstreamClient]:
    """A client of ``origin``; in the end nothing of it may be left."""
    client = UpstreamClient(settings(origin.url, **changes))
    try:
        yield client
    finally:
        await client.aclose()
        stats = client.stats
        assert (stats.open, stats.idle, stats.detached, stats.waiting) == (0, 0, 0, 0)


async def read(answer: UpstreamAnswer) -> bytes:
    """The whole content."""
    return b"".join([piece async for piece in answer.body])


async def until(condition: Any) -> None:
    """Let the loop turn until ``condition()`` holds; the test's time limit is the deadline."""
    while not condition():
        await asyncio.sleep(0.001)


def once(data: bytes) -> Script:
    """Reads a head, answers ``data``, closes."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(data)

    return script


# What is sent --------------------------------------------------------------------------------------------------------


async def test_request_on_the_wire() -> None:
    script, heads = answering(HI)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        request = get("/a%2c?b=%zz", "DELETE", fields=Fields([("X-A", "\xe9"), ("accept", "")]))
        assert await read(await client.send(request)) == b"hi"
        assert heads == [
            b"DELETE /a%2c?b=%zz HTTP/1.1\r\nHost: " + origin.authority + b"\r\nX-A: \xe9\r\naccept: \r\n\r\n"
        ]


async def test_nothing_is_sent_of_a_request_that_cannot_be() -> None:
    script, heads = answering(HI)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        with pytest.raises(ClientError):
            await client.send(get("/a b"))
        with pytest.raises(ClientError):
            await client.send(get(fields=Fields([("X-A", "b\r\nX-B: c")])))
        assert client.stats.created == 0
        assert heads == []


@pytest.mark.parametrize(
    ("length", "framing", "wire"),
    [(6, b"Content-Length: 6", b"abcdef"), (None, b"Transfer-Encoding: chunked", b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")],
)
async def test_content_on_the_wire(length: int | None, framing: bytes, wire: bytes) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        for _ in range(2):
            seen.append(await peer.head())
            seen.append(await peer.reader.readexactly(len(wire)))
            await peer.say(HI)
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        for _ in range(2):
            answer = await client.send(get(method="POST", body=Content(b"abc", b"def", length=length)))
            assert await read(answer) == b"hi"
            await until(lambda: client.stats.idle == 1)
        head = b"POST /a HTTP/1.1\r\nHost: " + origin.authority + b"\r\n" + framing + b"\r\n\r\n"
        assert seen == [head, wire, head, wire]
        assert client.stats.created == 1


@pytest.mark.parametrize("pieces", [(b"ab",), (b"abcd",)])
async def test_content_of_another_length_than_announced_drops_the_connection(pieces: tuple[bytes, ...]) -> None:
    rest: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        rest.append(await peer.reader.read())

    async with RawOrigin(script) as origin, a_client(origin) as client:
        with pytest.raises(ClientError) as caught:
            await client.send(get(method="POST", body=Content(*pieces, length=3)))
        assert caught.value.status == 400
        assert client.stats.open == 0
        await until(lambda: rest)
        assert rest[0] in {b"", b"ab"}


async def test_client_that_leaves_while_sending_drops_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        body = Content(b"abc", length=None, error=ClientGoneError("left"))
        with pytest.raises(ClientGoneError):
            await client.send(get(method="POST", body=body))
        assert client.stats.open == 0


async def test_a_bug_in_reading_the_content_is_not_swallowed() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        with pytest.raises(ZeroDivisionError):
            await client.send(get(method="POST", body=Content(b"abc", length=None, error=ZeroDivisionError())))
        assert client.stats.open == 0


async def test_content_streams_in_constant_memory() -> None:
    """The origin reads nothing until told to: then reading the client's content must have stopped early."""
    go = asyncio.Event()
    size = 64 * MIB

    async def script(peer: Peer) -> None:
        await peer.head()
        await go.wait()
        left = size
        while left:
            left -= len(await peer.reader.read(MIB))
        await peer.say(HI)

    body = Content(*repeat(b"x" * 65536, size // 65536), length=size)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        sending = asyncio.create_task(client.send(get(method="PUT", body=body)))
        await until(lambda: body.read)
        before = -1
        while before != body.read:  # until it stands still
            before = body.read
            await asyncio.sleep(0.05)
        assert body.read * 65536 < 16 * MIB  # what the kernel's buffers hold, and ours
        go.set()
        assert await read(await sending) == b"hi"
        assert body.read * 65536 == size


async def test_origin_that_stops_reading_the_content_runs_out_of_time() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.Event().wait()

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT) as client:
        body = Content(*repeat(b"x" * 65536, 1000), length=None)
        with pytest.raises(UpstreamError, match="did not read") as caught:
            await client.send(get(method="PUT", body=body))
        assert caught.value.failure is Failure.TIMEOUT


async def test_slow_client_is_not_the_upstream_s_fault() -> None:
    """No deadline for the upstream runs while it waits for the client's content."""
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.reader.readexactly(6)
        await peer.say(HI)

    async with RawOrigin(script) as origin, a_client(origin, first_byte=SHORT, idle=SHORT) as client:
        body = Content(b"abc", b"def", length=6, gate=gate)
        sending = asyncio.create_task(client.send(get(method="POST", body=body)))
        await asyncio.wait([sending], timeout=3 * SHORT)
        assert not sending.done()
        gate.set()
        assert await read(await sending) == b"hi"


# Answers before the request is sent ----------------------------------------------------------------------------------


async def test_answer_before_the_content_is_sent_is_delivered_and_the_connection_not_reused() -> None:
    never = asyncio.Event()
    too_large = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(too_large)
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get(method="POST", body=Content(b"abc", b"def", length=6, gate=never)))
        assert answer.head.status == 413
        assert await read(answer) == b"no"
        assert client.stats.open == 0


async def test_early_answer_of_an_origin_that_closes_at_once_is_delivered() -> None:
    """The origin closes with unread content, which resets the connection: what it said before must not be lost."""
    too_large = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
    async with RawOrigin(once(too_large)) as origin, a_client(origin) as client:
        for _ in range(100):
            body = Content(*repeat(b"x" * 65536, 200), length=None)
            answer = await client.send(get(method="POST", body=body))
            assert answer.head.status == 413
            assert await read(answer) == b"no"


async def test_early_answer_is_read_even_when_sending_has_failed() -> None:
    """Between two pieces of content, with no turn of the loop, the origin answers and closes on unread content."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)

        class Unwanted:
            length = None

            async def __aiter__(self) -> AsyncIterator[bytes]:
                peer, _ = await loop.sock_accept(listener)
                yield b"x" * 1000
                peer.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
                peer.close()
                while True:
                    yield b"x" * 1000

        client = UpstreamClient(settings(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        answer = await client.send(get(method="POST", body=Unwanted()))
        assert answer.head.status == 413
        assert await read(answer) == b"no"
        assert client.stats.open == 0
        await client.aclose()


async def test_both_directions_at_once() -> None:
    """An origin that answers while it reads gets the rest of the content all the same."""
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.reader.readexactly(3)
        await peer.say(OK + b"Content-Length: 6\r\n\r\nabc")
        await peer.say(await peer.reader.readexactly(3))
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get(method="POST", body=Content(b"abc", b"def", length=6, gate=gate)))
        assert await anext(aiter(answer.body)) == b"abc"
        gate.set()
        assert await read(answer) == b"def"
        await until(lambda: client.stats.idle == 1)


async def test_client_that_leaves_while_the_answer_comes_breaks_it_off() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: 6\r\n\r\nabc")
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        body = Content(b"abc", b"def", length=9, gate=gate, error=ClientGoneError("left"))
        answer = await client.send(get(method="POST", body=body))
        gate.set()
        with pytest.raises(ClientGoneError):
            await read(answer)
        assert client.stats.open == 0


# What is read --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", GOOD)
async def test_good_responses_leave_the_connection_usable(case: str) -> None:
    data, status, content = GOOD[case]
    script, heads = answering(data)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        for _ in range(3):
            answer = await client.send(get())
            assert answer.head.status == status
            assert await read(answer) == content
        assert len(heads) == 3
        assert (client.stats.created, client.stats.reused) == (1, 2)


@pytest.mark.parametrize("case", CLOSING)
async def test_after_these_the_connection_is_closed(case: str) -> None:
    data, content = CLOSING[case]
    async with RawOrigin(once(data)) as origin, a_client(origin) as client:
        for _ in range(2):
            assert await read(await client.send(get())) == content
        assert client.stats.created == 2


@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_responses(case: str) -> None:
    async with RawOrigin(once(MALFORMED[case])) as origin, a_client(origin) as client:
        with pytest.raises(UpstreamError) as caught:
            await read(await client.send(get()))
        assert caught.value.failure is Failure.PROTOCOL
        assert client.stats.open == 0
        assert origin.connections == 1


@pytest.mark.parametrize("case", CUT)
@pytest.mark.parametrize("with_reset", [False, True])
async def test_cut_responses(case: str, with_reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(CUT[case])
        if with_reset:
            peer.reset()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        with pytest.raises(UpstreamError) as caught:
            await read(await client.send(get()))
        assert caught.value.failure is Failure.PROTOCOL
        assert client.stats.open == 0
        assert origin.connections == 1


async def test_content_until_close_is_cut_by_a_reset() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"\r\nhello")
        await gate.wait()
        peer.reset()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        chunks = aiter(answer.body)
        assert await anext(chunks) == b"hello"
        gate.set()
        with pytest.raises(UpstreamError) as caught:
            await anext(chunks)
        assert caught.value.failure is Failure.PROTOCOL


async def test_what_came_before_the_cut_is_read_first() -> None:
    async with RawOrigin(once(OK + b"Content-Length: 9\r\n\r\nhello")) as origin, a_client(origin) as client:
        answer = await client.send(get())
        chunks = aiter(answer.body)
        assert await anext(chunks) == b"hello"
        for _ in range(2):  # it does not become complete by being asked again
            with pytest.raises(UpstreamError):
                await anext(chunks)


@pytest.mark.parametrize("data", [OK + b"Content-Length: 5\r\n\r\n", OK + b"\r\n", CHUNKED])
async def test_head_requests_leave_the_connection_usable(data: bytes) -> None:
    script, _ = answering(data)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        for _ in range(3):
            answer = await client.send(get(method="HEAD"))
            assert await read(answer) == b""
        assert client.stats.created == 1


async def test_interim_responses_are_told_and_do_not_prolong_the_wait() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await peer.hang()

    told: list[int] = []
    async with RawOrigin(script) as origin, a_client(origin, first_byte=SHORT) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.send(get(), lambda head: told.append(head.status))
        assert caught.value.failure is Failure.TIMEOUT
        assert told == [103]


async def test_redirects_are_not_followed() -> None:
    location = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/secret\r\nContent-Length: 0\r\n\r\n"
    script, heads = answering(location)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        assert (answer.head.status, answer.head.fields.joined("location")) == (302, "http://127.0.0.1:1/secret")
        assert len(heads) == 1


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    script, _ = answering(HI)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        assert await read(await client.send(get())) == b"hi"


# Large and endless content -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_content_streams_in_constant_memory(chunked: bool) -> None:
    size, block = 100 * MIB, b"x" * MIB

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(CHUNKED if chunked else OK + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // MIB):
            await peer.say(b"%x\r\n%b\r\n" % (MIB, block) if chunked else block)
        await peer.say(b"0\r\n\r\n" if chunked else b"")
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        tracemalloc.start()
        try:
            got = 0
            async for piece in answer.body:
                got += len(piece)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert got == size
        assert peak < 8 * MIB  # the origin's own buffers are in it
        assert client.stats.idle == 1


@pytest.mark.parametrize("data", [b"x" * 65536, b"1\r\nx\r\n" * 10_000])
async def test_unread_endless_content_stops_the_origin(data: bytes) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.head()
        await peer.say(CHUNKED if data.startswith(b"1\r") else OK + b"\r\n")
        while True:
            await peer.say(data)
            sent += len(data)

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        before = -1
        while before != sent or sent == 0:  # until it stands still
            before = sent
            await asyncio.sleep(0.05)
        assert sent < 16 * MIB  # what the kernel's buffers hold, and ours
        chunks = aiter(answer.body)
        got, more = 0, 2 * sent // (1 if data[0] == ord("x") else 6)
        while got < more:  # reading on lets the origin go on
            got += len(await anext(chunks))
        await answer.body.aclose()
        assert client.stats.open == 0


async def test_giving_up_unread_content_closes_the_connection_and_can_be_repeated() -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: 9\r\n\r\nhello")
        await peer.hang()
        closed.set()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        await answer.body.aclose()
        await answer.body.aclose()
        assert client.stats.open == 0
        await closed.wait()
        assert await read(answer) == b""


async def test_giving_up_content_that_has_come_keeps_the_connection() -> None:
    script, _ = answering(HI)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        await answer.body.aclose()
        assert client.stats.idle == 1


async def test_a_slow_reader_of_complete_content_does_not_occupy_a_connection() -> None:
    script, _ = answering(HI)
    async with RawOrigin(script) as origin, a_client(origin, max_connections=1) as client:
        first, second = await client.send(get()), await client.send(get())
        assert await read(second) == b"hi"
        assert await read(first) == b"hi"
        assert client.stats.created == 1


# Deadlines -----------------------------------------------------------------------------------------------------------


async def hanging(peer: Peer) -> None:
    """Reads a request and says nothing."""
    await peer.head()
    await peer.hang()


async def test_no_answer_in_time() -> None:
    async with RawOrigin(hanging) as origin, a_client(origin, first_byte=SHORT) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.TIMEOUT
        assert client.stats.open == 0


async def test_a_head_that_drips_does_not_prolong_the_wait() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        for byte in chain(OK, repeat(ord("x"))):
            await peer.say(bytes([byte]))
            await asyncio.sleep(SHORT / 10)

    async with RawOrigin(script) as origin, a_client(origin, first_byte=SHORT) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.TIMEOUT


async def test_content_that_stops_coming() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: 9\r\n\r\nhello")
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT) as client:
        answer = await client.send(get())
        with pytest.raises(UpstreamError) as caught:
            await read(answer)
        assert caught.value.failure is Failure.TIMEOUT
        assert client.stats.open == 0


async def test_event_streams_may_be_silent_and_do_not_count() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Type: text/event-stream; charset=utf-8\r\n\r\ndata: 1\n\n")
        await gate.wait()
        await peer.say(b"data: 2\n\n")

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT, max_connections=1) as client:
        streams = [await client.send(get()) for _ in range(3)]
        assert (client.stats.open, client.stats.detached) == (0, 3)
        reading = asyncio.gather(*(read(answer) for answer in streams))
        await asyncio.wait([reading], timeout=3 * SHORT)
        assert not reading.done()
        gate.set()
        assert await reading == [b"data: 1\n\ndata: 2\n\n"] * 3
        assert client.stats.detached == 0


async def test_a_slow_reader_is_not_the_upstream_s_fault() -> None:
    size = 4 * MIB

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT) as client:
        answer = await client.send(get())
        await asyncio.sleep(4 * SHORT)
        assert len(await read(answer)) == size


# Connecting ----------------------------------------------------------------------------------------------------------


def unused_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "tambo.invalid", "a" * 64 + ".invalid"])
async def test_unreachable(host: str) -> None:
    client = UpstreamClient(settings(f"http://{host}:{unused_port()}"))
    with pytest.raises(UpstreamError) as caught:
        await client.send(get())
    assert caught.value.failure is Failure.UNREACHABLE
    assert client.stats.open == 0


async def test_another_address_is_tried_when_one_refuses() -> None:
    """localhost is ::1 and 127.0.0.1 here, or 127.0.0.1 alone: the origin listens on the last one only."""
    script, _ = answering(HI)
    async with RawOrigin(script) as origin:
        client = UpstreamClient(settings(f"http://localhost:{origin.port}"))
        assert await read(await client.send(get())) == b"hi"
        await client.aclose()


async def test_a_host_that_does_not_accept_in_time() -> None:
    """A listening socket whose queue is full: the kernel ignores further connections."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        loop = asyncio.get_running_loop()
        waiting: list[socket.socket] = []
        try:
            for _ in range(4):
                sock = socket.socket()
                sock.setblocking(False)
                waiting.append(sock)
                sock.connect_ex(address)
            client = UpstreamClient(settings(f"http://127.0.0.1:{address[1]}", connect=4 * SHORT))
            started = loop.time()
            with pytest.raises(UpstreamError) as caught:
                await client.send(get())
            assert caught.value.failure is Failure.TIMEOUT
            assert loop.time() - started < 5
            assert client.stats.open == 0
        finally:
            for sock in waiting:
                sock.close()


async def test_an_origin_that_accepts_and_closes() -> None:
    async def script(peer: Peer) -> None:
        pass

    async with RawOrigin(script) as origin, a_client(origin) as client:
        for _ in range(20):
            with pytest.raises(UpstreamError) as caught:
                await client.send(get())
            assert caught.value.failure is Failure.PROTOCOL
        assert origin.connections == 20
        assert client.stats.repeated == 0


async def test_an_origin_that_comes_back() -> None:
    script, _ = answering(HI)
    async with RawOrigin(script) as origin:
        port = origin.port
        client = UpstreamClient(settings(origin.url))
        assert await read(await client.send(get())) == b"hi"
    with pytest.raises(UpstreamError):
        await client.send(get())
    server = await asyncio.start_server(origin.accepted, "127.0.0.1", port)
    assert await read(await client.send(get())) == b"hi"
    await client.aclose()
    server.close()
    await origin.__aexit__()


# Reuse, and what may be repeated -------------------------------------------------------------------------------------


def closing_on(number: int, heads: list[bytes], *, with_bytes: bytes = b"") -> Script:
    """Answers each request, but closes on the one of this number (from 1 on) and all later ones."""

    async def script(peer: Peer) -> None:
        while True:
            heads.append(await peer.head())
            if len(heads) >= number:
                await peer.say(with_bytes)
                return
            await peer.say(HI)

    return script


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_harmless_request_on_a_closed_reused_connection_is_sent_once_more(method: str) -> None:
    heads: list[bytes] = []
    first_close = asyncio.Event()

    async def script(peer: Peer) -> None:
        heads.append(await peer.head())
        await peer.say(HI)
        if not first_close.is_set():
            first_close.set()
            heads.append(await peer.head())
            return
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        await read(await client.send(get("/1")))
        answer = await client.send(get("/2", method))
        assert answer.head.status == 200
        assert [head.split()[1] for head in heads] == [b"/1", b"/2", b"/2"]
        assert client.stats.repeated == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_harmless_request_is_never_sent_a_third_time(method: str) -> None:
    heads: list[bytes] = []
    async with RawOrigin(closing_on(2, heads)) as origin, a_client(origin) as client:
        await read(await client.send(get("/1")))
        with pytest.raises(UpstreamError) as caught:
            await client.send(get("/2", method))
        assert caught.value.failure is Failure.PROTOCOL
        assert [head.split()[1] for head in heads] == [b"/1", b"/2", b"/2"]


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT", "PATCH", "OPTIONS", "PROPFIND", "get"])
async def test_other_requests_are_never_sent_twice(method: str) -> None:
    heads: list[bytes] = []
    async with RawOrigin(closing_on(2, heads)) as origin, a_client(origin) as client:
        await read(await client.send(get("/1")))
        with pytest.raises(UpstreamError) as caught:
            await client.send(get("/2", method))
        assert caught.value.failure is Failure.PROTOCOL
        assert [head.split()[1] for head in heads] == [b"/1", b"/2"]


async def test_get_with_content_is_never_sent_twice() -> None:
    heads: list[bytes] = []
    async with RawOrigin(closing_on(2, heads)) as origin, a_client(origin) as client:
        await read(await client.send(get("/1")))
        with pytest.raises(UpstreamError):
            await client.send(get("/2", body=Content(b"abc", length=3)))
        assert len(heads) == 2


async def test_get_is_not_repeated_after_a_byte_came() -> None:
    heads: list[bytes] = []
    async with RawOrigin(closing_on(2, heads, with_bytes=b"H")) as origin, a_client(origin) as client:
        await read(await client.send(get("/1")))
        with pytest.raises(UpstreamError):
            await client.send(get("/2"))
        assert len(heads) == 2


async def test_get_on_a_new_connection_is_not_repeated() -> None:
    heads: list[bytes] = []
    async with RawOrigin(closing_on(1, heads)) as origin, a_client(origin) as client:
        with pytest.raises(UpstreamError):
            await client.send(get())
        assert len(heads) == 1


async def test_get_is_not_repeated_after_a_deadline() -> None:
    heads: list[bytes] = []

    async def script(peer: Peer) -> None:
        heads.append(await peer.head())
        await peer.say(HI)
        heads.append(await peer.head())
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin, first_byte=4 * SHORT) as client:
        await read(await client.send(get()))
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.TIMEOUT
        assert len(heads) == 2


async def test_unsafe_request_is_not_tried_on_a_connection_that_the_kernel_knows_to_be_closed() -> None:
    """The origin's FIN has arrived but the loop has not seen it: a POST that failed there could not be repeated."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        client = UpstreamClient(settings(f"http://127.0.0.1:{listener.getsockname()[1]}"))

        async def serve() -> socket.socket:
            peer, _ = await loop.sock_accept(listener)
            await loop.sock_recv(peer, 65536)
            await loop.sock_sendall(peer, HI)
            return peer

        serving = asyncio.create_task(serve())
        await read(await client.send(get()))
        (await serving).close()  # nothing is awaited between this and the next request
        serving = asyncio.create_task(serve())
        assert await read(await client.send(get(method="POST"))) == b"hi"
        (await serving).close()
        assert client.stats.created == 2
        await client.aclose()


async def test_unsolicited_bytes_close_an_idle_connection() -> None:
    said = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(HI)
        if peer.number == 0:
            await said.wait()
            await peer.say(OK + b"Content-Length: 4\r\n\r\nevil")
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        assert await read(await client.send(get())) == b"hi"
        said.set()
        await until(lambda: client.stats.open == 0)
        assert await read(await client.send(get())) == b"hi"


async def test_idle_connections_are_closed_in_time() -> None:
    script, _ = answering(HI)
    async with RawOrigin(script) as origin, a_client(origin, keep_alive=SHORT) as client:
        await read(await client.send(get()))
        assert client.stats.idle == 1
        await until(lambda: client.stats.open == 0)


async def test_connection_used_last_is_used_next_and_few_are_kept() -> None:
    gate = asyncio.Event()
    used: list[int] = []

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            used.append(peer.number)
            await gate.wait()
            await peer.say(HI)

    async with RawOrigin(script) as origin, a_client(origin, max_idle=2) as client:
        sending = [asyncio.create_task(client.send(get())) for _ in range(4)]
        await until(lambda: len(used) == 4)
        gate.set()
        for answer in await asyncio.gather(*sending):
            await read(answer)
        assert (client.stats.open, client.stats.idle) == (2, 2)
        for _ in range(5):
            await read(await client.send(get()))
        assert len(set(used[4:])) == 1


# Bounds --------------------------------------------------------------------------------------------------------------


async def test_so_many_connections_and_then_a_queue() -> None:
    gate = asyncio.Event()
    inside = most = 0

    async def script(peer: Peer) -> None:
        nonlocal inside, most
        while True:
            await peer.head()
            inside += 1
            most = max(most, inside)
            await gate.wait()
            inside -= 1
            await peer.say(HI)

    async with RawOrigin(script) as origin, a_client(origin, max_connections=4, max_waiting=30) as client:
        sending = [asyncio.create_task(client.send(get())) for _ in range(34)]
        await until(lambda: client.stats.waiting == 30 and inside == 4)
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.SHED
        gate.set()
        assert [await read(answer) for answer in await asyncio.gather(*sending)] == [b"hi"] * 34
        assert most == 4
        assert origin.connections == 4
        assert (client.stats.open, client.stats.idle, client.stats.waiting) == (4, 4, 0)


async def test_waiting_for_a_connection_ends_with_the_connect_deadline() -> None:
    async with RawOrigin(hanging) as origin, a_client(origin, max_connections=1, connect=SHORT) as client:
        first = asyncio.create_task(client.send(get()))
        await until(lambda: client.stats.created == 1)
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.SHED
        assert client.stats.waiting == 0
        first.cancel()


async def test_those_who_wait_get_the_place_of_a_connection_that_broke() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"garbage")

    async with RawOrigin(script) as origin, a_client(origin, max_connections=2) as client:
        results = await asyncio.gather(*(client.send(get()) for _ in range(20)), return_exceptions=True)
        assert all(isinstance(result, UpstreamError) and result.failure is Failure.PROTOCOL for result in results)
        assert origin.connections == 20


async def test_those_who_wait_fail_with_an_origin_that_cannot_be_reached() -> None:
    client = UpstreamClient(settings(f"http://127.0.0.1:{unused_port()}", max_connections=2))
    results = await asyncio.gather(*(client.send(get()) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(result, UpstreamError) and result.failure is Failure.UNREACHABLE for result in results)
    assert (client.stats.open, client.stats.waiting) == (0, 0)


# Cancellation and closing --------------------------------------------------------------------------------------------


def descriptors() -> int:
    """Open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


async def test_cancelled_requests_leave_nothing_behind() -> None:
    """Cancelled while connecting, waiting for a connection, sending content, waiting for the head, and just after."""
    gate = asyncio.Event()
    async with RawOrigin(hanging) as origin:
        before = descriptors()
        async with a_client(origin, max_connections=20) as client:
            for turns in range(12):
                bodies = [None, Content(b"abc", b"def", length=6, gate=gate)]
                sending = [
                    asyncio.create_task(client.send(get(method="POST", body=body)))
                    for _ in range(20)
                    for body in bodies
                ]
                for _ in range(turns):
                    await asyncio.sleep(0)
                for task in sending:
                    task.cancel()
                results = await asyncio.gather(*sending, return_exceptions=True)
                assert all(isinstance(result, asyncio.CancelledError) for result in results)
                assert (client.stats.open, client.stats.waiting) == (0, 0)
        await until(lambda: descriptors() <= before)


async def test_cancelled_as_the_answer_comes() -> None:
    """Whatever turn of the loop it happens in, an answer nobody gets does not occupy its connection."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: 9\r\n\r\nhello")
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin, max_connections=1) as client:
        for turns in range(40):
            sending = asyncio.create_task(client.send(get()))
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            result = (await asyncio.gather(sending, return_exceptions=True))[0]
            if isinstance(result, UpstreamAnswer):
                await result.body.aclose()
            assert client.stats.open == 0


async def test_cancelled_while_waiting_hands_its_grant_on() -> None:
    """Those who wait are cancelled in the very moment a connection becomes free: the next in line gets it."""
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await gate.wait()
            await peer.say(HI)

    async with RawOrigin(script) as origin, a_client(origin, max_connections=1) as client:
        first = asyncio.create_task(client.send(get()))
        waiting = [asyncio.create_task(client.send(get())) for _ in range(5)]
        await until(lambda: client.stats.waiting == 5)
        first.add_done_callback(lambda _: [task.cancel() for task in waiting[:4]])
        gate.set()
        assert await read(await waiting[4]) == b"hi"
        assert client.stats.idle == 1
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_closing_fails_what_is_under_way() -> None:
    async with RawOrigin(hanging) as origin, a_client(origin, max_connections=1) as client:
        sending = [asyncio.create_task(client.send(get())) for _ in range(2)]
        await until(lambda: client.stats.created == 1 and client.stats.waiting == 1)
        await client.aclose()
        results = await asyncio.gather(*sending, return_exceptions=True)
        assert all(isinstance(result, UpstreamError) for result in results)
        with pytest.raises(UpstreamError):
            await client.send(get())


# Tunnels -------------------------------------------------------------------------------------------------------------

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


async def test_tunnel_carries_bytes_both_ways() -> None:
    heads: list[bytes] = []

    async def script(peer: Peer) -> None:
        heads.append(await peer.head())
        await peer.say(SWITCH + b"early")
        while data := await peer.reader.read(65536):
            await peer.say(data.upper())

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT, max_connections=1) as client:
        answer = await client.send(get(upgrade="websocket", fields=Fields([("Sec-WebSocket-Key", "a")])))
        assert b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n" in heads[0]
        assert answer.head.status == 101
        assert answer.head.fields.joined("upgrade") == "websocket"
        assert answer.tunnel is not None
        assert await read(answer) == b""
        chunks = aiter(answer.tunnel)
        assert await anext(chunks) == b"early"
        await asyncio.sleep(2 * SHORT)  # no deadline holds
        await answer.tunnel.write(b"hello")
        assert await anext(chunks) == b"HELLO"
        assert (client.stats.open, client.stats.detached) == (0, 1)
        await answer.tunnel.aclose()
        await answer.tunnel.aclose()
        assert client.stats.detached == 0
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)
        with pytest.raises(UpstreamError):
            await answer.tunnel.write(b"more")


@pytest.mark.parametrize("with_reset", [False, True])
async def test_tunnel_ends_with_the_upstream(with_reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(SWITCH + b"bye")
        if with_reset:
            await peer.reader.readexactly(3)
            peer.reset()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get(upgrade="websocket"))
        assert answer.tunnel is not None
        if with_reset:
            await answer.tunnel.write(b"bye")
        assert b"".join([piece async for piece in answer.tunnel]) == b"bye"
        assert client.stats.detached == 0


async def test_tunnel_waits_for_whoever_does_not_read() -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.head()
        await peer.say(SWITCH)
        while True:
            await peer.say(b"x" * 65536)
            sent += 65536

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get(upgrade="websocket"))
        assert answer.tunnel is not None
        written = 0

        async def write() -> None:
            nonlocal written
            while True:
                assert answer.tunnel is not None
                await answer.tunnel.write(b"y" * 65536)
                written += 65536

        writing = asyncio.create_task(write())
        before = (-1, -1)
        while before != (sent, written) or not sent or not written:  # until both stand still
            before = (sent, written)
            await asyncio.sleep(0.05)
        assert max(sent, written) < 16 * MIB
        await answer.tunnel.aclose()
        with pytest.raises(UpstreamError):
            await writing


async def test_switching_declined_is_an_ordinary_answer() -> None:
    script, _ = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")
    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get(upgrade="websocket"))
        assert answer.tunnel is None
        assert await read(answer) == b"no"
        assert client.stats.open == 0
