"""What the upstream's client sends, and answers that come before it has sent it, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from itertools import repeat

import pytest

from proxy.edge.upstream import UpstreamClient
from proxy.errors import ClientError, ClientGoneError, Failure, UpstreamError
from proxy.policy.messages import Fields
from tests.support.content import Content
from tests.support.raw_origin import Peer, RawOrigin, answering
from tests.support.raw_responses import OK
from tests.support.upstream import HI, MIB, SHORT, a_client, get, once, read, settings, until

pytestmark = pytest.mark.integration


# What is sent ---------------------------------------------------------------------------------------------------------


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


# Answers before the request is sent -----------------------------------------------------------------------------------


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
