"""Which connections the upstream's client uses again, and what it may send again, over real sockets."""

import asyncio
import socket

import pytest

from proxy.edge.upstream import UpstreamClient
from proxy.errors import Failure, UpstreamError
from tests.support.content import Content
from tests.support.raw_origin import Peer, RawOrigin, Script, answering
from tests.support.raw_responses import OK
from tests.support.upstream import HI, SHORT, a_client, get, read, settings, until

pytestmark = pytest.mark.integration


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
