"""As many small requests as a process can ask and answer: an origin and clients that do next to nothing for each one;
and what a process takes of memory meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

END = b"\r\n\r\n"
BODY = b'{"razonSocial":"EMPRESA DE EJEMPLO S.A.C.","estado":"ACTIVO","condicion":"HABIDO"}'.ljust(200)


class FloodOrigin(asyncio.Protocol):
    """Answers each GET with the same 200 bytes of JSON, good for an hour; ``fields`` says more in its head."""

    def __init__(self, fields: bytes, asked: list[int]) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=3600\r\n"
        self._answer = b"%s%sContent-Length: %d\r\n\r\n%s" % (head, fields, len(BODY), BODY)
        self._asked = asked
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. Requests have no content here."""
        whole = (self._left + data).split(END)
        self._left = whole.pop()
        self._asked[0] += len(whole)
        self._transport.write(self._answer * len(whole))


@asynccontextmanager
async def flood_origin(fields: bytes = b"") -> AsyncIterator[tuple[str, list[int]]]:
    """Its URL while it is up, and a list of one number: how many requests came."""
    asked = [0]
    server = await asyncio.get_running_loop().create_server(lambda: FloodOrigin(fields, asked), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@dataclass(eq=False)
class _Client(asyncio.Protocol):
    heads: Iterator[bytes]
    statuses: Counter[bytes]
    left: bytes = b""
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self.left += data
        head, end, body = self.left.partition(END)
        if not end:
            return
        _, _, length = head.lower().partition(b"content-length: ")
        if len(body) >= int(length.partition(b"\r\n")[0]):
            self.statuses[head[9:12]] += 1
            self.left = b""
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.statuses[b"cut"] += 1
            self.done.set_result(None)

    def _next(self) -> None:
        head = next(self.heads, None)
        if head is not None:
            self.transport.write(head)
        elif not self.done.done():
            self.done.set_result(None)
            self.transport.close()


async def flood(port: int, heads: Iterator[bytes], clients: int = 16) -> Counter[bytes]:
    """Send each of these requests over so many connections, one after the other on each; the statuses that came."""
    statuses: Counter[bytes] = Counter()
    loop = asyncio.get_running_loop()
    each = [
        (await loop.create_connection(lambda: _Client(heads, statuses), "127.0.0.1", port))[1] for _ in range(clients)
    ]
    await asyncio.gather(*(one.done for one in each))
    return statuses


def get(target: str, fields: str = "") -> bytes:
    """A GET's head; ``fields`` end in CRLF."""
    return f"GET {target} HTTP/1.1\r\nHost: tambo.test\r\n{fields}\r\n".encode()


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")
