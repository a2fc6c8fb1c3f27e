"""One connection: replies are counted, and one that owes any is not used again."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop
from redis.exceptions import RedisError, ResponseError

from proxy.store.redis_address import parse_address
from proxy.store.redis_connection import FOREIGN, OversizedReplyError, RedisConnection
from tests.support.canned_redis import CannedRedis

ASK = b"*1\r\n$1\r\nA\r\n"


@pytest.fixture
async def server() -> AsyncIterator[CannedRedis]:
    async with CannedRedis() as running:
        yield running


@pytest.fixture
async def connection(server: CannedRedis) -> AsyncIterator[RedisConnection]:
    opened = RedisConnection(parse_address(server.url), 1, 2_000)
    await opened.open()
    yield opened
    await opened.close(wait=True)


async def test_replies_come_in_order_and_errors_are_among_them(
    server: CannedRedis, connection: RedisConnection
) -> None:
    server.replies = [b":1\r\n", b"-ERR no\r\n", b"*2\r\n$1\r\na\r\n$-1\r\n"]
    one, error, many = await connection.exchange(ASK * 3, 3)
    assert (one, many) == (1, [b"a", None])
    assert isinstance(error, ResponseError)
    assert await connection.is_reusable()


async def test_a_connection_that_is_owed_a_reply_is_reusable_only_once_it_is_settled(
    server: CannedRedis, connection: RedisConnection
) -> None:
    server.replies = [b":1\r\n", None]
    asking = asyncio.ensure_future(connection.exchange(ASK * 2, 2))
    await server.asked.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert not await connection.is_reusable()
    server.released.set()
    await connection.settle()
    assert await connection.is_reusable()
    server.replies = [b":7\r\n"]
    assert await connection.exchange(ASK, 1) == [7]


async def test_a_reply_too_many_makes_it_unusable(server: CannedRedis, connection: RedisConnection) -> None:
    server.replies = [b":1\r\n:2\r\n"]
    assert await connection.exchange(ASK, 1) == [1]
    assert not await connection.is_reusable()


@pytest.mark.parametrize("reply", [b"nonsense\r\n", b"*4294967295\r\n", b"*-7\r\n", b"*1\r\n" * 2_000, b"-LOADING\r\n"])
async def test_nonsense_is_one_of_the_known_errors(
    reply: bytes, server: CannedRedis, connection: RedisConnection
) -> None:
    server.replies = [reply]
    with pytest.raises(FOREIGN):
        await connection.exchange(ASK, 1)
    assert not await connection.is_reusable()


async def test_a_reply_is_bounded_each_by_itself(server: CannedRedis, connection: RedisConnection) -> None:
    server.replies += [b"$900\r\n" + b"x" * 900 + b"\r\n"] * 5 + [b"$4000\r\n" + b"x" * 4000 + b"\r\n"]
    for _ in range(5):
        await connection.exchange(ASK, 1)
    with pytest.raises(OversizedReplyError):
        await connection.exchange(ASK, 1)


async def test_a_closed_connection_does_not_open_itself_again(server: CannedRedis, connection: RedisConnection) -> None:
    await connection.close()
    assert not await connection.is_reusable()
    with pytest.raises(RedisError):
        await connection.exchange(ASK, 1)
    assert server.accepted == 1


async def _reset_meanwhile() -> None:
    """A Redis that is killed resets its connections: the loop knows before whoever holds one of them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        connection = RedisConnection(parse_address(f"redis://127.0.0.1:{listening.getsockname()[1]}"), 1, 2_000)
        await connection.open()
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        assert await connection.is_reusable()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        async with asyncio.timeout(5):
            while await connection.is_reusable():
                await asyncio.sleep(0.001)
        with pytest.raises(FOREIGN):
            await connection.exchange(ASK, 1)
        await connection.close()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_that_was_reset_is_not_reusable_and_fails_in_foreign_words(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_reset_meanwhile())
