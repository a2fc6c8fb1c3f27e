"""HEAD requests over kept connections: wrk waits for content that never comes. Prints what wrk's scripts print.

Usage: python heads.py PORT SECONDS CONNECTIONS URLS PREFIX
"""

import asyncio
import json
import sys
import time
from typing import cast

import uvloop


class Head(asyncio.Protocol):
    """Asks again as soon as it is answered."""

    answered = 0
    errors = 0

    def __init__(self, requests: list[bytes], at: int) -> None:
        self._requests = requests
        self._at = at
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._data.endswith(b"\r\n\r\n"):
            Head.answered += 1
            Head.errors += not self._data.startswith(b"HTTP/1.1 200 ")
            self._ask()

    def _ask(self) -> None:
        self._data = b""
        self._at = (self._at + 1) % len(self._requests)
        self._write(self._requests[self._at])


async def main() -> None:
    port, seconds, connections, urls = map(int, sys.argv[1:5])
    requests = [b"HEAD %b%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % (sys.argv[5].encode(), k + 1) for k in range(urls)]
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    for number in range(connections):
        await loop.create_connection(lambda at=number * 17: Head(requests, at % urls), "127.0.0.1", port)
    await asyncio.sleep(seconds)
    spent = round((time.monotonic() - began) * 1e6)
    told = {"requests": Head.answered, "microseconds": spent, "p50": 0.0, "p99": 0.0, "errors": Head.errors}
    print("RESULT " + json.dumps(told))


if __name__ == "__main__":
    uvloop.run(main())
