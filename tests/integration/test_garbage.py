"""Nothing that serves a client is left to the collection of garbage: it goes with its connection, or with its fetch."""

import asyncio
import gc
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.raw_origin import Peer
from tests.support.wired import Wire, wired

HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n"
    b"Cache-Control: %b\r\nContent-Length: %d\r\n\r\n"
)
LARGE = 2_000_000


async def origin(peer: Peer) -> None:
    """Answers by path: at once, never, whole, in part, or by hanging up."""
    while True:
        head = await peer.head()
        if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
            await peer.reader.readexactly(int(length[1]))
        path = head.split(b" ")[1]
        if path.startswith(b"/silent"):
            await peer.hang()
        elif path.startswith(b"/rude"):
            return
        elif path.startswith(b"/upgrade"):
            await peer.say(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            await peer.hang()
        control = b"no-store" if path.startswith(b"/private") else b"max-age=60"
        if path.startswith(b"/stale"):
            control = b"max-age=0, stale-while-revalidate=600"
        body = bytes(LARGE) if b"large" in path else b"{}"
        await peer.say(HEAD % (control, len(body)) + body)


class Client:
    """Says things, and leaves when it likes."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_connection(*self._wire.address)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def say(self, target: str, rest: str = "", method: str = "GET") -> None:
        """Send a head, and what comes after its first lines."""
        self.writer.write(f"{method} {target} HTTP/1.1\r\nHost: x\r\n{rest}\r\n".encode())

    async def hear(self) -> bytes:
        """An answer's head; its content where that is short."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int((re.search(rb"Content-Length: (\d+)", head) or [b"", b"0"])[1])
        if length < 1000:
            await self.reader.readexactly(length)
        return head

    async def ask(self, target: str, status: int = 200, method: str = "GET", rest: str = "") -> None:
        """Both."""
        self.say(target, rest, method)
        assert b" %d " % status in await self.hear()


async def plain(wire: Wire, number: int) -> None:
    """A miss, hits, a stream, and a goodbye in the middle of a head."""
    async with Client(wire) as client:
        for target in (f"/{number}", f"/{number}", f"/{number}", "/private"):
            await client.ask(target)
        client.writer.write(b"GET / HTTP/1.1\r\nHost:")
        await client.writer.drain()


async def leaves_a_fetch(wire: Wire, number: int) -> None:
    """Its fetch goes on for the store until Tambo gives it up."""
    async with Client(wire) as client:
        client.say(f"/silent/{number}")
        await _heard(wire, b"/silent/%d" % number)


async def leaves_a_passed_request(wire: Wire, number: int) -> None:
    """Nobody else wants this one: it is cancelled."""
    async with Client(wire) as client:
        client.say(f"/silent/post/{number}", method="POST")
        await _heard(wire, b"/silent/post/%d" % number)


async def joins_and_leaves(wire: Wire, number: int) -> None:
    """Two wait for one fetch, and neither waits to its end."""
    async with Client(wire) as first, Client(wire) as second:
        first.say(f"/silent/two/{number}")
        await _heard(wire, b"/silent/two/%d" % number)
        second.say(f"/silent/two/{number}")
        await asyncio.sleep(0.01)


async def leaves_half_read(wire: Wire, number: int) -> None:
    """A stored body, or one that is being fetched or passed on."""
    for target in ("/large", f"/large/{number}", "/private/large"):
        async with Client(wire) as client:
            await client.ask(target)
            await client.reader.readexactly(1000)


async def leaves_half_said(wire: Wire, number: int) -> None:
    """Announces content and does not bring it."""
    async with Client(wire) as client:
        client.say(f"/{number}", "Content-Length: 100\r\n", method="POST")
        client.writer.write(b"x" * 10)
        await _heard(wire, b"POST /%d " % number)


async def errors(wire: Wire, number: int) -> None:
    """Of the client's making, of the upstream's, and none at all."""
    async with Client(wire) as client:
        await client.ask(f"/rude/{number}", 502)
        await client.ask(f"/only/{number}", 504, rest="Cache-Control: only-if-cached\r\n")
        client.say("/", "Bad Header: x\r\n")
        assert b" 400 " in await client.hear()


async def refreshes(wire: Wire, number: int) -> None:
    """Stale answers, each refreshed behind."""
    async with Client(wire) as client:
        for _ in range(3):
            await client.ask(f"/stale/{number % 3}")


async def tunnels(wire: Wire, number: int) -> None:
    """A connection that is HTTP's no more, and ends."""
    async with Client(wire) as client:
        await client.ask(f"/upgrade/{number}", 101, rest="Connection: upgrade\r\nUpgrade: x\r\n")
        client.writer.write(b"hello")
        await client.writer.drain()


async def _heard(wire: Wire, said: bytes) -> None:
    """Wait until it has reached the origin."""
    async with asyncio.timeout(10):
        while not any(said in data for data in wire.seen):
            await asyncio.sleep(0.001)


def ours() -> Counter[str]:
    """Objects of the listener and the exchange that are alive, by type."""
    kinds = Counter(type(each) for each in gc.get_objects())
    return Counter(
        {
            f"{kind.__module__}.{kind.__qualname__}": count
            for kind, count in kinds.items()
            if str(kind.__module__).startswith(("proxy.edge.", "proxy.exchange.", "proxy.store.redis"))
        }
    )


async def settled(before: Counter[str]) -> Counter[str]:
    """What is left of clients that have gone, once the event loop has had its turns and every fetch its time."""
    left = ours() - before
    for _ in range(30):
        if not left:
            break
        await asyncio.sleep(0.1)
        left = ours() - before
    return left


@pytest.mark.parametrize(
    "play",
    [
        *(plain, leaves_a_fetch, leaves_a_passed_request, joins_and_leaves, leaves_half_read, leaves_half_said),
        *(errors, refreshes, tunnels),
    ],
)
async def test_a_client_leaves_nothing_behind(tmp_path: Path, play: Callable[[Wire, int], Awaitable[None]]) -> None:
    waits = ("upstream.timeout.total", "1s"), ("upstream.timeout.first_byte", "500ms")
    async with wired(tmp_path, origin, *waits) as wire:
        for number in range(5):
            await play(wire, number)
        await asyncio.sleep(1)  # what was given up is over
        gc.collect()
        before = ours()
        gc.disable()
        wire.seen.clear()
        try:
            for number in range(5, 25):
                await play(wire, number)
            assert await settled(before) == {}
        finally:
            gc.enable()


async def test_a_redis_that_is_away_leaves_nothing_behind(tmp_path: Path) -> None:
    async with wired(tmp_path, origin, REDIS_URL="redis://127.0.0.1:1") as wire:
        for number in range(5):
            await plain(wire, number)
        await asyncio.sleep(0.5)
        gc.collect()
        before = ours()
        gc.disable()
        try:
            for number in range(5, 25):
                await plain(wire, number)
                await asyncio.sleep(0.1)  # it tries to connect now and then
            assert await settled(before) == {}
        finally:
            gc.enable()
