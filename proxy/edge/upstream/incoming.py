"""Bytes that came from the upstream and were not yet read by whoever asked. Knows no HTTP."""

import asyncio
from collections import deque
from typing import Final, Protocol, Self

from proxy.errors import afresh

HIGH: Final = 256 * 1024
"""Unread bytes at which the connection is not read any further."""
LOW: Final = 64 * 1024
"""Unread bytes at which it is read again."""
_PER_PIECE: Final = 64
"""What a piece costs beside its bytes, so that a million pieces of one byte are bounded too."""


class Source(Protocol):
    """The connection that bytes come from."""

    def resume(self) -> None:
        """Read on."""
        ...

    def give_up(self) -> None:
        """Nobody wants the rest: close."""
        ...


class Incoming:
    """A response's content, or what comes through a tunnel: read once, piece by piece, by one reader.

    Let go of by its source as soon as all has come, so that a slow reader does not occupy a connection.
    """

    __slots__ = ("_ended", "_error", "_pieces", "_reader", "_source", "size")

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self._pieces: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._ended = source is None
        self._error: BaseException | None = None
        self.size = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should be read from the connection for now."""
        return self.size >= HIGH

    def put(self, piece: bytes) -> None:
        """More came."""
        if not self._ended:
            self._pieces.append(piece)
            self.size += len(piece) + _PER_PIECE
            self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """No more will come; ``error`` says that it is not all there should be. The first call counts."""
        if not self._ended:
            self._ended = True
            self._error = None if error is None else afresh(error)
            self._source = None
            self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise afresh(self._error)
            if self._ended:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        piece = self._pieces.popleft()
        self.size -= len(piece) + _PER_PIECE
        if self._source is not None and self.size <= LOW:
            self._source.resume()
        return piece

    async def aclose(self) -> None:
        """Give up what was not read; idempotent. Closes the connection when more would come."""
        self._pieces.clear()
        self.size = 0
        source = self._source
        self.end()
        if source is not None:
            source.give_up()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
