"""A transport in memory: what is written is kept, and the test says what comes."""

import asyncio
from typing import Any

from proxy.edge.upstream.connection import Connection


class FakeTransport(asyncio.Transport):
    """The client's side of a connection, without a socket."""

    def __init__(self) -> None:
        super().__init__({"socket": None})
        self.written = b""
        self.unsent = 0
        """Bytes that the kernel has not taken."""
        self.is_reading_paused = False
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True


class RecordingOwner:
    """Hears what a connection tells its owner."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def free(self, connection: Connection) -> None:
        """It is free."""
        self.heard.append("free")

    def detach(self, connection: Connection) -> None:
        """It is one client's."""
        self.heard.append("detached")

    def gone(self, connection: Connection) -> None:
        """It is closed."""
        self.heard.append("gone")


class Line:
    """A connection over a fake transport."""

    def __init__(self) -> None:
        self.buffer = bytearray(1024 * 1024)
        self.transport = FakeTransport()
        self.owner = RecordingOwner()
        self.connection = Connection(memoryview(self.buffer))
        self.connection.connection_made(self.transport)
        self.connection.adopt(self.owner)

    def comes(self, *pieces: bytes) -> None:
        """These bytes arrive, each piece by itself; what the buffer held is overwritten, as it is in earnest."""
        for piece in pieces:
            if piece and not self.transport.is_closed:
                self.buffer[: len(piece)] = piece
                self.connection.buffer_updated(len(piece))
                self.buffer[: len(piece)] = b"\xee" * len(piece)

    def ends(self) -> None:
        """The origin closes its side."""
        if not self.transport.is_closed:
            self.connection.eof_received()
            self.transport.is_closed = True
        self.connection.connection_lost(None)
