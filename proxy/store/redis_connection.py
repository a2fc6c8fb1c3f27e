"""One connection to Redis on which every reply is accounted for. Never reconnects by itself, retries nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Protocol, cast

import hiredis
from redis._parsers import _AsyncHiredisParser
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from proxy.store.redis_address import Place, RedisAddress

FOREIGN: Final = (RedisError, hiredis.HiredisError, OSError, EOFError, ValueError, MemoryError, RuntimeError)
"""All that redis-py, hiredis, the operating system and the event loop (RuntimeError: uvloop's, for writing to what was
reset) raise for a Redis that is gone, wrong or talking nonsense."""

_READ_SIZE: Final = 65_536
_LONG: Final = 65_536
"""Bytes of commands that count as being sent until all is answered: what is written may lie in a buffer, here or in the
kernel, for long."""


def _drop_push(response: object) -> None:
    """Hear nothing."""


class OversizedReplyError(RedisConnectionError):
    """A reply went over its bound; the rest of it was not read."""


class BoundedParser(_AsyncHiredisParser):
    """redis-py's hiredis parser, which gives up on a reply at ``limit`` bytes instead of taking whatever comes.

    Touches private names of redis-py (pinned, and held by a contract test).
    """

    def __init__(self, socket_read_size: int, limit: int) -> None:
        super().__init__(socket_read_size=socket_read_size)
        self.pubsub_push_handler_func = _drop_push  # RESP2 pushes nothing, and a parser that holds itself is garbage
        self._limit = limit
        self._received = 0

    async def read_response(self, disable_decoding: bool = False, push_request: bool = False) -> Any:
        """The next reply."""
        self._received = 0
        return await super().read_response(disable_decoding=disable_decoding, push_request=push_request)

    async def can_read(self) -> bool:
        """Whether something has come, or the connection has ended: by a reset as well, for which redis-py does not
        look."""
        stream: asyncio.StreamReader | None = self._stream
        return (stream is not None and stream.exception() is not None) or await super().can_read()

    async def read_from_socket(self) -> bool:
        """Feed the reader with what has arrived."""
        stream: asyncio.StreamReader | None = self._stream
        reader: hiredis.Reader | None = self._reader
        data = await stream.read(self._read_size) if stream else b""
        if not data or reader is None:
            raise RedisConnectionError("closed by Redis")
        self._received += len(data)
        if self._received > self._limit:
            raise OversizedReplyError(f"a reply of more than {self._limit} bytes")
        reader.feed(data)
        return True


class Whereabouts(Protocol):
    """Knows which node is to be asked at present, where that can change."""

    @property
    def place(self) -> Place | None:
        """The node, as it was found last."""
        ...

    async def find(self) -> tuple[Place, RedisAddress]:
        """The node, and how to connect to it. Raises one of FOREIGN."""
        ...

    async def check(self, connection: "RedisConnection") -> None:
        """Whether a connection has come to the right one. Raises one of FOREIGN where it has not."""
        ...


class RedisConnection:
    """A link that knows how many replies Redis still owes it: with any unread it is never used again."""

    __slots__ = ("_connect_timeout", "_link", "_max_reply", "_owed", "_place", "_where", "is_sending")

    def __init__(
        self, address: RedisAddress, connect_timeout: float, max_reply: int, where: Whereabouts | None = None
    ) -> None:
        """``where``: who knows the node to connect to, if ``address`` does not say."""
        self._owed = 0
        self.is_sending = False
        self._connect_timeout = connect_timeout
        self._max_reply = max_reply
        self._where = where
        self._link = self._linked(address)

    def _linked(self, address: RedisAddress) -> AbstractConnection:
        # RESP2: what we send needs no handshake, so a plain connection costs no round trip before the first command.
        return address.kind(
            **{
                "socket_timeout": None,
                "socket_connect_timeout": self._connect_timeout,
                "socket_read_size": _READ_SIZE,
                "protocol": 2,
                "driver_info": None,
                "parser_class": partial(BoundedParser, limit=self._max_reply),
                **address.options,
            }
        )

    async def open(self) -> None:
        """Connect and authenticate, once. Raises one of FOREIGN."""
        if self._where is not None:
            self._place, address = await self._where.find()
            self._link = self._linked(address)
        connect: Callable[[], Awaitable[None]] = self._link.connect
        await connect()
        if self._where is not None:
            await self._where.check(self)

    async def exchange(self, commands: bytes, replies: int) -> list[Any]:
        """Send packed commands and read exactly that many replies; an error reply is an element, not raised.

        Raises one of FOREIGN, and then (as when cancelled) the connection owes replies: settle it or close it.
        """
        if not self._link.is_connected:
            raise RedisConnectionError("closed by Redis")
        self._owed += replies
        self.is_sending = True
        await self._link.send_packed_command(commands, check_health=False)
        self.is_sending = len(commands) > _LONG
        answers = [await self._next() for _ in range(replies)]
        self.is_sending = False
        return answers

    async def say(self, commands: bytes) -> None:
        """Send, on a connection that is subscribed: replies come among the messages. Raises one of FOREIGN."""
        await self._link.send_packed_command(commands, check_health=False)

    async def receive(self) -> Any:
        """The next thing that comes on a connection that is subscribed. Raises one of FOREIGN. May be cancelled: what
        has come in part stays for the next call."""
        try:
            return await self._link.read_response(disconnect_on_error=False)
        except ResponseError as error:
            return error

    async def settle(self) -> None:
        """Read and forget what is still owed, after the one who asked has left. Raises one of FOREIGN."""
        while self._owed:
            await self._next()

    @property
    def is_current(self) -> bool:
        """Whether this is still the node to ask."""
        return self._where is None or self._where.place == self._place

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.Transport | None:
        """Have somebody else speak on it until it is closed, while nothing is owed; None: that is not possible.

        Touches a private name of redis-py (pinned, and held by a contract test).
        """
        writer = getattr(self._link, "_writer", None)
        if self._owed or not isinstance(writer, asyncio.StreamWriter):
            return None
        self._owed = 1  # nobody else may use it
        writer.transport.set_protocol(protocol)
        return cast("asyncio.Transport", writer.transport)

    async def is_reusable(self) -> bool:
        """Whether nothing is owed, nothing unasked-for has come, and the other side is still there."""
        if self._owed or not self._link.is_connected or not self.is_current:
            return False
        try:
            return not await self._link.can_read()
        except FOREIGN:
            return False

    async def close(self, wait: bool = False) -> None:
        """Let go. Never raises; ``wait`` also for the transport's end."""
        self._owed = 1
        try:
            await self._link.disconnect(nowait=not wait)
        except FOREIGN:
            return

    async def _next(self) -> Any:
        try:
            reply = await self._link.read_response(disconnect_on_error=False)
        except ResponseError as error:
            reply = error
        self._owed -= 1
        return reply
