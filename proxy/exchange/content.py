"""A request's content held in memory, where it is part of the key and may be sent more than once. Decides nothing."""

from collections.abc import AsyncIterator
from typing import Final

from proxy.exchange.ports import RequestBody

MOST_HELD: Final = 64 * 1024
"""Bytes of content that may be part of a key; a request with more is passed through."""


class HeldContent:
    """Content that can be read any number of times."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @property
    def length(self) -> int | None:
        """In bytes."""
        return len(self.data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.data:
            yield self.data


class ResumedContent:
    """Content of which the beginning was read already. Read once."""

    def __init__(self, begun: bytes, rest: AsyncIterator[bytes], length: int | None) -> None:
        self._begun = begun
        self._rest = rest
        self._length = length

    @property
    def length(self) -> int | None:
        """As it was announced."""
        return self._length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._begun
        async for piece in self._rest:
            yield piece


async def held(body: RequestBody | None, most: int = MOST_HELD) -> HeldContent | ResumedContent:
    """Read content whole, or up to where it is more than ``most`` bytes. Raises what reading it raises."""
    if body is None:
        return HeldContent(b"")
    pieces, size, source = list[bytes](), 0, aiter(body)
    async for piece in source:
        pieces.append(piece)
        size += len(piece)
        if size > most:
            return ResumedContent(b"".join(pieces), source, body.length)
    return HeldContent(b"".join(pieces))
