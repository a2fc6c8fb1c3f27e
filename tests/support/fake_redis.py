"""A Redis inside this process (fakeredis) behind the real client, for tests of what is stored and how it is named."""

from fakeredis import FakeServer
from fakeredis.aioredis import FakeAsyncRedisConnection, FakeRedis

from proxy.clock import Clock, SystemClock
from proxy.store.redis_address import RedisAddress
from proxy.store.redis_store import Bounds, RedisStore


def an_address(server: FakeServer) -> RedisAddress:
    """Where a RedisStore finds ``server``."""
    return RedisAddress(FakeAsyncRedisConnection, {"server": server}, "fake")


def a_redis_store(server: FakeServer, bounds: Bounds | None = None, clock: Clock | None = None) -> RedisStore:
    """A store over ``server``, not opened yet."""
    return RedisStore(an_address(server), clock or SystemClock(), bounds=bounds)


def a_client(server: FakeServer) -> FakeRedis:
    """Someone else at the same Redis."""
    return FakeRedis(server=server)
