"""A store that does not answer in time, and an upstream that fails: what is stored is not lost for that."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from proxy.errors import Failure, StoreUnavailable, UpstreamError
from proxy.exchange.ports import Lookup
from proxy.policy.cache_key import CacheKey
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import DictStore, Scenario, a_route, settle

DOWN = Reply(failure=UpstreamError(Failure.UNREACHABLE, "refused by the test"))
ERROR = Reply(status=503)
OWN = Reply(status=503, lines={"Cache-Control": "private"})


class Slow(DictStore):
    """Fails each look-up, and does what may take longer."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = False
        self.looks = 0

    async def lookup(self, key: CacheKey) -> Lookup:
        if self.is_slow:
            raise StoreUnavailable("lookup", "no answer within 0.05 s")
        return await super().lookup(key)

    async def look_again(self, key: CacheKey) -> Lookup:
        self.looks += 1
        return await super().lookup(key)


async def a_slow_store(*then: Reply, age: float = 70.0, hold_off: float = 0.0) -> tuple[Scenario, Slow]:
    """``/a`` is stored and stale, and its store has become slow."""
    play = Scenario(ScriptedUpstream(Reply(), *then), (a_route(ttl=60.0, stale_if_error=600.0, hold_off=hold_off),))
    store = Slow()
    play.store = store
    refresher = structs.replace(play.exchange.refresher, store=store)
    play.exchange = replace(play.exchange, store=store, refresher=refresher)
    assert (await play.get()).x_cache == "MISS"
    play.clock.advance(age)
    store.is_slow = True
    return play, store


@pytest.mark.parametrize("how", [DOWN, ERROR, OWN], ids=["unreachable", "503", "503 of its own"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_is_stored_stands_in_although_its_look_up_failed(how: Reply, method: str) -> None:
    play, _ = await a_slow_store(how)
    got = await play.get(method=method)
    assert (got.status, got.x_cache) == (200, "STALE")
    assert got.cache_status.startswith("hit; ttl=-")


async def test_those_who_joined_the_fetch_have_it_too() -> None:
    gate = asyncio.Event()
    play, _ = await a_slow_store(Reply(failure=DOWN.failure, gate=gate))
    asking = play.together(3)
    await settle()
    gate.set()
    assert {(await each).x_cache for each in asking} == {"STALE"}
    assert len(play.origin.requests) == 2


async def test_a_good_answer_needs_no_second_look() -> None:
    play, store = await a_slow_store(Reply())
    assert (await play.get()).x_cache == "MISS"
    assert store.looks == 0


async def test_where_nothing_is_stored_the_failure_is_told() -> None:
    play, store = await a_slow_store(DOWN)
    assert (await play.get("/other")).status == 502
    assert store.looks == 1


async def test_what_is_too_old_does_not_stand_in() -> None:
    play, _ = await a_slow_store(DOWN, age=700.0)
    assert (await play.get()).status == 502


async def test_a_store_that_is_down_is_asked_no_third_time() -> None:
    play, store = await a_slow_store(DOWN)
    store.is_down = True
    assert (await play.get()).status == 502
    assert store.looks == 1


async def test_a_key_that_failed_lately_is_looked_for_before_the_upstream_is_asked() -> None:
    """Nobody waits for a second failure because a look-up took too long."""
    play, store = await a_slow_store(DOWN, hold_off=60.0)
    store.is_slow = False
    await play.get()
    await settle()
    store.is_slow = True
    asked = len(play.origin.requests)
    got = await play.get()
    assert (got.x_cache, got.cache_status.rpartition("detail=")[2]) == ("STALE", "holdoff")
    assert len(play.origin.requests) == asked
