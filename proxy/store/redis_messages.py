"""Hears what is published on one channel, over one connection that stays subscribed. Promises nothing: whoever waits
for a message looks for himself now and then, and is told to whenever some may have been missed.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any, Final

from proxy.store.redis_client import pack
from proxy.store.redis_connection import FOREIGN, RedisConnection

_LOG: Final = logging.getLogger("tambo.store")
_SILENCE: Final = 1.0
"""Seconds without a word after which the other side is asked for one."""
_PAUSE: Final = 0.5
"""Seconds between two attempts to connect, and up to half as many more."""
_MESSAGE_PARTS: Final = 3

Hears = Callable[[bytes], None]
"""Gets a message; an empty one where some may have been missed. Never raises, never waits."""


class RedisMessages:
    """One channel's messages for everyone in this process."""

    def __init__(self, dial: Callable[[], RedisConnection], channel: bytes, connect_timeout: float) -> None:
        self.channel: Final = channel
        self._dial = dial
        self._connect_timeout = connect_timeout
        self._ears: list[Hears] = []
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False

    def listen(self, hears: Hears) -> None:
        """Tell ``hears`` of every message from now on."""
        self._ears.append(hears)

    def open(self) -> None:
        """Begin to listen, and keep at it."""
        self._task = asyncio.create_task(self._run())  # noqa: TID251 - owned: close() ends it

    async def close(self) -> None:
        """Hear nothing more. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            connection = self._dial()
            try:
                await self._subscribe(connection)
                await self._hear(connection)
            except (*FOREIGN, TimeoutError) as error:
                _LOG.debug("the channel of messages broke: %s", error)
            finally:
                self.is_connected = False
                await connection.close()
            await asyncio.sleep(_PAUSE * (1 + random.random() / 2))  # noqa: S311 - spreads load, protects nothing

    async def _subscribe(self, connection: RedisConnection) -> None:
        async with asyncio.timeout(self._connect_timeout):
            await connection.open()
            (reply,) = await connection.exchange(pack([(b"SUBSCRIBE", self.channel)]), 1)
        if isinstance(reply, Exception):
            raise reply
        self.is_connected = True
        self._tell(b"")

    async def _hear(self, connection: RedisConnection) -> None:
        while True:
            try:
                async with asyncio.timeout(_SILENCE):
                    self._take(await connection.receive())
            except TimeoutError:
                async with asyncio.timeout(self._connect_timeout):
                    await connection.say(pack([(b"PING",)]))
                    self._take(await connection.receive())

    def _take(self, push: Any) -> None:
        if isinstance(push, Exception):
            raise push
        if isinstance(push, list) and len(push) == _MESSAGE_PARTS and push[0] == b"message" and push[2]:
            self._tell(push[2])

    def _tell(self, message: bytes) -> None:
        for hears in self._ears:
            hears(message)
