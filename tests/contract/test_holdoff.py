"""What every memory of failures promises the exchange, of one process or shared by many."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeServer
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Failure
from proxy.exchange.holdoff import FailureMemory, HoldOff
from proxy.store.hub.failures import HubHoldOff
from proxy.store.redis_holdoff import RedisHoldOff
from proxy.store.redis_messages import RedisMessages
from tests.support.clock import FakeClock
from tests.support.fake_redis import a_redis_store
from tests.support.hubs import a_hub
from tests.support.scenario import a_route

ROUTE = a_route("ruc", hold_off=60.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["process", "fleet", "hub"])
async def memory(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[HoldOff]:
    own = FailureMemory(clock, lambda: 1.0, most_keys=3, longest_fetch=10.0)
    if request.param == "process":
        yield own
        return
    if request.param == "hub":
        async with a_hub(clock) as hubs:
            client = hubs.client()
            of_a_worker = HubHoldOff(client, clock, own)
            await hubs.opened(client)
            yield of_a_worker
        return
    store = a_redis_store(FakeServer())
    messages = RedisMessages(store.client.dial, b"tambo:wake:1", 1.0)
    shared = RedisHoldOff(store.client, messages, "tambo", clock, own)
    await store.open()
    messages.open()
    shared.open()
    async with asyncio.timeout(10):
        while not messages.is_connected:
            await asyncio.sleep(0.001)
    yield shared
    await shared.close()
    await messages.close()
    await store.close()


async def test_a_failure_is_known_at_once_and_pauses_grow(memory: HoldOff, clock: FakeClock) -> None:
    for count, pause in enumerate((1, 2, 4, 8), start=1):
        memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
        setback = memory.setback("/a")
        assert setback is not None
        assert (setback.route, setback.failure, setback.count) == ("ruc", Failure.TIMEOUT, count)
        assert setback.until - clock.monotonic() == pytest.approx(pause)
        await memory.learn("/a")
        assert memory.setback("/a") == setback, "nobody knows better"
        clock.advance(pause)
    assert memory.setback("/b") is None


async def test_a_success_clears_it_at_once(memory: HoldOff) -> None:
    memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
    memory.succeeded("/a")
    memory.succeeded("/never-failed")
    assert memory.setback("/a") is None
    assert memory.held() == {}


async def test_it_is_forgotten_when_its_next_try_would_have_ended(memory: HoldOff, clock: FakeClock) -> None:
    memory.failed("/a", ROUTE, Failure.TIMEOUT, None)
    clock.advance(1 + 60 + 10 - 0.5)
    assert memory.setback("/a") is not None
    clock.advance(1)
    assert memory.setback("/a") is None


async def test_off_is_off_and_there_is_a_bound(memory: HoldOff) -> None:
    memory.failed("/off", a_route(hold_off=0.0), Failure.TIMEOUT, 100)
    assert memory.setback("/off") is None
    for key in "abcad":
        memory.failed(key, ROUTE, Failure.TIMEOUT, None)
    assert [key for key in "abcd" if memory.setback(key)] == ["a", "c", "d"]
    assert memory.held() == {"ruc": 3}


@given(st.binary(max_size=120) | st.builds(lambda kind, rest: kind + rest, st.sampled_from([b"h", b"k"]), st.binary()))
def test_what_is_no_message_of_ours_changes_nothing(message: bytes) -> None:
    clock = FakeClock()
    own = FailureMemory(clock)
    store = a_redis_store(FakeServer())
    shared = RedisHoldOff(store.client, RedisMessages(store.client.dial, b"c", 1.0), "tambo", clock, own)
    shared._hear(b"h" + b"f" * 32 + b"s" * 16 + b"5000 1 1000 timeout ruc")
    assert shared.held() == {"ruc": 1}
    if message:
        shared._hear(message)
        assert shared.held() == {"ruc": 1}
