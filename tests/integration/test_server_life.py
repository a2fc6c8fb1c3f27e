"""The public listener on real sockets: deadlines, slow and leaving clients, upgrades, bounds, stopping."""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from ipaddress import ip_network

import pytest
from msgspec.structs import replace

from proxy.clock import SystemClock
from proxy.edge.server.acceptor import Acceptor
from proxy.edge.server.binding import bind
from proxy.edge.server.listener import Listener
from proxy.edge.server.settings import Hooks, ServerSettings
from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import Answer, RequestBody
from proxy.policy.messages import Fields, RequestHead, ResponseHead
from tests.support.certificates import self_signed
from tests.support.public_server import (
    QUICK,
    Pieces,
    Script,
    answer,
    connected,
    echo,
    handler,
    roundtrip,
    serving,
    whole,
)

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n"


class Gate:
    """A handler that answers when it is told to, and says what befell it."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, request: RequestHead, body: RequestBody | None) -> Answer:
        self.entered.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return answer()


class Endless:
    """A response body without an end."""

    def __init__(self) -> None:
        self.given = 0
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.given += 50_000
            yield bytes(50_000)

    async def aclose(self) -> None:
        """Closed."""
        self.closed.set()


# Deadlines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nHost: h\r\n"])
async def test_a_head_that_never_ends_is_a_408(sent: bytes) -> None:
    async with serving(head_timeout=0.1) as server:
        got = await roundtrip(server, sent)
        assert got.startswith(b"HTTP/1.1 408 ")
        assert [event.status for event in server.finished] == [408]


async def test_the_head_deadline_counts_from_the_first_byte_not_from_the_last() -> None:
    async with serving(head_timeout=0.3) as server, connected(server) as wire:
        started = asyncio.get_running_loop().time()
        await wire.send(b"GET / HTTP/1.1\r\nX: ")
        dripping = asyncio.ensure_future(drip(wire.send))
        got = await wire.rest()
        dripping.cancel()
        assert got.startswith(b"HTTP/1.1 408 ")
        assert asyncio.get_running_loop().time() - started < 3


async def drip(send: Callable[[bytes], object]) -> None:
    """A byte now and then."""
    while True:
        result = send(b"x")
        assert asyncio.iscoroutine(result)
        await result
        await asyncio.sleep(0.02)


async def test_a_head_deadline_that_was_met_is_forgotten() -> None:
    async with serving(head_timeout=2.0) as server, connected(server) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost")
        await asyncio.sleep(0.05)
        await wire.send(b": h\r\n\r\n")
        assert (await wire.answer())[0] == 200
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await wire.reader.read(1)


async def test_idle_connections_are_closed_quietly() -> None:
    async with serving(keepalive_timeout=0.1) as server:
        assert await roundtrip(server, b"") == b""
        assert await roundtrip(server, b"\r\n") == b""
        got = await roundtrip(server, GET)
        assert got.startswith(b"HTTP/1.1 200 ")
        assert len(server.finished) == 1


async def test_an_answer_that_takes_long_is_not_idle() -> None:
    gate = Gate()
    async with serving(gate, keepalive_timeout=0.05, head_timeout=0.05) as server, connected(server) as wire:
        await wire.send(GET + b"GET /half")
        await asyncio.sleep(0.2)
        gate.opened.set()
        assert (await wire.answer())[0] == 200
        assert (await wire.rest()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(replace(QUICK, body_idle_timeout=0.1), id="idle"),
        pytest.param(replace(QUICK, body_grace=0.1), id="floor"),
    ],
)
async def test_content_that_does_not_come_ends_the_connection(limits: ServerSettings) -> None:
    async with serving(settings=limits) as server:
        assert await roundtrip(server, POST + b"abc") == b""
        [event] = server.finished
        assert (event.status, event.aborted) == (0, True)
        assert server.bugs == []


async def test_content_that_drips_below_the_floor_ends_the_connection() -> None:
    async with serving(body_grace=0.3, body_floor=1000.0) as server, connected(server) as wire:
        await wire.send(POST)
        dripping = asyncio.ensure_future(drip(wire.send))
        with suppress(ConnectionResetError):  # it is still sending when it is cut
            assert await wire.rest() == b""
        dripping.cancel()
        [event] = server.finished
        assert (event.status, event.aborted) == (0, True)


async def test_content_above_the_floor_may_take_its_time() -> None:
    async with serving(body_grace=2.0, body_floor=10.0) as server, connected(server) as wire:
        await wire.send(POST)
        for _ in range(10):  # for longer than the grace
            await wire.send(b"0123456789")
            await asyncio.sleep(0.25)
        assert (await wire.answer())[0] == 200


# Clients that do not read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stream", "memory"])
async def test_a_client_that_reads_nothing_is_cut_and_costs_little(kind: str) -> None:
    stream = Endless()

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        return answer(stream if kind == "stream" else bytes(50_000_000))

    async with serving(script, unread_timeout=0.2) as server, connected(server) as wire:
        await wire.send(GET)
        await server.until_finished(1)
        [event] = server.finished
        assert (event.status, event.aborted) == (200, True)
        assert event.sent_bytes < 20_000_000  # what the kernel's buffers took, and little more
        if kind == "stream":
            await stream.closed.wait()
        await server.until_open(0)


async def test_a_client_that_reads_slowly_is_served() -> None:
    size = 8_000_000

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        return answer(bytes(size))

    async with serving(script, unread_timeout=2.0) as server, connected(server) as wire:
        await wire.send(GET)
        await wire.head()
        got = 0
        for _ in range(4):  # for longer than it may go without reading
            got += len(await wire.exactly(1_000_000))
            await asyncio.sleep(0.6)
        assert len(await wire.exactly(size - got)) == size - got


async def test_a_client_that_asks_and_never_reads_is_bounded() -> None:
    """Pipelining without reading: the server stops asking its handler when nobody takes the answers."""
    asked = 0

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        nonlocal asked
        asked += 1
        return answer(bytes(100_000))

    async with serving(script, unread_timeout=0.3) as server, connected(server) as wire:
        for _ in range(100):
            wire.writer.write(GET * 100)
        await server.until_open(0)
        assert asked < 500
        assert server.bugs == []


# Clients that leave --------------------------------------------------------------------------------------------------


async def test_a_client_that_leaves_cancels_its_request() -> None:
    gate = Gate()
    async with serving(gate) as server:
        async with connected(server) as wire:
            await wire.send(GET)
            await gate.entered.wait()
            assert server.listener.in_flight == 1
        await asyncio.wait_for(gate.cancelled.wait(), 5)
        await server.until_finished(1)
        assert (server.finished[0].status, server.finished[0].aborted) == (0, True)
        await server.until_open(0)
        assert server.listener.in_flight == 0
        assert server.bugs == []


async def test_a_client_that_leaves_while_it_is_answered_closes_the_stream() -> None:
    never = asyncio.Event()
    stream = Pieces(b"some", never)

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        return answer(stream)

    async with serving(script) as server:
        async with connected(server) as wire:
            await wire.send(GET)
            await wire.head()
        await asyncio.wait_for(stream.closed.wait(), 5)
        await server.until_finished(1)
        assert server.finished[0].aborted


async def test_a_client_that_leaves_while_it_does_not_read_closes_the_stream() -> None:
    stream = Endless()

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        return answer(stream)

    async with serving(script) as server:
        async with connected(server) as wire:
            await wire.send(GET)
            await wire.head()
        await asyncio.wait_for(stream.closed.wait(), 5)
        assert server.bugs == []


async def test_a_client_that_leaves_in_the_middle_of_its_content() -> None:
    left = asyncio.Event()

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        try:
            await whole(body)
        finally:
            left.set()
        return answer()

    async with serving(script) as server:
        async with connected(server) as wire:
            await wire.send(POST + b"abc")
        await asyncio.wait_for(left.wait(), 5)
        await server.until_open(0)
        assert server.bugs == []


# Upgrades ------------------------------------------------------------------------------------------------------------

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Loopback:
    """A tunnel to an upstream that says everything back, until it hears BYE."""

    def __init__(self) -> None:
        self.heard = b""
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._said.get():
            yield data

    async def write(self, data: bytes) -> None:
        """Heard."""
        self.heard += data
        self._said.put_nowait(data)
        if self.heard.endswith(b"BYE"):
            self._said.put_nowait(b"")

    async def aclose(self) -> None:
        """Closed."""
        self.closed.set()


def switching(tunnel: Loopback) -> Script:
    """A handler that switches where it is asked to."""

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        if "upgrade" not in request.fields:
            return await echo(request, body)
        what = answer(b"", 101)
        what.head = ResponseHead(101, Fields((("Sec-WebSocket-Accept", "x"),)))
        what.tunnel = tunnel
        return what

    return script


SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)


@pytest.mark.parametrize("protocol", [b"websocket", b"chat/2"])
async def test_an_upgraded_connection_carries_bytes_both_ways(protocol: bytes) -> None:
    tunnel = Loopback()
    async with serving(switching(tunnel)) as server, connected(server) as wire:
        await wire.send(UPGRADE.replace(b"websocket", protocol) + b"early\r\n\r\n")
        assert await wire.head() == SWITCHED.replace(b"websocket", protocol)
        assert await wire.exactly(9) == b"early\r\n\r\n"
        big = bytes(range(256)) * 4000
        await wire.send(big)
        assert await wire.exactly(len(big)) == big
        await wire.send(b"GET / HTTP/1.1\r\n\r\nBYE")
        assert await wire.rest() == b"GET / HTTP/1.1\r\n\r\nBYE"
        assert tunnel.closed.is_set()
        assert (server.finished[0].status, server.bugs) == (101, [])


async def test_what_a_client_said_before_it_left_is_carried_on() -> None:
    tunnel = Loopback()
    async with serving(switching(tunnel)) as server, connected(server) as wire:
        await wire.send(UPGRADE)
        await wire.head()
        await wire.send(b"last words")
        wire.writer.close()
        await asyncio.wait_for(tunnel.closed.wait(), 5)
        assert tunnel.heard == b"last words"
        await server.until_open(0)


async def test_an_upgrade_that_is_declined_leaves_http() -> None:
    async with serving() as server:
        got = await roundtrip(server, UPGRADE + b"GET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert b"GET /ws " in got
        assert got.endswith(b"GET /2 ")


async def test_http10_cannot_upgrade() -> None:
    async with serving(switching(Loopback())) as server:
        got = await roundtrip(server, UPGRADE.replace(b"1.1", b"1.0"))
        assert got.startswith(b"HTTP/1.1 200 ")


async def test_a_tunnel_nobody_asked_for_is_a_bug() -> None:
    tunnel = Loopback()

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        what = answer(b"", 101)
        what.tunnel = tunnel
        return what

    async with serving(script) as server:
        assert await roundtrip(server, GET) == b""
        assert len(server.bugs) == 1
        assert tunnel.closed.is_set()


async def test_a_tunnel_that_breaks_closes_the_connection() -> None:
    class Broken(Loopback):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"hi"
            raise UpstreamError(Failure.PROTOCOL, "reset")

    async with serving(switching(Broken())) as server:
        assert await roundtrip(server, UPGRADE) == SWITCHED + b"hi"
        assert server.bugs == []


# Bounds --------------------------------------------------------------------------------------------------------------


async def test_one_connection_too_many_costs_the_longest_idle_its_place() -> None:
    async with serving(max_connections=2) as server, connected(server) as first, connected(server) as second:
        for wire in (second, first):
            await wire.send(GET)
            await wire.answer()
        async with connected(server) as third:
            await third.send(GET)
            assert (await third.answer())[0] == 200
            assert await second.rest() == b""
            await first.send(GET)
            assert (await first.answer())[0] == 200


async def test_one_connection_too_many_is_a_503_when_all_are_busy() -> None:
    gate = Gate()
    async with serving(gate, max_connections=1) as server, connected(server) as first:
        await first.send(GET)
        await gate.entered.wait()
        assert (await roundtrip(server)).startswith(b"HTTP/1.1 503 ")
        gate.opened.set()
        assert (await first.answer())[0] == 200


async def test_accepting_pauses_when_descriptors_run_out_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """The kernel's refusal is acted: what is tested is that it neither floods nor ends the accepting."""
    refusals = 3

    class Refusing(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxy.edge.server.acceptor.socket.socket", Refusing)
        with caplog.at_level(logging.WARNING):
            async with serving() as server, connected(server) as wire:
                await wire.send(GET)
                assert (await wire.answer())[0] == 200
    assert refusals == 0
    assert len([record for record in caplog.records if "cannot accept" in record.message]) == 1


# Stopping ------------------------------------------------------------------------------------------------------------


async def test_what_is_in_flight_is_answered_and_told_to_close() -> None:
    gate = Gate()
    async with serving(gate) as server, connected(server) as busy, connected(server) as idle:
        await busy.send(GET)
        await gate.entered.wait()
        draining = asyncio.ensure_future(server.listener.drain(5))
        assert await idle.rest() == b""
        gate.opened.set()
        status, fields, _ = await busy.answer()
        assert (status, fields[b"connection"]) == (200, b"close")
        await draining
        assert (server.listener.open_connections, server.listener.in_flight) == (0, 0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_all_that_was_read_already_is_answered() -> None:
    gate = Gate()
    async with serving(gate) as server, connected(server) as wire:
        await wire.send(GET * 3)
        await gate.entered.wait()
        draining = asyncio.ensure_future(server.listener.drain(5))
        await asyncio.sleep(0)
        gate.opened.set()
        got = await wire.rest()
        assert got.count(b"HTTP/1.1 200 ") == 3
        assert got.count(b"Connection: close") == 1
        await draining


async def test_a_newcomer_at_the_last_moment_is_served() -> None:
    """Connected and asked, but neither accepted nor read when the stop comes."""
    async with serving() as server:
        loop = asyncio.get_running_loop()
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(GET)
            draining = asyncio.ensure_future(server.listener.drain(5))
            sock.setblocking(False)
            got = b""
            while data := await loop.sock_recv(sock, 4096):
                got += data
        await draining
        assert got.startswith(b"HTTP/1.1 200 ")
        assert b"Connection: close" in got


async def test_a_request_that_was_on_its_way_is_answered() -> None:
    """On a connection that is idle as far as the event loop knows, but whose next request is in the kernel."""
    async with serving() as server:
        loop = asyncio.get_running_loop()
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.setblocking(False)
            for _ in range(2):
                await loop.sock_sendall(sock, GET)
                await loop.sock_recv(sock, 4096)
            sock.send(GET)
            draining = asyncio.ensure_future(server.listener.drain(5))
            assert (await loop.sock_recv(sock, 4096)).startswith(b"HTTP/1.1 200 ")
            assert await loop.sock_recv(sock, 4096) == b""
        await draining


async def test_announcing_serves_newcomers_still() -> None:
    async with serving() as server:
        server.listener.announce_close()
        for _ in range(2):
            assert b"Connection: close" in await roundtrip(server, GET)


async def test_what_does_not_finish_is_cut() -> None:
    gate = Gate()
    async with serving(gate) as server, connected(server) as wire:
        await wire.send(GET)
        await gate.entered.wait()
        await server.listener.drain(0.1)
        assert await wire.rest() == b""
        assert gate.cancelled.is_set()
        assert server.listener.open_connections == 0


async def test_a_second_stop_is_at_once() -> None:
    gate = Gate()
    async with serving(gate) as server, connected(server) as wire:
        await wire.send(GET)
        await gate.entered.wait()
        patient = asyncio.ensure_future(server.listener.drain(60))
        await asyncio.sleep(0)
        await server.listener.drain(0)
        await patient
        assert gate.cancelled.is_set()
        assert await wire.rest() == b""


async def test_draining_twice_and_unstarted_does_nothing() -> None:
    async with serving() as server:
        await server.listener.drain(1)
        await server.listener.drain(1)
    await Listener(ServerSettings(), Hooks(handler(echo), lambda _: None, lambda *_: None, SystemClock())).drain(1)


async def test_a_taken_port_is_an_error() -> None:
    async with serving() as server:
        hooks = Hooks(handler(echo), lambda _: None, lambda *_: None, SystemClock())
        with pytest.raises(OSError, match=r"in use"):
            await Listener(ServerSettings(), hooks).start("127.0.0.1", server.port)


async def test_who_shares_a_socket_goes_on_when_another_has_ended() -> None:
    hooks = Hooks(handler(echo), lambda _: None, lambda *_: None, SystemClock())
    first, second = Listener(ServerSettings(), hooks), Listener(ServerSettings(), hooks)
    (sock,) = await bind("127.0.0.1", 0)
    first.serve([sock])
    second.serve([sock.dup()])
    host, port = second.addresses[0]
    await first.drain(1)
    for _ in range(3):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    await second.drain(1)


async def test_every_address_of_a_host_is_listened_on() -> None:
    listener = Listener(ServerSettings(), Hooks(handler(echo), lambda _: None, lambda *_: None, SystemClock()))
    await listener.start("localhost", 0)
    assert len({port for _, port in listener.addresses}) == 1
    await listener.drain(1)


async def test_an_acceptor_without_room_waits_for_it() -> None:
    room = False
    made = asyncio.Event()

    class Noted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.set()
            transport.close()

    acceptor = Acceptor(Noted, lambda: room, lambda _: None, 1.0)
    acceptor.listen(await bind("127.0.0.1", 0, backlog=5), None)
    reader, writer = await asyncio.open_connection(*acceptor.addresses[0])
    await asyncio.sleep(0.1)
    assert not made.is_set()
    room = True
    await asyncio.wait_for(made.wait(), 5)
    writer.close()
    acceptor.close()
    acceptor.close()
    await acceptor.settled()
    assert await reader.read() == b""


# Front proxies and TLS -----------------------------------------------------------------------------------------------


async def test_a_trusted_proxy_says_who_asks() -> None:
    async with serving(trusted_proxies=(ip_network("127.0.0.0/8"),)) as server, connected(server) as wire:
        await wire.send(
            b"GET / HTTP/1.1\r\nHost: in\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
            b"X-Forwarded-Host: out.example\r\n\r\n"
        )
        await wire.answer()
        request = server.finished[0].request
        assert request is not None
        assert (request.peer, request.scheme, request.authority) == ("1.2.3.4, 127.0.0.1", "https", "out.example")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context that fit each other."""
    return self_signed(tmp_path_factory.mktemp("tls"))


async def test_tls(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server_side, client_side = certificate
    big = bytes(range(256)) * 8000

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        assert request.scheme == "https"
        content = await whole(body)
        return answer(content or Pieces(big, big))

    async with serving(script, context=server_side) as server, connected(server, client_side) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(big), big)
        assert (await wire.answer())[2] == big
        await wire.send(GET)
        await wire.head()
        assert len(await wire.exactly(2 * len(big))) == 2 * len(big)
    assert server.bugs == []


async def test_tls_that_fails_harms_nobody(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server_side, client_side = certificate
    async with serving(context=server_side, tls_handshake_timeout=2.0) as server:
        assert b"HTTP/1.1" not in await roundtrip(server, GET)
        async with connected(server) as silent:
            assert await silent.rest() == b""
        async with connected(server, client_side) as wire:
            await wire.send(GET)
            assert (await wire.answer())[0] == 200


async def test_tls_drains(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server_side, client_side = certificate
    gate = Gate()
    async with serving(gate, context=server_side) as server, connected(server, client_side) as wire:
        await wire.send(GET)
        await gate.entered.wait()
        draining = asyncio.ensure_future(server.listener.drain(5))
        await asyncio.sleep(0)
        gate.opened.set()
        assert (await wire.answer())[1][b"connection"] == b"close"
        await draining
