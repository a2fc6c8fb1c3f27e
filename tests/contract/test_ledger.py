"""What every ledger promises: values that end by themselves, and work that one at a time has."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from fakeredis import FakeServer

from proxy.errors import StoreUnavailable
from proxy.exchange.ledger import Ledger
from proxy.store.disk_ledger import DiskLedger
from proxy.store.redis_ledger import RedisLedger
from proxy.store.redis_question import Limits
from proxy.store.redis_store import RedisStore
from tests.support.clock import FakeClock
from tests.support.fake_redis import an_address

Open = Callable[[], AbstractAsyncContextManager[Ledger]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["disk", "redis"])
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Open:
    """Opens a ledger over one lasting place, as often as it is called: each time as another process would."""
    server = FakeServer()

    @asynccontextmanager
    async def on_disk() -> AsyncIterator[Ledger]:
        ledger = DiskLedger(tmp_path / "data" / "jobs.sqlite", clock)
        yield ledger
        await ledger.close()

    @asynccontextmanager
    async def in_redis() -> AsyncIterator[Ledger]:
        store = RedisStore(an_address(server), clock, Limits(timeout=2.0, command_timeout=5.0))
        await store.open()
        yield RedisLedger(store.client, "tambo:x", clock)
        await store.close()

    return on_disk if request.param == "disk" else in_redis


@pytest.fixture
async def ledger(open_ledger: Open) -> AsyncIterator[Ledger]:
    async with open_ledger() as ledger:
        yield ledger


async def test_values_are_kept_until_they_end(ledger: Ledger, clock: FakeClock) -> None:
    await ledger.write("warm:a", b"one", 10)
    await ledger.write("warm:b", b"\x00 two\xff", 20)
    await ledger.write("answer:c", b"", 20)
    assert await ledger.read("warm:a") == b"one"
    assert await ledger.read("warm:b") == b"\x00 two\xff"
    assert await ledger.read("answer:c") == b""
    assert await ledger.read("nothing") is None
    assert list(await ledger.names("warm:")) == ["warm:a", "warm:b"]
    clock.advance(11)
    assert await ledger.read("warm:a") is None
    assert list(await ledger.names("")) == ["answer:c", "warm:b"]


async def test_a_value_is_replaced_and_lives_anew(ledger: Ledger, clock: FakeClock) -> None:
    await ledger.write("a", b"one", 10)
    clock.advance(9)
    await ledger.write("a", b"two", 10)
    clock.advance(9)
    assert await ledger.read("a") == b"two"
    await ledger.remove("a")
    await ledger.remove("a")
    assert await ledger.read("a") is None
    assert list(await ledger.names("")) == []


async def test_what_has_ended_is_taken_away(ledger: Ledger, clock: FakeClock) -> None:
    for number in range(120):
        await ledger.write(f"old:{number:03}", b"x", 10)
    clock.advance(11)
    for number in range(5):
        await ledger.write(f"new:{number}", b"x", 10)
    clock.jump(-20)  # shows what is still there
    assert not list(await ledger.names("old:"))


async def test_it_outlives_its_process(open_ledger: Open) -> None:
    async with open_ledger() as first:
        await first.write("warm:a", b"list", 100)
    async with open_ledger() as second:
        assert await second.read("warm:a") == b"list"


async def test_two_processes_see_the_same(open_ledger: Open) -> None:
    async with open_ledger() as one, open_ledger() as other:
        await one.write("a", b"1", 100)
        assert await other.read("a") == b"1"
        await other.write("a", b"2", 100)
        assert await one.read("a") == b"2"


async def test_one_at_a_time_has_the_work(open_ledger: Open) -> None:
    async with open_ledger() as one, open_ledger() as other:
        assert await one.hold("warm", "me", 60)
        assert await one.hold("warm", "me", 60), "kept up"
        assert not await other.hold("warm", "you", 60)
        assert await other.hold("another", "you", 60)
        await other.let_go("warm", "you")
        assert not await other.hold("warm", "you", 60), "it was not theirs to let go"
        await one.let_go("warm", "me")
        assert await other.hold("warm", "you", 60)


async def test_the_work_of_the_dead_comes_free(open_ledger: Open, clock: FakeClock) -> None:
    async with open_ledger() as one, open_ledger() as other:
        assert await one.hold("warm", "me", 0.0)  # Redis has a clock of its own
        clock.advance(0.1)
        assert await other.hold("warm", "you", 60)
        assert not await one.hold("warm", "me", 60)


async def test_a_closed_one_says_so(open_ledger: Open) -> None:
    async with open_ledger() as ledger:
        pass
    with pytest.raises(StoreUnavailable):
        await ledger.read("a")
