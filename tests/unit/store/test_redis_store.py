"""What RedisStore writes and reads: layout, bounds, time to live."""

from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeServer
from fakeredis.aioredis import FakeRedis

from proxy.errors import StoreUnavailable
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.store.codec import encode
from proxy.store.redis_log import BEGINNING
from proxy.store.redis_store import Bounds, RedisStore
from tests.support.builders import a_key, a_stored
from tests.support.fake_redis import a_client, a_redis_store

KEY = a_key("/a")
NAME = b"tambo:1:/a"
SOFT = Purge(PurgeKind.URL, "/a", PurgeMode.SOFT)


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def redis(server: FakeServer) -> AsyncIterator[FakeRedis]:
    client = a_client(server)
    yield client
    await client.aclose()


@pytest.fixture
async def store(server: FakeServer) -> AsyncIterator[RedisStore]:
    opened = a_redis_store(server, Bounds(variants=3, body=1_000))
    await opened.open()
    yield opened
    await opened.close()


def selecting(language: str) -> tuple[tuple[str, str | None], ...]:
    return (("accept-language", language),)


async def test_variants_of_a_key_are_one_hash_beside_the_log(store: RedisStore, redis: FakeRedis) -> None:
    position = (await store.get(KEY)).position
    both = [a_stored(secondary_key=selecting(language), position=position) for language in ("es", "qu")]
    for stored in both:
        await store.put(KEY, stored, 60)
    assert sorted(await redis.keys()) == [NAME, b"tambo:purges:1"]
    assert await redis.hlen(NAME) == 2
    found = await store.get(KEY)
    assert sorted(found.variants, key=lambda stored: stored.secondary_key) == both
    assert found.position == position


async def test_the_same_variant_is_replaced(store: RedisStore) -> None:
    for body in (b"1", b"2"):
        await store.put(KEY, a_stored(body), 60)
    assert [stored.body for stored in (await store.get(KEY)).variants] == [b"2"]


async def test_a_look_up_is_two_commands_whatever_there_is(store: RedisStore) -> None:
    await store.get(KEY)
    before = store.stats.operations.total()
    for language in "abc":
        await store.put(KEY, a_stored(secondary_key=selecting(language)), 60)
        await store.get(KEY)
    assert store.stats.operations["get", "hit"] == 3
    assert store.stats.operations.total() - before == 6, "one question for each put and each get"


async def test_everything_has_a_time_to_live_and_the_latest_counts(store: RedisStore, redis: FakeRedis) -> None:
    await store.get(KEY)
    await store.log_purge(SOFT)
    await store.put(KEY, a_stored(secondary_key=selecting("long")), 7_200.5)
    await store.put(KEY, a_stored(secondary_key=selecting("short")), 1)
    for name in await redis.keys():
        assert 7_190_000 < await redis.pttl(name) <= 7_200_500, name


async def test_no_time_to_live_is_longer_than_ten_years_or_none(store: RedisStore, redis: FakeRedis) -> None:
    for keep in (1e300, 9.0):
        await store.put(a_key(f"/{keep}"), a_stored(), keep)
    for name in await redis.keys():
        assert 0 < await redis.pttl(name) <= 10 * 366 * 86_400_000


async def test_variants_are_bounded_and_the_newest_stays(store: RedisStore, redis: FakeRedis) -> None:
    await store.get(KEY)
    for number in range(10):
        await store.put(KEY, a_stored(str(number).encode(), secondary_key=selecting(str(number))), 60)
        await store.client.settled()
        assert str(number).encode() in {stored.body for stored in (await store.get(KEY)).variants}
    assert await redis.hlen(NAME) == 3
    assert store.stats.evictions == 7


async def test_a_body_over_the_bound_is_not_kept_nor_what_it_replaces(store: RedisStore) -> None:
    await store.put(KEY, a_stored(b"old"), 60)
    await store.put(KEY, a_stored(b"x" * 1_001), 60)
    await store.client.settled()
    await store.put(KEY, a_stored(b"other", secondary_key=selecting("es")), 60)
    assert [stored.body for stored in (await store.get(KEY)).variants] == [b"other"]
    assert store.stats.operations["put", "too_large"] == 1


async def test_what_cannot_be_written_is_unavailable(store: RedisStore) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.put(KEY, a_stored(route="\ud800"), 60)
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.put(KEY, a_stored(position=2**70), 60)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "magic"),
        (b"\x80\x04pickle", "magic"),
        (b"TMBO\x00" + b"0" * 40, "version"),
        (b"TMBO\x63" + b"0" * 40, "version"),
        (encode(KEY, a_stored())[:-1], "length"),
        (encode(KEY, a_stored())[:-1] + b"!", "checksum"),
    ],
)
async def test_a_bad_value_is_missing_counted_and_removed_and_the_others_stay(
    value: bytes, reason: str, store: RedisStore, redis: FakeRedis
) -> None:
    await store.get(KEY)
    await store.put(KEY, a_stored(), 60)
    await redis.hset(NAME, "other", value)
    assert len((await store.get(KEY)).variants) == 1
    assert {bad.value: count for bad, count in store.stats.bad_entries.items()} == {reason: 1}
    await store.client.settled()
    assert await redis.hkeys(NAME) == [b"-"]


async def test_another_keys_value_closes_the_connection_and_is_unavailable(store: RedisStore, redis: FakeRedis) -> None:
    await store.get(KEY)
    await redis.hset(NAME, "-", encode(a_key("/b"), a_stored()))
    with pytest.raises(StoreUnavailable, match="another key"):
        await store.get(KEY)
    assert {bad.value: count for bad, count in store.stats.bad_entries.items()} == {"key": 1}


async def test_another_type_under_our_name_is_a_miss_and_makes_way(store: RedisStore, redis: FakeRedis) -> None:
    await store.get(KEY)
    await redis.set(NAME, "x")
    assert (await store.get(KEY)).variants == []
    await redis.set(NAME, "x")
    await store.put(KEY, a_stored(), 60)
    assert len((await store.get(KEY)).variants) == 1
    await redis.set(NAME, "x")
    assert await store.remove(KEY) == 0
    assert not await redis.exists(NAME)


async def test_remove_counts_exactly(store: RedisStore) -> None:
    for language in "ab":
        await store.put(KEY, a_stored(secondary_key=selecting(language)), 60)
    assert [await store.remove(KEY), await store.remove(KEY)] == [2, 0]
    assert (await store.get(KEY)).variants == []


async def test_what_was_stored_under_a_lost_log_is_not_vouched_for(store: RedisStore, redis: FakeRedis) -> None:
    before = (await store.get(KEY)).position
    await store.put(KEY, a_stored(position=before), 60)
    await redis.delete("tambo:purges:1")
    found = await store.get(KEY)
    assert found.variants == ()
    assert found.position > before
    (lost,) = await store.purges_after(before)
    assert (lost.purge, lost.position) == (BEGINNING, found.position)


async def test_a_closed_store_is_unavailable(store: RedisStore) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.get(KEY)
