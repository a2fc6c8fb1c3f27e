"""Binding: every address, one port, and all or nothing."""

import socket

import pytest

from proxy.edge.server.binding import bind


async def test_a_free_port_is_the_same_for_every_address() -> None:
    sockets = await bind("localhost", 0)
    assert len({sock.getsockname()[1] for sock in sockets}) == 1
    assert all(sock.getblocking() is False for sock in sockets)
    for sock in sockets:
        sock.close()


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: .*in use"):
            await bind("127.0.0.1", port)
