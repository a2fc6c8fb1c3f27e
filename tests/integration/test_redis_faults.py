"""Every way for Redis to be wrong, against a real redis-server: bounded, never a wrong body, well again by itself."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest
from msgspec.structs import replace

from proxy.clock import SystemClock
from proxy.errors import StoreUnavailable
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.store.redis_address import parse_address
from proxy.store.redis_client import RedisClient
from proxy.store.redis_names import variants_name
from proxy.store.redis_pool import RedisPool
from proxy.store.redis_question import Limits
from proxy.store.redis_store import Bounds, RedisStore
from tests.support.builders import a_key, a_stored
from tests.support.pulse import Pulse
from tests.support.redis_faults import ERRORS, VALUES, WIRE, WRITE_ERRORS, FaultyRedis
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.integration

BUDGET = 0.1
"""Twice the default: the machine that tests has more to do."""
BUSY = 30.0
"""Seconds after which a machine is not busy but something is wrong."""
TIGHT = Limits(timeout=BUDGET)
PATIENT = Limits(timeout=BUSY, command_timeout=BUSY)
"""Where it is not about time."""
PULSE = Pulse()
"""The clock: what this process is kept from by others is no fault of Redis or the store."""
SLACK = 0.2
BACK_WITHIN = 15.0
"""Far more than the two seconds that are promised: a redis-server may be kept from it for long, and its time cannot be
taken off."""
KEYS = [a_key(f"/a/{number}") for number in range(20)]
PURGE = Purge(PurgeKind.PREFIX, "/never", PurgeMode.SOFT)


def body_of(key: CacheKey) -> bytes:
    """What alone may ever be read under ``key``."""
    return (key.text * 30).encode()


@pytest.fixture(autouse=True)
async def pulse() -> AsyncIterator[None]:
    async with PULSE.beating():
        yield


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
async def faulty(server: RedisServer) -> AsyncIterator[FaultyRedis]:
    async with FaultyRedis(server.port) as proxy:
        yield proxy


def pool_of(store: RedisStore) -> RedisPool:
    """The connections to the one Redis there is."""
    assert isinstance(store.client, RedisClient)
    return store.client.pool


class OpenStore(Protocol):
    """Opens a store that is closed after the test."""

    async def __call__(self, url: str, limits: Limits = TIGHT) -> RedisStore: ...


@pytest.fixture
async def a_store() -> AsyncIterator[OpenStore]:
    async with AsyncExitStack() as closing:

        async def opened(url: str, limits: Limits = TIGHT) -> RedisStore:
            store = RedisStore(parse_address(url), SystemClock(), limits)
            closing.push_async_callback(store.close)
            await store.open()
            return store

        yield opened


@pytest.fixture
async def store(faulty: FaultyRedis, a_store: OpenStore) -> RedisStore:
    opened = await a_store(faulty.url)
    await fill(opened)
    return opened


async def fill(store: RedisStore) -> None:
    """Store every key's own body; a machine that is busy elsewhere may need a second try."""
    deadline = time.monotonic() + BUSY
    for key in KEYS:
        while True:
            try:
                position = (await store.get(key)).position
                await store.put(key, a_stored(body_of(key), target=key.target, position=position), 600)
                break
            except StoreUnavailable:
                assert time.monotonic() < deadline, "did not come back"
                await asyncio.sleep(0.02)


async def is_spare(store: RedisStore) -> None:
    """Wait until losing one connection costs nobody a wait."""
    deadline = time.monotonic() + BUSY
    while pool_of(store).live < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def look_up(store: RedisStore, key: CacheKey, budget: float = BUDGET) -> bytes | None:
    """The body under ``key``; None: a miss of either kind. Holds every look-up to its budget and its own body."""
    began = PULSE.waited()
    try:
        found = await store.get(key)
    except StoreUnavailable:
        found = None
    assert PULSE.waited() - began < budget + SLACK
    if found is None or not found.variants:
        return None
    (variant,) = found.variants
    assert variant.body == body_of(key)
    return variant.body


async def is_back(store: RedisStore) -> float:
    """Seconds until everything is stored and found again."""
    began, deadline = PULSE.waited(), time.monotonic() + BUSY
    await fill(store)
    while not all([await look_up(store, key) for key in KEYS]):
        assert time.monotonic() < deadline, "did not come back"
    return PULSE.waited() - began


async def is_found_again(store: RedisStore) -> None:
    """Wait until all that was stored is found, with nothing stored anew."""
    began, deadline = PULSE.waited(), time.monotonic() + BUSY
    while await look_up(store, KEYS[0]) is None:
        assert time.monotonic() < deadline, "did not come back"
        await asyncio.sleep(0.01)
    assert PULSE.waited() - began < BACK_WITHIN
    while not all([await look_up(store, key) for key in KEYS]):
        assert time.monotonic() < deadline, "did not come back"


@pytest.mark.parametrize("mode", [*WIRE, *VALUES, *ERRORS])
async def test_a_fault_costs_no_more_than_the_budget_gives_no_wrong_body_and_passes(
    mode: str, store: RedisStore, faulty: FaultyRedis
) -> None:
    chance = random.Random(mode)  # noqa: S311 - a test's dice
    faulty.swap_with = variants_name("tambo", KEYS[0])
    await faulty.set(mode)
    began = time.monotonic()
    while time.monotonic() - began < 0.7:
        await asyncio.gather(*(look_up(store, key) for key in chance.choices(KEYS, k=3)))
        await asyncio.sleep(0.005)
    await faulty.set("pass")
    assert await is_back(store) < BACK_WITHIN
    assert store.is_up


@pytest.mark.parametrize("mode", ["refuse", "hang", "slow", "garbage", "loading", "noauth", "cut"])
async def test_an_outage_opens_the_breaker_and_then_costs_nothing(
    mode: str, store: RedisStore, faulty: FaultyRedis
) -> None:
    await faulty.set(mode)
    deadline = time.monotonic() + BUSY
    while store.is_up:  # five failures within a second; a busy machine may need more
        await look_up(store, KEYS[0])
        assert time.monotonic() < deadline
    asked = store.stats.operations["get", "unavailable"]
    began = PULSE.waited()
    for _ in range(200):
        assert await look_up(store, KEYS[0]) is None
    assert PULSE.waited() - began < BUDGET
    assert store.stats.operations["get", "unavailable"] == asked + 200


@pytest.mark.parametrize("mode", [*WRITE_ERRORS])
async def test_reads_go_on_where_redis_cannot_write_and_a_purge_fails_loudly(
    mode: str, a_store: OpenStore, faulty: FaultyRedis
) -> None:
    store = await a_store(faulty.url, PATIENT)
    await fill(store)
    await faulty.set(mode)
    for _ in range(10):
        with pytest.raises(StoreUnavailable):
            await store.put(KEYS[0], a_stored(), 60)
        with pytest.raises(StoreUnavailable, match="refused"):
            await store.log_purge(PURGE)
        assert await look_up(store, KEYS[1], BUSY) == body_of(KEYS[1])
    assert store.is_up
    assert store.stats.operations["put", "refused"] == 10


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("truncate", "length"), ("flip", "checksum"), ("empty", "magic"), ("wrongtype", "malformed"), ("swap", "key")],
)
async def test_a_bad_value_is_a_miss_counted_by_reason_and_removed(
    mode: str, reason: str, a_store: OpenStore, faulty: FaultyRedis, server: RedisServer
) -> None:
    store = await a_store(faulty.url, PATIENT)
    await fill(store)
    faulty.swap_with = variants_name("tambo", KEYS[0])
    await faulty.set(mode)
    assert await look_up(store, KEYS[1], BUSY) is None
    assert {bad.value: count for bad, count in store.stats.bad_entries.items()} == {reason: 1}
    await faulty.set("pass")
    deadline = time.monotonic() + BUSY
    while server.command("EXISTS", variants_name("tambo", KEYS[1])) != b":0\r\n":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_huge_value_is_given_up_removed_and_keeps_nobody_else_from_redis(
    server: RedisServer, a_store: OpenStore
) -> None:
    store = await a_store(server.url, replace(PATIENT, max_reply=1024 * 1024))
    await fill(store)
    await is_spare(store)
    server.command("HSET", variants_name("tambo", KEYS[1]), "-", b"x" * 4 * 1024 * 1024)
    assert await look_up(store, KEYS[1], BUSY) is None
    assert await look_up(store, KEYS[2], BUSY / 6) == body_of(KEYS[2])
    assert store.is_up
    assert store.stats.bad_entries.total() == 1
    deadline = time.monotonic() + BUSY
    while server.command("EXISTS", variants_name("tambo", KEYS[1])) != b":0\r\n":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_thousand_cancelled_look_ups_leave_no_reply_to_the_wrong_question(
    server: RedisServer, a_store: OpenStore
) -> None:
    store = await a_store(server.url, replace(PATIENT, connections=4))  # a look-up that takes too long costs one
    await fill(store)
    chance = random.Random(7)  # noqa: S311 - a test's dice
    cancelled = 0
    while cancelled < 1_200:
        asked = [(key, asyncio.ensure_future(look_up(store, key, BUSY))) for key in chance.choices(KEYS, k=12)]
        for _ in range(chance.randrange(8)):
            await asyncio.sleep(0)
        for _, task in asked[::2]:
            cancelled += task.cancel()
        for key, task in asked[1::2]:
            assert await task in {body_of(key), None}
        await asyncio.gather(*(task for _, task in asked), return_exceptions=True)
    for key in KEYS:
        assert await look_up(store, key, BUSY) == body_of(key)
    assert pool_of(store).attempts <= 4, "a cancelled look-up does not cost its connection"


async def test_a_redis_that_flickers_is_met_with_no_storm(store: RedisStore, faulty: FaultyRedis) -> None:
    began, before = time.monotonic(), faulty.accepted
    attempts = pool_of(store).attempts
    for turn in range(6):
        await faulty.set("refuse" if turn % 2 == 0 else "pass")
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            await asyncio.gather(*(look_up(store, key) for key in KEYS))
            await asyncio.sleep(0.005)
    allowed = (time.monotonic() - began) / 0.2 + 1
    assert faulty.accepted - before <= allowed
    assert pool_of(store).attempts - attempts <= allowed
    assert faulty.open_most <= 16
    assert await is_back(store) < BACK_WITHIN


# A real redis-server, hurt for real --------------------------------------------------------------------------------


async def test_redis_that_hangs_and_goes_on(server: RedisServer, a_store: OpenStore) -> None:
    store = await a_store(server.url)
    await fill(store)
    server.pause()
    for _ in range(20):
        assert await look_up(store, KEYS[0]) is None
    assert not store.is_up
    server.go_on()
    await is_found_again(store)


async def test_what_was_dear_is_not_lost_to_a_slow_redis(server: RedisServer, a_store: OpenStore) -> None:
    """Writing may take a tenth of what the fetch took, a second at most; what cost nothing has a look-up's time."""
    store = await a_store(server.url, replace(TIGHT, command_timeout=BUSY))
    await is_spare(store)
    server.pause()
    costs = (0.0, 200.0)
    cheap, dear = (asyncio.ensure_future(store.put(a_key(f"/{cost}"), a_stored(cost=cost), 60)) for cost in costs)
    await asyncio.wait([cheap])
    server.go_on()
    await dear
    with pytest.raises(StoreUnavailable):
        await cheap
    assert (await store.get(a_key("/200.0"), patient=True)).variants


async def test_what_was_waited_for_is_read_from_a_slow_redis(server: RedisServer, a_store: OpenStore) -> None:
    """A look-up that fails costs 50 ms; reading what another has fetched must not cost that fetch once more."""
    store = await a_store(server.url, replace(TIGHT, command_timeout=BUSY))
    await fill(store)
    await is_spare(store)
    server.pause()
    quick, patient = (asyncio.ensure_future(store.get(KEYS[0], patient=patient)) for patient in (False, True))
    await asyncio.wait([quick])
    server.go_on()
    assert (await patient).variants
    with pytest.raises(StoreUnavailable):
        await quick


async def test_a_purge_waits_for_a_slow_redis_as_long_as_a_command_may(server: RedisServer, a_store: OpenStore) -> None:
    store = await a_store(server.url, replace(TIGHT, command_timeout=BUSY))
    await is_spare(store)
    server.pause()
    purging = asyncio.ensure_future(store.log_purge(PURGE))
    await asyncio.wait([purging], timeout=3 * BUDGET)  # longer than a look-up may take
    server.go_on()
    position = await purging
    assert [logged.position for logged in await store.purges_after(position - 1)] == [position]


async def test_redis_that_is_killed_and_comes_back_with_its_data(server: RedisServer, a_store: OpenStore) -> None:
    store = await a_store(server.url)
    await fill(store)
    server.kill()
    for _ in range(20):
        assert await look_up(store, KEYS[0]) is None
    with pytest.raises(StoreUnavailable):
        await store.log_purge(PURGE)
    server.start()
    await is_found_again(store)


async def test_redis_that_is_down_at_the_start_is_found_later(
    tmp_path: Path, a_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    server = RedisServer(tmp_path)
    began = PULSE.waited()
    store = await a_store(server.url)
    assert PULSE.waited() - began < 1.5
    assert not store.is_up
    with server:
        assert await is_back(store) < BACK_WITHIN
        assert store.is_up
        said = [record.getMessage() for record in caplog.records if record.name == "tambo.store"]
    out, back, *later = said  # later: a busy machine's Redis may go and come again
    assert "out of use" in out
    assert "is back" in back
    assert all(("out of use", "is back")[number % 2] in each for number, each in enumerate(later)), (
        "once per outage and once on return"
    )


async def test_an_idle_store_learns_by_itself_that_redis_went_and_came(server: RedisServer, a_store: OpenStore) -> None:
    store = await a_store(server.url)
    server.kill()
    deadline = time.monotonic() + BUSY
    while store.is_up:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    server.start()
    deadline = time.monotonic() + BUSY
    while not store.is_up:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_full_redis_is_read_and_not_written(tmp_path: Path, a_store: OpenStore) -> None:
    with RedisServer(tmp_path, "--maxmemory-policy", "noeviction") as server:
        store = await a_store(server.url, PATIENT)
        await fill(store)
        server.command("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="OOM"):
            await store.put(KEYS[0], a_stored(), 600)
        with pytest.raises(StoreUnavailable, match="OOM"):
            await store.log_purge(PURGE)
        assert await look_up(store, KEYS[0], BUSY) == body_of(KEYS[0])
        assert store.is_up


async def test_a_replica_is_read_and_not_written(server: RedisServer, a_store: OpenStore) -> None:
    store = await a_store(server.url, PATIENT)
    await fill(store)
    server.command("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreUnavailable, match="READONLY"):
        await store.log_purge(PURGE)
    assert await look_up(store, KEYS[0], BUSY) == body_of(KEYS[0])


async def test_a_wrong_password_is_logged_as_an_error_once(
    tmp_path: Path, a_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer(tmp_path, "--requirepass", "right") as server:
        for url in (server.url, server.url.replace("//", "//:s3cret-wrong@")):
            caplog.clear()
            store = await a_store(url)
            for _ in range(10):
                assert await look_up(store, KEYS[0]) is None
            errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
            assert len(errors) == 1
            assert "does not let us in" in errors[0]
            assert "s3cret" not in caplog.text
        store = await a_store(server.url.replace("//", "//:right@"), PATIENT)
        await fill(store)
        assert await look_up(store, KEYS[0], BUSY) == body_of(KEYS[0])


async def test_when_all_times_to_live_have_passed_the_keyspace_is_empty(server: RedisServer) -> None:
    short = Bounds(variants=3, log_keep=0.2)
    store = RedisStore(parse_address(server.url), SystemClock(), PATIENT, short)
    await store.open()
    await fill_for(store, 2.0)
    server.command("SET", variants_name("tambo", KEYS[0]), "of another type")
    await store.put(KEYS[0], a_stored(), 2.0)
    await store.log_purge(PURGE)
    assert server.command("DBSIZE") != b":0\r\n"
    await store.close()
    deadline = time.monotonic() + BUSY
    while server.command("DBSIZE") != b":0\r\n":
        assert time.monotonic() < deadline, "something was written without an end"
        await asyncio.sleep(0.05)


async def fill_for(store: RedisStore, seconds: float) -> None:
    """Several variants for each key, more than are kept."""
    for key in KEYS:
        for language in ("es", "qu", "ay", "en"):
            variant = a_stored(secondary_key=(("accept-language", language),))
            await store.put(key, variant, seconds)
    await store.client.settled()
