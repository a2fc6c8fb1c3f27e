"""A worker's connection to the hub: says words, hears words, comes back when it is lost. Knows not what they mean."""

import asyncio
import logging
import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final, cast

from msgspec import Struct

from proxy.store.hub.words import (
    Busy,
    FromHub,
    FromWorker,
    GarbledError,
    Given,
    Hello,
    Known,
    Lone,
    Reader,
    frame,
    from_hub,
)
from proxy.store.lasting import lasting

LOG: Final = logging.getLogger("tambo.hub")

Answer = Given | Busy | Lone | Known
"""Words that answer a question; they carry its number."""
_PAUSE: Final = 0.1
"""Seconds between two attempts to connect, and up to half as many more."""
_MOST_ASKED: Final = 100_000
_MOST_UNSENT: Final = 8 * 1024 * 1024
"""Bytes that may wait for a hub that does not read: then the connection is given up."""


class _Asked(Struct, frozen=True):
    answer: "asyncio.Future[Answer]"
    hears: Callable[[Answer], None] | None


class HubClient:
    """One connection for everything that a worker shares. Opened first, closed last."""

    def __init__(self, path: Path, name: str) -> None:
        """``name``: what purgers call this process."""
        self._path = path
        self.name: Final = name
        self._transport: asyncio.WriteTransport | None = None
        self._ears: dict[type[Any], Callable[[Any], None]] = {}
        self._on_connect: list[Callable[[], None]] = []
        self._on_loss: list[Callable[[], None]] = []
        self._asked: dict[int, _Asked] = {}
        self._numbers = count(1)
        self._lost = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether what is said now reaches the hub."""
        return self._transport is not None

    def on(self, kind: type[Any], hears: Callable[[Any], None]) -> None:
        """Tell ``hears`` of every word of a kind. It must not raise or wait."""
        self._ears[kind] = hears

    def on_connect(self, act: Callable[[], None]) -> None:
        """Do something each time there is a connection (again): the hub knows nothing of this process then."""
        self._on_connect.append(act)

    def on_loss(self, act: Callable[[], None]) -> None:
        """Do something each time the connection is lost: what was held is somebody else's to take now."""
        self._on_loss.append(act)

    def open(self) -> None:
        """Begin to connect, and keep at it."""
        self._connecting = lasting(self._keep_connected, "line to the hub")

    async def close(self) -> None:
        """Say nothing more. Idempotent."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
            self._connecting = None
        if self._transport is not None:
            self._transport.close()
            self.lost()

    def say(self, word: FromWorker) -> None:
        """Send a word; nobody hears it without a connection."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(word))
            if self._transport.get_write_buffer_size() > _MOST_UNSENT:
                LOG.warning("the hub does not read; the connection is given up")
                self._transport.abort()

    def ask(
        self, make: Callable[[int], FromWorker], hears: Callable[[Answer], None] | None = None
    ) -> "asyncio.Future[Answer] | None":
        """Send a question, made from its number; its answer, or a ConnectionError where the connection is lost before.
        None: there is nobody to ask. Who gives up waiting shields it, where the answer must not get lost.

        ``hears`` is told of the answer before any later word is: whoever awaits it runs after those. As in ``on``.
        """
        if self._transport is None or len(self._asked) >= _MOST_ASKED:
            return None
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = _Asked(answer, hears)
        answer.add_done_callback(lambda _: self._asked.pop(number, None))
        self.say(make(number))
        return answer

    # For the connection ------------------------------------------------------------------------------------------

    def connected(self, transport: asyncio.WriteTransport) -> None:
        """There is a connection."""
        self._transport = transport
        self.say(Hello(self.name))
        for act in self._on_connect:
            act()

    def lost(self) -> None:
        """There is none any more."""
        if self._transport is None:
            return
        self._transport = None
        for asked in tuple(self._asked.values()):
            if not asked.answer.done():
                asked.answer.set_exception(ConnectionError("the hub is gone"))
                asked.answer.exception()  # seen: whoever waits for it is told, whoever left need not be
        for act in self._on_loss:
            act()
        self._lost.set()

    def heard(self, word: FromHub) -> None:
        """The hub said something."""
        if isinstance(word, Answer):
            asked = self._asked.get(word.ask)
            if asked is not None and not asked.answer.done():
                if asked.hears is not None:
                    asked.hears(word)
                asked.answer.set_result(word)
        elif (hears := self._ears.get(type(word))) is not None:
            hears(word)

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._lost.clear()
            try:
                await loop.create_unix_connection(lambda: _Line(self), str(self._path))
            except OSError:
                await asyncio.sleep(_PAUSE * (1 + random.random() / 2))  # noqa: S311 - spreads load, protects nothing
                continue
            await self._lost.wait()


class _Line(asyncio.Protocol):
    def __init__(self, client: HubClient) -> None:
        self._client = client
        self._reader = Reader()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by its class
        self._client.connected(self._transport)

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._reader.feed(data):
                self._client.heard(from_hub(body))
        except GarbledError:
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lost()
