"""The purge log kept in Redis: appended, read behind a position, and begun anew when it is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from fakeredis import FakeServer
from fakeredis.aioredis import FakeRedis

from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.redis_log import BEGINNING, announced
from proxy.store.redis_store import Bounds, RedisStore
from tests.support.builders import a_key
from tests.support.fake_redis import a_client, a_redis_store

LOG = "tambo:purges:1"
KEY = a_key("/a")


def a_purge(number: int) -> Purge:
    return Purge(PurgeKind.PREFIX, f"/{number}", PurgeMode.HARD)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def redis(server: FakeServer) -> AsyncIterator[FakeRedis]:
    client = a_client(server)
    yield client
    await client.aclose()


@pytest.fixture
async def stores(server: FakeServer) -> AsyncIterator[list[RedisStore]]:
    """Two replicas."""
    both = [a_redis_store(server, Bounds(purges=100)) for _ in range(2)]
    for store in both:
        await store.open()
    yield both
    for store in both:
        await store.close()


async def test_purges_come_in_order_behind_a_position_on_every_replica(stores: list[RedisStore]) -> None:
    ours, theirs = stores
    start = (await ours.get(KEY)).position
    positions = [await (ours, theirs)[number % 2].log_purge(a_purge(number)) for number in range(6)]
    assert positions == sorted(set(positions))
    assert positions[0] > start
    for store in stores:
        assert [entry.purge for entry in await store.purges_after(start)] == [a_purge(number) for number in range(6)]
        assert [entry.position for entry in await store.purges_after(positions[3])] == positions[4:]
        assert (await store.get(KEY)).position == positions[-1]


async def test_a_new_log_begins_once_however_many_ask(stores: list[RedisStore]) -> None:
    found = await asyncio.gather(*(stores[0].get(a_key(f"/{number}")) for number in range(20)))
    assert len({look_up.position for look_up in found}) == 1
    assert [entry.purge for entry in await stores[0].purges_after(0)] == [BEGINNING]


async def test_the_first_thing_logged_may_be_a_purge(stores: list[RedisStore]) -> None:
    position = await stores[0].log_purge(a_purge(1))
    purges = await stores[1].purges_after(0)
    assert [entry.purge for entry in purges] == [BEGINNING, a_purge(1)]
    assert purges[-1].position == position


async def flush(redis: FakeRedis) -> None:
    await redis.flushall()


async def delete(redis: FakeRedis) -> None:
    await redis.delete(LOG)


async def put_a_string_there(redis: FakeRedis) -> None:
    await redis.set(LOG, "x")


async def fall_back(redis: FakeRedis) -> None:
    """As after a failover to a replica that had not heard of the last purge."""
    entries: Any = await redis.xrange(LOG)
    await redis.delete(LOG)
    for stream_id, fields in entries[:-1]:
        await redis.xadd(LOG, fields, id=stream_id)


@pytest.mark.parametrize("lose", [flush, delete, put_a_string_there, fall_back])
@pytest.mark.parametrize("first", ["get", "purge", "purges_after"])
async def test_a_lost_log_is_itself_a_purge_of_everything(
    first: str, lose: Callable[[FakeRedis], Awaitable[None]], stores: list[RedisStore], redis: FakeRedis
) -> None:
    ours, theirs = stores
    await ours.log_purge(a_purge(1))
    known = await ours.log_purge(a_purge(2))
    assert (await theirs.get(KEY)).position == known
    await lose(redis)
    match first:
        case "get":
            assert (await ours.get(KEY)).position > known
        case "purge":
            assert await ours.log_purge(a_purge(3)) > known
        case _:
            await ours.get(KEY)
    for store in stores:
        assert (await store.get(KEY)).position > known
        assert (await store.purges_after(known))[0].purge == BEGINNING


async def test_a_clock_set_back_does_not_bring_old_positions_back(stores: list[RedisStore], redis: FakeRedis) -> None:
    await stores[0].get(KEY)
    ahead = 8_000_000_000_000  # milliseconds: the year 2223
    await redis.xadd(LOG, {"kind": "url", "mode": "soft", "argument": "/a"}, id=f"{ahead}-0")
    known = (await stores[0].get(KEY)).position
    await redis.delete(LOG)
    begun = (await stores[0].get(KEY)).position
    assert begun > known
    assert await stores[0].log_purge(a_purge(1)) > begun


async def test_what_was_trimmed_is_a_purge_of_everything_before_it(stores: list[RedisStore], redis: FakeRedis) -> None:
    start = (await stores[0].get(KEY)).position
    for number in range(350):
        await stores[0].log_purge(a_purge(number))
    kept = await redis.xlen(LOG)
    assert kept <= 200
    purges = await stores[1].purges_after(start)
    assert purges[0].purge == BEGINNING
    assert start < purges[0].position < purges[1].position
    assert [entry.purge for entry in purges[1:]] == [a_purge(number) for number in range(350 - kept, 350)]


async def test_a_long_log_is_read_in_pages(server: FakeServer) -> None:
    store = a_redis_store(server)
    await store.open()
    start = (await store.get(KEY)).position
    redis = a_client(server)
    async with redis.pipeline(transaction=False) as pipeline:
        for number in range(4_500):
            await pipeline.xadd(LOG, {"kind": "url", "mode": "soft", "argument": f"/{number}"})
        await pipeline.execute()
    purges = await store.purges_after(start)
    assert [entry.purge.argument for entry in purges] == [f"/{number}" for number in range(4_500)]
    await redis.aclose()
    await store.close()


class AWaiter:
    """Hears what was appended here."""

    channel = b"tambo:wake:1:me"

    def __init__(self) -> None:
        self.heard: list[tuple[int, Any]] = []

    def logged(self, position: int, said: Any) -> None:
        self.heard.append((position, said))


@pytest.mark.parametrize("argument", ["/a", "/ñ\r\n\0", ""])
async def test_who_purges_tells_everyone_all_of_it_and_hears_who_is_there(
    argument: str, stores: list[RedisStore], redis: FakeRedis
) -> None:
    waiter = stores[0].purges.waiter = AWaiter()
    before = await stores[1].log_purge(a_purge(1))
    await redis.zadd("tambo:replicas:1:{tambo:purges:1}", {"ended|5": 1, "one|7": 9e15})
    async with redis.pubsub() as listening:
        await listening.subscribe("tambo:wake:1")
        purge = Purge(PurgeKind.TAG, argument, PurgeMode.SOFT)
        position = await stores[0].log_purge(purge, "somebody")
        message: Any = None
        async with asyncio.timeout(10):
            while message is None or message["type"] != "message":
                message = await listening.get_message(timeout=1)
    told = announced(message["data"])
    assert told is not None
    assert (told.waiter, told.before, told.logged.position) == (waiter.channel, before, position)
    assert (told.logged.purge, told.logged.by) == (purge, "somebody")
    assert waiter.heard == [(position, [b"one|7"])]
