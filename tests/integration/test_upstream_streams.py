"""Large and endless content and tunnels, in constant memory, over real sockets."""

import asyncio
import tracemalloc

import pytest

from proxy.errors import UpstreamError
from proxy.policy.messages import Fields
from tests.support.raw_origin import Peer, RawOrigin, answering
from tests.support.raw_responses import CHUNKED, OK
from tests.support.upstream import HI, MIB, SHORT, a_client, get, read

pytestmark = pytest.mark.integration


# Large and endless content --------------------------------------------------------------------------------------------


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


# Tunnels --------------------------------------------------------------------------------------------------------------


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
