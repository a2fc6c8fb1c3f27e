"""Leases from the hub: what it says in one breath is understood in its order."""

import asyncio
import time
from pathlib import Path

import pytest

from proxy.exchange.causes import Priority
from proxy.exchange.leases import Elsewhere, Ending, Held, Lease, Note, Wish
from proxy.store.hub import leases as leases_module
from proxy.store.hub.client import HubClient
from proxy.store.hub.leases import MOST_UNCLAIMED, HubLeases
from proxy.store.hub.words import Busy, Ended, Given, Urge
from proxy.store.redis_names import fill_digest
from tests.support.hubs import Line, a_hub

KEY = "/a"
DIGEST = fill_digest(KEY)


def wish(urged: "list[str] | None" = None, key: str = KEY) -> Wish:
    return Wish(key, 7, Priority.REFRESH, lambda: None if urged is None else urged.append(key))


@pytest.fixture
def client() -> HubClient:
    """A client whose hub is the test."""
    client = HubClient(Path("nowhere"), "worker 0")
    client.connected(Line())
    return client


async def _held(leases: HubLeases, wanted: Wish) -> Lease:
    taken = await leases.take(wanted)
    assert isinstance(taken, Held)
    return taken.lease


async def _holder(leases: HubLeases, wanted: Wish) -> str:
    taken = await leases.take(wanted)
    assert isinstance(taken, Elsewhere)
    return taken.holder


async def test_an_end_that_comes_with_the_refusal_is_not_missed(client: HubClient) -> None:
    leases = HubLeases(client)
    asking = asyncio.ensure_future(leases.take(wish()))
    await asyncio.sleep(0)
    client.heard(Busy(1, "h", 7, int(Priority.CLIENT)))
    client.heard(Ended(DIGEST, "h", Ending.SPOKEN, b"note"))
    assert await asking == Elsewhere("h", 7, Priority.CLIENT)
    async with asyncio.timeout(1):
        assert await leases.outlast(KEY, "h") == Note(Ending.SPOKEN, b"note")


async def test_an_answer_that_lay_unread_while_we_stood_still_counts(client: HubClient) -> None:
    """A worker that went on alone by its own fault would be a second fetch."""
    leases = HubLeases(client)
    asking = asyncio.ensure_future(leases.take(wish()))
    await asyncio.sleep(0)
    time.sleep(leases_module._PATIENCE + 0.05)  # noqa: ASYNC251 - nobody in this process goes on
    reading = asyncio.get_running_loop().call_later(0.002, client.heard, Given(1, "h", 5))
    assert isinstance(await asking, Held)
    reading.cancel()


async def test_a_client_that_comes_with_the_lease_is_not_missed(client: HubClient) -> None:
    leases, urged = HubLeases(client), list[str]()
    asking = asyncio.ensure_future(leases.take(wish(urged)))
    await asyncio.sleep(0)
    client.heard(Given(1, "h", 5))
    client.heard(Urge(DIGEST))
    assert isinstance(await asking, Held)
    assert urged == [KEY]


async def test_notes_that_nobody_claims_are_few(client: HubClient) -> None:
    leases = HubLeases(client)
    for number in range(MOST_UNCLAIMED + 10):
        asking = asyncio.ensure_future(leases.take(wish(key=f"/{number}")))
        await asyncio.sleep(0)
        client.heard(Busy(number + 1, "h", 7, 0))
        await asking
    for number in range(MOST_UNCLAIMED + 10):
        client.heard(Ended(fill_digest(f"/{number}"), "h", Ending.SPOKEN, b"note"))
    assert leases.kept == MOST_UNCLAIMED


async def test_who_gave_up_asking_does_not_keep_what_comes_later(client: HubClient) -> None:
    leases, line = HubLeases(client), Line()
    client.connected(line)
    asking = asyncio.ensure_future(leases.take(wish()))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    client.heard(Given(1, "h", 5))
    await asyncio.sleep(0)
    assert [type(word).__name__ for word in line.words] == ["Hello", "Take", "End"]


async def test_workers_have_one_holder_and_the_others_learn_what_came_of_it() -> None:
    async with a_hub() as hubs:
        clients = [hubs.client(f"worker {number}") for number in range(3)]
        first, second, third = map(HubLeases, clients)
        await hubs.opened(*clients)
        lease = await _held(first, wish())
        holders = [await _holder(other, wish()) for other in (second, third)]
        assert holders[0] == holders[1]
        waiting = [asyncio.ensure_future(other.outlast(KEY, holders[0])) for other in (second, third)]
        lease.end(Note(Ending.FAILED, b"why"))
        async with asyncio.timeout(5):
            assert await asyncio.gather(*waiting) == [Note(Ending.FAILED, b"why")] * 2
        assert (await _held(second, wish())).fence > lease.fence


async def test_a_holder_that_dies_is_outlasted_at_once() -> None:
    async with a_hub() as hubs:
        dying, staying = hubs.client("worker 0"), hubs.client("worker 1")
        first, second = HubLeases(dying), HubLeases(staying)
        await hubs.opened(dying, staying)
        await _held(first, wish())
        holder = await _holder(second, wish())
        waiting = asyncio.ensure_future(second.outlast(KEY, holder))
        await dying.close()
        async with asyncio.timeout(1):
            assert await waiting == Note(Ending.GONE)
        await _held(second, wish())


async def test_without_a_hub_nobody_waits() -> None:
    async with a_hub() as hubs:
        one, other = hubs.client("worker 0"), hubs.client("worker 1")
        first, second = HubLeases(one), HubLeases(other)
        await hubs.opened(one, other)
        await _held(first, wish())
        holder = await _holder(second, wish())
        waiting = asyncio.ensure_future(second.outlast(KEY, holder))
        await asyncio.sleep(0)
        await hubs.hub.close()
        async with asyncio.timeout(5):
            assert await waiting is None
        assert await second.take(wish()) is None
