"""Nothing that serves a client is left to the collection of garbage: it is gone when its connection is."""

import asyncio
import gc
from collections import Counter
from pathlib import Path

from tests.support.raw_origin import Peer
from tests.support.wired import Wire, wired

HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n"
    b"Cache-Control: %b\r\nContent-Length: 2\r\n\r\n{}"
)


async def origin(peer: Peer) -> None:
    while True:
        path = (await peer.head()).split(b" ")[1]
        await peer.say(HEAD % (b"no-store" if path == b"/private" else b"max-age=60"))


async def a_client(wire: Wire, number: int) -> None:
    """A miss, hits, a stream, and a goodbye."""
    reader, writer = await asyncio.open_connection(*wire.address)
    for target in (f"/{number}", f"/{number}", f"/{number}", "/private"):
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
    writer.write(b"GET / HTTP/1.1\r\nHost:")
    writer.close()
    await writer.wait_closed()


def ours() -> Counter[str]:
    """Objects of the listener and the exchange that are alive, by type."""
    named = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    return Counter(
        {name: count for name, count in named.items() if name.startswith(("proxy.edge.", "proxy.exchange."))}
    )


async def settled(before: Counter[str]) -> Counter[str]:
    """What is left of clients that have gone, once the event loop has had its turns."""
    left = ours() - before
    for _ in range(200):
        if not left:
            break
        await asyncio.sleep(0.01)
        left = ours() - before
    return left


async def test_a_client_leaves_nothing_behind(tmp_path: Path) -> None:
    async with wired(tmp_path, origin) as wire:
        for number in range(5):
            await a_client(wire, number)
        gc.collect()
        await asyncio.sleep(0.05)
        gc.collect()
        before = ours()
        gc.disable()
        try:
            for number in range(20):
                await a_client(wire, number % 5)
            assert await settled(before) == {}
        finally:
            gc.enable()
