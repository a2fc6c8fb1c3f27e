"""From a host's name to a connected socket, trying its addresses side by side (RFC 8305). Knows no TLS and no HTTP.

Not left to the event loop: cancelled at the wrong moment asyncio's own race forgets to close its winner, and uvloop has
no race at all.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Final

NEXT_ADDRESS_AFTER: Final = 0.25
"""Seconds before another address is tried beside those that have not answered (RFC 8305 §5)."""

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def dial(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket. Raises OSError; UnicodeError where ``host`` cannot be a name."""
    addresses = await _resolve(host, port)
    if len(addresses) == 1:
        return await _connect(addresses[0])
    return await race(addresses)


async def _resolve(host: str, port: int) -> Sequence[Address]:
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [(socket.AF_INET if literal.version == 4 else socket.AF_INET6, (host, port))]  # noqa: PLR2004
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return alternating([(family, address) for family, _, _, _, address in found])


def alternating(addresses: Sequence[Address]) -> list[Address]:
    """One of the first's family, one of the other, and so on (RFC 8305 §4); at least one address."""
    first = [address for address in addresses if address[0] is addresses[0][0]]
    other = [address for address in addresses if address[0] is not addresses[0][0]]
    return [address for address in chain.from_iterable(zip_longest(first, other)) if address is not None]


async def _connect(address: Address) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # streams without deadline notice a dead host
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def race(addresses: Sequence[Address]) -> socket.socket:
    """The first that connects wins. Raises the first address's OSError when all have failed."""
    loop = asyncio.get_running_loop()
    left = list(reversed(addresses))
    attempts: list[asyncio.Task[socket.socket]] = []
    winner: asyncio.Task[socket.socket] | None = None
    try:
        while winner is None:
            running = [attempt for attempt in attempts if not attempt.done()]
            if left:
                attempts.append(loop.create_task(_connect(left.pop())))
                running.append(attempts[-1])
            elif not running:
                return attempts[0].result()
            await asyncio.wait(
                running, timeout=NEXT_ADDRESS_AFTER if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            winner = next((attempt for attempt in attempts if _succeeded(attempt)), None)
        return winner.result()
    finally:
        for attempt in attempts:
            if attempt is not winner:
                attempt.cancel()
                attempt.add_done_callback(_discard)


def _succeeded(attempt: "asyncio.Task[socket.socket]") -> bool:
    return attempt.done() and not attempt.cancelled() and attempt.exception() is None


def _discard(attempt: "asyncio.Task[socket.socket]") -> None:
    if _succeeded(attempt):
        attempt.result().close()
