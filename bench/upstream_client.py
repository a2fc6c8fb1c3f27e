"""CPU per request of Tambo's upstream client beside aiohttp's ClientSession, on the same loopback origin.

Run: ``python bench/upstream_client.py [--rounds 7] [--requests 10000] [--concurrency 64]``. The origin is a process of
its own and pinned to another core where there is one; only this process's CPU time counts. Rounds are interleaved, so
that what else the machine does hits both alike; the ratio is the median of the rounds' ratios.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
from yarl import URL

from proxy.edge.upstream import Origin, UpstreamClient, UpstreamSettings
from proxy.exchange.ports import UpstreamRequest
from proxy.policy.messages import Fields

BODY: Final = b'{"a":"' + b"x" * 2038 + b'"}'
RESPONSE: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nCache-Control: no-store\r\n"
    b"Date: Tue, 05 Mar 2024 10:00:00 GMT\r\nServer: bench\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY
FIELDS: Final = [
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip"),
    ("User-Agent", "bench/1.0"),
    ("X-Request-Id", "6f1c7c6e-9f0f-4b0e-8f5b-0c6f3a4d9b11"),
    ("Via", "1.1 tambo"),
]

Ask = Callable[[int], Awaitable[int]]
"""Asks for the n-th target; returns the content's length."""


class _Origin(asyncio.Protocol):
    """Answers every head with the same bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.seen = b""

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while (end := self.seen.find(b"\r\n\r\n")) >= 0:
            self.seen = self.seen[end + 4 :]
            self.transport.write(RESPONSE)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Origin, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _load(ask: Ask, requests: int, concurrency: int) -> tuple[float, float]:
    """CPU microseconds per request, and requests per second."""
    numbers = iter(range(requests))

    async def worker() -> None:
        for number in numbers:
            assert await ask(number) == len(BODY)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return cpu / requests * 1e6, requests / wall


async def _ours(url: str, requests: int, concurrency: int) -> tuple[float, float]:
    client = UpstreamClient(UpstreamSettings(Origin.from_url(url)))

    async def ask(number: int) -> int:
        answer = await client.send(UpstreamRequest("GET", f"/item/{number}?a=b", None, Fields(FIELDS)))
        return sum([len(piece) async for piece in answer.body])

    try:
        await _load(ask, concurrency * 4, concurrency)  # connections are opened here
        return await _load(ask, requests, concurrency)
    finally:
        await client.aclose()


async def _aiohttp(url: str, requests: int, concurrency: int) -> tuple[float, float]:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_read=60),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type", "Accept"),
    )

    async def ask(number: int) -> int:
        target = URL(f"{url}/item/{number}?a=b", encoded=True)
        async with session.get(target, headers=FIELDS, allow_redirects=False) as response:
            return sum([len(piece) async for piece in response.content.iter_any()])

    async with session:
        await _load(ask, concurrency * 4, concurrency)
        return await _load(ask, requests, concurrency)


def _report(name: str, rounds: list[tuple[float, float]]) -> None:
    cpu = [each[0] for each in rounds]
    print(
        f"{name:<8} {statistics.median(cpu):7.1f} us CPU per request ({min(cpu):.1f} .. {max(cpu):.1f}), "
        f"{statistics.median(each[1] for each in rounds):8.0f} requests/s"
    )


def main() -> None:
    """Start the origin, run the rounds, print the ratio."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--concurrency", type=int, default=64)
    options.add_argument("--serve", action="store_true", help="be the origin")
    given = options.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if given.serve:
        os.sched_setaffinity(0, {cores[-1]})
        asyncio.run(_serve())
        return
    origin = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(0, {cores[0]})
    try:
        assert origin.stdout is not None
        url = f"http://127.0.0.1:{origin.stdout.readline().strip()}"
        ours, theirs = [], []
        for _ in range(given.rounds):
            ours.append(asyncio.run(_ours(url, given.requests, given.concurrency)))
            theirs.append(asyncio.run(_aiohttp(url, given.requests, given.concurrency)))
    finally:
        origin.terminate()
        origin.wait()
    _report("own", ours)
    _report("aiohttp", theirs)
    ratios = [b[0] / a[0] for a, b in zip(ours, theirs, strict=True)]
    print(f"aiohttp / own: {statistics.median(ratios):.2f} ({min(ratios):.2f} .. {max(ratios):.2f}) by CPU")


if __name__ == "__main__":
    main()
