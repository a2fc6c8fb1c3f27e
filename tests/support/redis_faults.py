"""A TCP proxy in front of a real redis-server that misbehaves on demand: ways for Redis to be wrong, a word each.

It understands requests and replies, so that a fault can be in the meaning (another key's value) as well as in bytes.
"""

import asyncio
import contextlib
import socket
import struct
from typing import Any

import hiredis

ERRORS = {
    "loading": "LOADING Redis is loading the dataset in memory",
    "moved": "MOVED 3999 127.0.0.1:6381",
    "ask": "ASK 3999 127.0.0.1:6381",
    "tryagain": "TRYAGAIN Multiple keys request during rehashing of slot",
    "clusterdown": "CLUSTERDOWN The cluster is down",
    "masterdown": "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "busy": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "noauth": "NOAUTH Authentication required.",
    "maxclients": "ERR max number of clients reached",
    "unheard": "STRANGE something no Redis says",
}
WRITE_ERRORS = {
    "oom": "OOM command not allowed when used memory > 'maxmemory'.",
    "readonly": "READONLY You can't write against a read only replica.",
    "misconf": "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
}
WIRE = ("refuse", "reset", "drop", "hang", "slow", "drip", "garbage", "endless", "cut")
"""Faults of the line."""
VALUES = ("truncate", "flip", "empty", "huge", "wrongtype", "swap", "shift", "other_shape")
"""Faults of what replies say."""
_RAW = {
    "garbage": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "endless": b"*4294967295\r\n",
    "other_shape": b":7\r\n",
}
_HUGE = 64 * 1024 * 1024
_CHUNK = b"x" * 65_536
_READS = {b"HGETALL", b"XREVRANGE", b"XRANGE", b"EXISTS", b"HRANDFIELD"}


class FaultyRedis:
    """Listens on ``port`` and passes everything on to ``backend``, as ``mode`` says."""

    def __init__(self, backend: int) -> None:
        self._backend = backend
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.mode = "pass"
        self.swap_with = b""
        """The hash that ``swap`` answers with, whichever was asked for."""
        self._ended = asyncio.Event()
        self.accepted = 0
        self.open_most = 0

    @property
    def url(self) -> str:
        """What REDIS_URL would say."""
        return f"redis://127.0.0.1:{self.port}"

    async def set(self, mode: str) -> None:
        """Change what goes wrong. Connections that stand are kept, but for ``refuse``, which also stops listening."""
        self.mode = mode
        if mode == "refuse":
            await self._unlisten()
            self.cut_all()
        elif self._server is None:
            await self._listen()

    def cut_all(self) -> None:
        """Reset every connection."""
        for link in self._links:
            link.transport.abort()

    async def __aenter__(self) -> "FaultyRedis":
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        await self._unlisten()
        self.cut_all()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _unlisten(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._links.add(writer)
        self.open_most = max(self.open_most, len(self._links))
        try:
            if self.mode == "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        finally:
            self._links.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._backend)
        requests, replies = hiredis.Reader(), hiredis.Reader(notEnoughData=_MORE)
        previous: Any = b"+PONG"
        try:
            while data := await reader.read(65_536):
                requests.feed(data)
                while (command := requests.gets()) is not False:
                    if self.mode == "swap" and command[0] == b"HGETALL" and self.swap_with:
                        command[1] = self.swap_with
                    back_writer.write(_packed(command))
                    reply = await _reply(back_reader, replies)
                    said, previous = (previous, reply) if self.mode == "shift" else (reply, reply)
                    await self._say(writer, command[0], said)
                    if writer.is_closing():
                        return
        finally:
            back_writer.close()

    async def _say(self, writer: asyncio.StreamWriter, verb: bytes, reply: Any) -> None:
        if self.mode == "huge" and verb == b"HGETALL":
            await _say_much(writer)
            return
        line = self._wire(verb, reply)
        match self.mode:
            case "drop":
                writer.close()
            case "hang":
                await self._ended.wait()
            case "slow":
                await asyncio.sleep(0.5)
                writer.write(line)
            case "drip":
                for at in range(len(line)):
                    writer.write(line[at : at + 1])
                    await asyncio.sleep(0.02)
            case "cut":
                writer.write(line[: len(line) // 2])
                await writer.drain()
                writer.close()
            case _:
                writer.write(line)
                await writer.drain()

    def _wire(self, verb: bytes, reply: Any) -> bytes:
        if error := ERRORS.get(self.mode) or (verb not in _READS and WRITE_ERRORS.get(self.mode)):
            return b"-" + error.encode() + b"\r\n"
        if self.mode in _RAW:
            return _RAW[self.mode]
        return _hash(reply, self.mode) if verb == b"HGETALL" else _bulk(reply)


_MORE = object()


def _hash(reply: list[bytes], mode: str) -> bytes:
    match mode:
        case "wrongtype":
            return b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        case "truncate" | "flip" | "empty":
            return _bulk([_spoilt(part, mode) if at % 2 else part for at, part in enumerate(reply)])
        case _:
            return _bulk(reply)


def _spoilt(value: bytes, mode: str) -> bytes:
    if mode == "truncate":
        return value[: len(value) // 2]
    if mode == "empty":
        return b""
    at = len(value) * 2 // 3
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


async def _say_much(writer: asyncio.StreamWriter) -> None:
    writer.write(b"*2\r\n$1\r\n-\r\n$%d\r\n" % _HUGE)
    for _ in range(_HUGE // len(_CHUNK)):
        writer.write(_CHUNK)
        await writer.drain()
    writer.write(b"\r\n")


async def _reply(reader: asyncio.StreamReader, parser: hiredis.Reader) -> Any:
    while (reply := parser.gets()) is _MORE:
        data = await reader.read(65_536)
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        parser.feed(data)
    return reply


def _packed(command: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)


def _bulk(reply: Any) -> bytes:
    """A reply as it goes on the wire. (A status comes back from the parser as bytes, like a value.)"""
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, hiredis.ReplyError):
        return b"-%s\r\n" % str(reply).encode()
    if isinstance(reply, list):
        return b"*%d\r\n" % len(reply) + b"".join(map(_bulk, reply))
    return b"$%d\r\n%s\r\n" % (len(reply), reply)
