"""Trying an origin's addresses, on loopback."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from proxy.edge.upstream.dial import NEXT_ADDRESS_AFTER, Address, alternating, dial, race

V4 = socket.AF_INET
V6 = socket.AF_INET6


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """Neither accepts nor refuses: its queue is full."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        clients = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(sock.getsockname())
            clients.append(client)
        yield sock
        for client in clients:
            client.close()


def closed_port() -> tuple[str, int]:
    """Refuses connections."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        name: tuple[str, int] = sock.getsockname()
        return name


def addresses(*names: tuple[str, int]) -> list[Address]:
    """As a resolver finds them."""
    return [(V4, name) for name in names]


@pytest.mark.parametrize(
    ("families", "order"),
    [([V4], [0]), ([V6, V6, V4, V4], [0, 2, 1, 3]), ([V4, V4, V4, V6], [0, 3, 1, 2]), ([V6, V4], [0, 1])],
)
def test_families_alternate(families: list[socket.AddressFamily], order: list[int]) -> None:
    found: list[Address] = [(family, ("", number)) for number, family in enumerate(families)]
    assert [address[1][1] for address in alternating(found)] == order


async def test_a_literal_address_is_not_resolved(listener: socket.socket) -> None:
    with await dial("127.0.0.1", listener.getsockname()[1]) as sock:
        assert sock.getpeername() == listener.getsockname()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_name_is_resolved(listener: socket.socket) -> None:
    with await dial("localhost", listener.getsockname()[1]) as sock:
        assert sock.getpeername() == listener.getsockname()


async def test_one_that_refuses_gives_way_at_once(listener: socket.socket) -> None:
    async with asyncio.timeout(NEXT_ADDRESS_AFTER):
        with await race(addresses(closed_port(), listener.getsockname())) as sock:
            assert sock.getpeername() == listener.getsockname()


async def test_one_that_says_nothing_gives_way_soon(listener: socket.socket, deaf: socket.socket) -> None:
    with await race(addresses(deaf.getsockname(), listener.getsockname())) as sock:
        assert sock.getpeername() == listener.getsockname()


async def test_all_that_refuse() -> None:
    with pytest.raises(ConnectionRefusedError):
        await race(addresses(closed_port(), closed_port(), closed_port()))


async def test_cancelled_at_any_turn_it_leaves_no_socket(listener: socket.socket) -> None:
    """An unclosed socket is a ResourceWarning, and that an error."""
    for turns in range(10):
        racing = asyncio.create_task(race(addresses(*[listener.getsockname()] * 3)))
        for _ in range(turns):
            await asyncio.sleep(0)
        racing.cancel()
        result = (await asyncio.gather(racing, return_exceptions=True))[0]
        if isinstance(result, socket.socket):
            result.close()
