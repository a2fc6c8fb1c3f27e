"""Response bodies between the upstream and the clients: grown while they are stored, or handed on. Decides nothing.

Each is its own async iterator, so that reading can be left and taken up again by somebody else.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

from proxy.errors import UpstreamError, afresh
from proxy.exchange.ports import ResponseBody


class RelayedBody:
    """The upstream's body, resumable, with bytes that were already read put back in front.

    ``release`` gives back the concurrency slot: called when the body ends, fails or is given up, or before (for a
    stream without end); calling it again does nothing.
    """

    def __init__(self, body: ResponseBody, release: Callable[[], None]) -> None:
        self._body = body
        self._chunks: AsyncIterator[bytes] = aiter(body)
        self.release = release
        self._prefix = b""

    def put_back(self, data: bytes) -> None:
        """Read these bytes again, first."""
        self._prefix = data

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._prefix:
            data, self._prefix = self._prefix, b""
            return data
        try:
            return await anext(self._chunks)
        except Exception:  # its end, or any failure: the place is free
            self.release()
            raise

    async def drop(self) -> None:
        """Give up the rest and keep the place at the upstream, to ask again."""
        await self._body.aclose()

    async def aclose(self) -> None:
        """Give up the rest; idempotent."""
        try:
            await self._body.aclose()
        finally:
            self.release()

    async def read_up_to(self, limit: int) -> tuple[bytes, bool]:
        """Read to the end, or until more than ``limit`` bytes came: the bytes, and whether that was all.

        Raises UpstreamError where the body ends before it is complete.
        """
        chunks: list[bytes] = []
        size = 0
        async for chunk in self:
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                return b"".join(chunks), False
        return b"".join(chunks), True


class CopiedBody:
    """A body that is copied on its way to its one client. ``keep`` gets the copy once the body has come to its end, and
    before the client knows; nothing of what breaks off, is given up, or is longer than ``limit`` bytes."""

    def __init__(self, body: RelayedBody, limit: int, keep: Callable[[bytes], Awaitable[None]]) -> None:
        self._body = body
        self._left = limit
        self._keep = keep
        self._copy: list[bytes] | None = []
        self.on_over: Callable[[], None] | None = None
        """Called once when nothing more will be kept."""

    def _is_over(self) -> None:
        over, self.on_over, self._copy = self.on_over, None, None
        if over is not None:
            over()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._body)
        except StopAsyncIteration:
            try:
                if self._copy is not None:
                    await self._keep(b"".join(self._copy))
            finally:
                self._is_over()
            raise
        self._left -= len(chunk)
        if self._left < 0:
            self._is_over()
        elif self._copy is not None:
            self._copy.append(chunk)
        return chunk

    async def aclose(self) -> None:
        """Give up the rest; idempotent."""
        self._is_over()
        await self._body.aclose()


class GrowingBody:
    """A body that one client reads while a fetch fills it.

    The fetch does not wait for the client while all of it may still be stored (its size is bounded by the object
    limit). Once that limit is passed the client reads the rest itself, at its own pace: nobody else wants it.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._next = 0
        self._changed = asyncio.Event()
        self._is_complete = False
        self._error: UpstreamError | None = None
        self._rest: RelayedBody | None = None
        self.is_abandoned = False

    def feed(self, chunk: bytes) -> None:
        """Append bytes; never waits."""
        if not self.is_abandoned:
            self._chunks.append(chunk)
            self._changed.set()

    def finish(self, error: UpstreamError | None = None) -> None:
        """All bytes are there; or there will be no more, and the reader raises ``error`` after what it has."""
        self._error = None if error is None else afresh(error)
        self._is_complete = True
        self._changed.set()

    async def hand_over(self, rest: RelayedBody) -> None:
        """The reader takes the rest by itself; closed at once where there is no reader any more."""
        self._rest = rest
        self._changed.set()
        if self.is_abandoned:
            await rest.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while self._next == len(self._chunks):
            if self._error is not None:
                raise afresh(self._error)
            if self._rest is not None:
                return await anext(self._rest)
            if self._is_complete:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        chunk, self._chunks[self._next] = self._chunks[self._next], b""
        self._next += 1
        return chunk

    async def aclose(self) -> None:
        """The client leaves. The fetch goes on, unless the rest was already the client's own."""
        self.is_abandoned = True
        self._next = 0
        self._chunks.clear()
        self._is_complete = self._is_complete or self._rest is None
        if self._rest is not None:
            await self._rest.aclose()
