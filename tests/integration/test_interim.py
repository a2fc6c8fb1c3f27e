"""RFC 9110 §15.2 over the whole of Tambo: interim responses reach the client that asked, in order, and nobody else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.clock import SystemClock
from proxy.edge.server.listener import Listener
from proxy.edge.server.settings import Hooks, ServerSettings
from proxy.exchange.ports import Answer, OnInterim, RequestBody
from proxy.policy.messages import Fields, RequestHead, ResponseHead
from tests.support.public_server import Pieces, answer
from tests.support.raw_origin import Peer, Script
from tests.support.wired import OK, Wire, saying, status, wired

pytestmark = pytest.mark.integration

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nLink: </b>\r\n\r\n"
FORWARDED = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nLink: </b>\r\nVia: 1.1 tambo\r\n\r\n"
GET = "GET {} HTTP/1.1\r\nHost: x\r\n\r\n"


class Client:
    """One connection of a client that reads head by head."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, target: str = "/a") -> None:
        self.writer.write(GET.format(target).encode())

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> list[int]:
        """The statuses up to the final one, whose content of two bytes is read too."""
        seen: list[int] = []
        while not seen or seen[-1] < 200:
            seen.append(status(await self.head()))
        await self.reader.readexactly(2)
        return seen


@asynccontextmanager
async def connected(wire: Wire) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(*wire.address)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


def statuses(answer: bytes) -> list[int]:
    """Of every head in it, for content without status lines."""
    return [int(piece[:3]) for piece in answer.split(b"HTTP/1.1 ")[1:]]


def gated(before: bytes, gate: asyncio.Event, after: bytes = OK) -> Script:
    """An origin that says ``before``, waits, and says ``after``."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.say(before)
            await gate.wait()
            await peer.say(after)

    return script


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "BREW"])
async def test_103_before_200(tmp_path: Path, method: str) -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with wired(tmp_path, saying(HINTS + ok)) as wire:
        answer = await wire.get(method=method)
        assert answer.startswith(FORWARDED + b"HTTP/1.1 200 OK\r\n")


async def test_103_is_there_before_the_answer_is(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with wired(tmp_path, gated(HINTS, gate)) as wire, connected(wire) as client:
        client.ask()
        assert await client.head() == FORWARDED
        gate.set()
        assert await client.answer() == [200]


async def test_103_on_connections_that_are_used_again(tmp_path: Path) -> None:
    peers: list[int] = []

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            peers.append(peer.number)
            await peer.say(HINTS + OK)

    async with wired(tmp_path, script) as wire, connected(wire) as client:
        for n in range(3):
            client.ask(f"/{n}")
            assert await client.answer() == [103, 200]
        assert peers == [0, 0, 0]


async def test_pipelined_requests_get_theirs_in_order(tmp_path: Path) -> None:
    async with wired(tmp_path, saying(HINTS + OK)) as wire, connected(wire) as client:
        for n in range(3):
            client.ask(f"/{n}")
        assert [await client.answer() for _ in range(3)] == [[103, 200]] * 3


async def test_102_and_103_before_200(tmp_path: Path) -> None:
    several = PROCESSING + HINTS + b"HTTP/1.1 199 Hm\r\n\r\n" + HINTS
    async with wired(tmp_path, saying(several + OK)) as wire:
        assert statuses(await wire.get()) == [102, 103, 199, 103, 200]


async def test_100_that_nobody_asked_for_ends_here(tmp_path: Path) -> None:
    async with wired(tmp_path, saying(CONTINUE + HINTS + OK)) as wire:
        assert statuses(await wire.get()) == [103, 200]


async def test_100_is_said_once_to_a_client_that_expects_it(tmp_path: Path) -> None:
    request = b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    async with wired(tmp_path, saying(CONTINUE + CONTINUE + HINTS + OK)) as wire, connected(wire) as client:
        client.writer.write(request)
        assert await client.head() == CONTINUE
        client.writer.write(b"ok")
        assert await client.answer() == [103, 200]
        assert await client.reader.read() == b""


async def test_what_was_for_the_hop_stays_behind(tmp_path: Path) -> None:
    hop = b"Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: x\r\n"
    async with wired(tmp_path, saying(HINTS.replace(b"Link", hop + b"Link", 1) + OK)) as wire:
        assert (await wire.get()).startswith(FORWARDED)


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("is_reused", [False, True], ids=["fresh", "reused"])
async def test_an_upstream_that_leaves_after_103_is_a_502_and_is_not_asked_again(
    tmp_path: Path, method: str, end: str, *, is_reused: bool
) -> None:
    asked: list[bytes] = []
    told = asyncio.Event()

    async def script(peer: Peer) -> None:
        if is_reused:
            await peer.head()
            await peer.say(OK)
        asked.append(await peer.head())
        await peer.say(HINTS)
        await told.wait()
        if end == "reset":
            peer.reset()

    async with wired(tmp_path, script) as wire, connected(wire) as client:
        if is_reused:
            client.ask("/first")
            assert await client.answer() == [200]
        client.writer.write(GET.format("/a").replace("GET", method).encode())
        assert await client.head() == FORWARDED
        told.set()
        head = await client.head()
        assert status(head) == 502
        assert b"Connection: close" not in head
        assert len(asked) == 1


async def test_a_stale_answer_may_follow_103(tmp_path: Path) -> None:
    kept = OK.replace(b"Content-Length", b"Cache-Control: max-age=0, stale-if-error=60\r\nContent-Length")

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(kept if peer.number == 0 else HINTS)

    async with wired(tmp_path, script) as wire:
        assert statuses(await wire.get()) == [200]
        answer = await wire.get()
        assert statuses(answer) == [103, 200]
        assert b"X-Cache: STALE" in answer


@pytest.mark.parametrize("kept", [b"", b"Connection: keep-alive\r\n"])
async def test_http10_knows_no_interim_responses(tmp_path: Path, kept: bytes) -> None:
    async with wired(tmp_path, saying(CONTINUE + PROCESSING + HINTS + OK)) as wire, connected(wire) as client:
        client.writer.write(b"GET /a HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\n" + kept + b"\r\n")
        assert await client.answer() == [200]


async def test_of_two_clients_with_one_fetch_the_first_hears_of_it(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with wired(tmp_path, gated(HINTS, gate)) as wire, connected(wire) as leader:
        leader.ask()
        assert await leader.head() == FORWARDED
        follower = asyncio.ensure_future(wire.get())
        third = asyncio.ensure_future(wire.get("/other"))  # comes behind it: it has been waiting when this one is told
        while len(wire.seen) < 2:
            await asyncio.sleep(0.01)
        gate.set()
        assert await leader.answer() == [200]
        answer = await follower
        assert statuses(answer) == [200]
        assert b"X-Cache: COALESCED" in answer
        assert statuses(await third) == [103, 200]


async def test_nobody_hears_of_it_once_the_first_has_left(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with wired(tmp_path, gated(HINTS, gate, HINTS + OK)) as wire:
        async with connected(wire) as leader:
            leader.ask()
            assert await leader.head() == FORWARDED
        follower = asyncio.ensure_future(wire.get())
        third = asyncio.ensure_future(wire.get("/other"))
        while len(wire.seen) < 2:
            await asyncio.sleep(0.01)
        gate.set()
        assert statuses(await follower) == [200]
        await third
        assert len(wire.seen) == 2


async def test_they_are_not_stored(tmp_path: Path) -> None:
    async with wired(tmp_path, saying(HINTS + OK)) as wire:
        await wire.get()
        hit = await wire.get()
        assert (statuses(hit), b"X-Cache: HIT" in hit, b"Link" in hit) == ([200], True, False)


async def test_101_that_nobody_asked_for_is_a_502(tmp_path: Path) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    for n, before in enumerate((b"", HINTS)):
        async with wired(tmp_path / str(n), saying(before + switch + b"hello")) as wire, connected(wire) as client:
            client.ask()
            if before:
                assert await client.head() == FORWARDED
            assert status(await client.head()) == 502


async def test_103_before_a_switch_of_protocols(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
        await peer.say(HINTS + switch)
        await peer.say(await peer.reader.readexactly(5))

    async with wired(tmp_path, script) as wire, connected(wire) as client:
        client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        assert await client.head() == FORWARDED
        assert status(await client.head()) == 101
        client.writer.write(b"hello")
        assert await client.reader.readexactly(5) == b"hello"


async def test_a_client_that_does_not_read_holds_no_fetch_up(tmp_path: Path) -> None:
    large = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 60_000 + b"\r\n\r\n"
    loop = asyncio.get_running_loop()
    async with wired(tmp_path, saying(large * 60 + OK)) as wire:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.setblocking(False)
            await loop.sock_connect(deaf, wire.address)
            await loop.sock_sendall(deaf, GET.format("/a").encode())
            while not wire.seen:
                await asyncio.sleep(0.01)
            assert status(await wire.get()) == 200
            assert len(wire.seen) == 1


async def test_what_is_too_much_is_dropped_and_the_answer_is_whole(tmp_path: Path) -> None:
    large = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 20_000 + b"\r\n\r\n"
    async with wired(tmp_path, saying(large * 10 + OK)) as wire:
        answer = await wire.get()
        assert statuses(answer) == [103, 103, 103, 200]
        assert answer.endswith(b"\r\n\r\n{}")


async def test_an_upstream_that_never_comes_to_the_point_is_a_502(tmp_path: Path) -> None:
    async with wired(tmp_path, saying(PROCESSING * 65 + OK)) as wire:
        answer = await wire.get()
        assert statuses(answer) == [102] * 64 + [502]
        assert b'"code": "protocol"' in answer


async def test_nothing_comes_between_a_head_and_its_content() -> None:
    """Whoever told of interim responses and goes on when the answer has begun is not heard."""
    hint = ResponseHead(103, Fields([("Link", "</a>")]), "Early Hints")
    tell: list[OnInterim] = []
    gate = asyncio.Event()

    async def handle(_request: RequestHead, _body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
        assert on_interim is not None
        on_interim(hint)
        tell.append(on_interim)
        return answer(Pieces(b"a", gate, b"b"), fields=(("Content-Length", "2"),))

    listener = Listener(ServerSettings(), Hooks(handle, lambda _: None, lambda *_: None, SystemClock()))
    await listener.start("127.0.0.1", 0)
    wire = Wire()
    wire.address = listener.addresses[0]
    async with connected(wire) as client:
        client.ask()
        assert [status(await client.head()) for _ in range(2)] == [103, 200]
        assert await client.reader.readexactly(1) == b"a"
        tell[0](hint)
        gate.set()
        assert await client.reader.readexactly(1) == b"b"
        tell[0](hint)
        client.writer.write_eof()
        assert await client.reader.read() == b""
    await listener.drain(1)
