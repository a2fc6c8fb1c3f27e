"""Connecting, bounds, cancelling and closing of the upstream's client, over real sockets."""

import asyncio
import os
import socket

import pytest

from proxy.edge.upstream import UpstreamClient
from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import UpstreamAnswer
from tests.support.content import Content
from tests.support.raw_origin import Peer, RawOrigin, answering
from tests.support.raw_responses import OK
from tests.support.redis_server import free_port
from tests.support.upstream import HI, SHORT, a_client, get, hanging, read, settings, until

pytestmark = pytest.mark.integration


# Connecting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "tambo.invalid", "a" * 64 + ".invalid"])
async def test_unreachable(host: str) -> None:
    client = UpstreamClient(settings(f"http://{host}:{free_port()}"))
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


# Bounds ---------------------------------------------------------------------------------------------------------------


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
    client = UpstreamClient(settings(f"http://127.0.0.1:{free_port()}", max_connections=2))
    results = await asyncio.gather(*(client.send(get()) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(result, UpstreamError) and result.failure is Failure.UNREACHABLE for result in results)
    assert (client.stats.open, client.stats.waiting) == (0, 0)


# Cancellation and closing ---------------------------------------------------------------------------------------------


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
