"""A request's content as the ports want it."""

import asyncio
from collections.abc import AsyncIterator


class Content:
    """Yields ``pieces``; waits for ``gate`` before the last one, and raises ``error`` behind it."""

    def __init__(
        self,
        *pieces: bytes,
        length: int | None,
        gate: asyncio.Event | None = None,
        error: BaseException | None = None,
    ) -> None:
        self._pieces = pieces
        self._gate = gate
        self._error = error
        self.length = length
        self.read = 0
        """Pieces that were read."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, piece in enumerate(self._pieces, 1):
            if number == len(self._pieces) and self._gate is not None:
                await self._gate.wait()
            self.read += 1
            yield piece
        if self._error is not None:
            raise self._error
