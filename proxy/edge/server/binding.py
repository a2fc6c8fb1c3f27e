"""Sockets that are bound and listen, for this process or for workers that inherit them. Accepts nothing."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

BACKLOG = 1024
"""Connections the kernel holds until they are accepted."""


async def bind(host: str, port: int, *, backlog: int = BACKLOG, reuse_port: bool = False) -> list[socket.socket]:
    """A listening socket for every address of ``host``. Raises OSError that names the place, with nothing bound."""
    loop = asyncio.get_running_loop()
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as undo, named(host, port):
        infos = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(infos):
            sock = undo.enter_context(socket.socket(family, kind, protocol))
            _prepare(sock, reuse_port=reuse_port)
            sock.bind((address[0], port, *address[2:]))
            port = port or sock.getsockname()[1]
            sockets.append(sock)
        for sock in sockets:
            sock.listen(backlog)
        undo.pop_all()
    return sockets


@contextlib.contextmanager
def named(host: str, port: int) -> Iterator[None]:
    """Let an OSError say where it could not be listened."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _prepare(sock: socket.socket, *, reuse_port: bool) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
