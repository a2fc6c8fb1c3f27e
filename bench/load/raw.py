"""The ceiling: an event loop that answers whatever comes with the same bytes. Usage: python raw.py PORT"""

import asyncio
import sys
from typing import cast

import uvloop

_BODY = b'{"constant":"' + b"x" * 2070 + b'"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sat, 28 Nov 2026 12:00:00 GMT\r\n"
    b'Cache-Control: max-age=3600\r\nETag: "v1"\r\nVia: 1.1 tambo\r\nAge: 10\r\n'
    b"Cache-Status: tambo; hit; ttl=3590\r\nX-Cache: HIT\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY


class Constant(asyncio.Protocol):
    """Reads nothing of what it is asked."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = cast("asyncio.Transport", transport).write

    def data_received(self, data: bytes) -> None:
        self.write(ANSWER)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
