"""Finding the primary. That it is found after a failover is shown with real ones."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from proxy.store.redis_address import parse_address
from proxy.store.redis_connection import RedisConnection
from proxy.store.redis_sentinel import Sentinels
from tests.support.canned_redis import CannedRedis

MASTER = b"*2\r\n$1\r\nh\r\n$4\r\n7000\r\n"
UNKNOWN = b"*-1\r\n"


def _sentinels(*servers: CannedRedis, timeout: float = 5.0) -> Sentinels:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return Sentinels(parse_address(f"redis+sentinel://{hosts}/main"), timeout)


async def test_the_one_that_answered_is_asked_first() -> None:
    async with CannedRedis(UNKNOWN) as ignorant, CannedRedis(MASTER, MASTER) as knowing:
        sentinels = _sentinels(ignorant, knowing)
        for _ in range(2):
            place, address = await sentinels.find()
            assert (place, sentinels.place, address.shown) == (("h", 7000), ("h", 7000), "redis://h:7000/0")
        assert (ignorant.accepted, knowing.accepted) == (1, 2)


@pytest.mark.parametrize("reply", [UNKNOWN, b"-ERR no\r\n", b":1\r\n", b"*2\r\n$1\r\nh\r\n$1\r\nx\r\n"])
async def test_nobody_knows(reply: bytes) -> None:
    async with CannedRedis(reply) as one:
        with pytest.raises(RedisConnectionError, match="no Sentinel knows the primary of 'main'"):
            await _sentinels(one).find()


@pytest.mark.parametrize(
    ("role", "is_right"),
    [(b"*1\r\n$6\r\nmaster\r\n", True), (b"*1\r\n$5\r\nslave\r\n", False), (b"*0\r\n", False), (b"+master\r\n", False)],
)
async def test_a_node_says_itself_whether_it_is_the_primary(role: bytes, is_right: bool) -> None:
    async with CannedRedis(role) as node:
        connection = RedisConnection(parse_address(node.url), 1.0, 10_000)
        await connection.open()
        try:
            await _sentinels(node).check(connection)
        except RedisConnectionError:
            assert not is_right
        else:
            assert is_right
        await connection.close()
