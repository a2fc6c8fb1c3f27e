"""Hears what is published on a channel, over one connection that stays subscribed; Redis itself publishes there which
names were changed, where it is asked to. Promises nothing: whoever waits for a message looks for himself now and then,
and is told to whenever some may have been missed.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any, Final

from redis.exceptions import ResponseError

from proxy.store.lasting import lasting
from proxy.store.redis_connection import FOREIGN, RedisConnection
from proxy.store.redis_question import pack
from proxy.store.redis_transaction import no_answer, sound

_LOG: Final = logging.getLogger("tambo.store")
_SILENCE: Final = 1.0
"""Seconds without a word after which the other side is asked for one."""
_PAUSE: Final = 0.5
"""Seconds between two attempts to connect, and up to half as many more."""
_MESSAGE_PARTS: Final = 3
INVALIDATIONS: Final = b"__redis__:invalidate"
"""The channel on which Redis tells of changes (server-assisted client-side caching)."""

Hears = Callable[[bytes], None]
"""Gets a message; an empty one where some may have been missed. Never raises, never waits."""


class RedisMessages:
    """One channel's messages for everyone in this process, and those of a second one that is its own."""

    def __init__(
        self,
        dial: Callable[[], RedisConnection],
        channel: bytes,
        connect_timeout: float,
        *,
        changes_below: bytes | None = None,
    ) -> None:
        """``changes_below``: be told of every name with this prefix that anybody changes; for INVALIDATIONS."""
        self.channel: Final = channel
        self._channels = [channel]
        self._changes_below = changes_below
        self._is_refused = False
        self._dial = dial
        self._connect_timeout = connect_timeout
        self._ears: list[Hears] = []
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False

    def listen(self, hears: Hears) -> None:
        """Tell ``hears`` of every message from now on."""
        self._ears.append(hears)

    def listen_to(self, channel: bytes) -> None:
        """Hear what is published on another channel too. Before ``open``."""
        self._channels.append(channel)

    def open(self) -> None:
        """Begin to listen, and keep at it."""
        self._task = lasting(self._run, "messages from Redis")

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
            except ResponseError as error:
                self._refused(error)
            except (*FOREIGN, TimeoutError) as error:
                _LOG.debug("the channel of messages broke: %s", error)
            finally:
                self.is_connected = False
                await connection.close()
            await asyncio.sleep(_PAUSE * (1 + random.random() / 2))  # noqa: S311 - spreads load, protects nothing

    async def _subscribe(self, connection: RedisConnection) -> None:
        async with asyncio.timeout(self._connect_timeout):
            await connection.open()
            if self._changes_below is not None:
                (own,) = await connection.exchange(pack([(b"CLIENT", b"ID")]), 1)
                track = (b"CLIENT", b"TRACKING", b"ON", b"REDIRECT", sound(own), b"BCAST", b"PREFIX")
                (reply,) = await connection.exchange(pack([(*track, self._changes_below)]), 1)
                sound(reply)
            replies = await connection.exchange(pack([(b"SUBSCRIBE", *self._channels)]), len(self._channels))
        no_answer(replies)
        self.is_connected, self._is_refused = True, False
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
        sound(push)
        if not isinstance(push, list) or len(push) != _MESSAGE_PARTS or push[0] != b"message":
            return
        said = push[2] or b""  # nothing instead of names: everything was changed
        for message in said if isinstance(said, list) else (said,):
            self._tell(message)

    def _refused(self, error: ResponseError) -> None:
        if not self._is_refused:
            _LOG.warning("Redis does not let us listen to %s: %s", self.channel.decode(errors="replace"), error)
        self._is_refused = True

    def _tell(self, message: bytes) -> None:
        for hears in self._ears:
            hears(message)
