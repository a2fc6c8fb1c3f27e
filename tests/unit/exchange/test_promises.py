"""Promises before a scripted upstream, in virtual time: what their clients are told, here and at another process."""

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.entrance import Entrance
from proxy.exchange.guard import GuardSettings
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.promises import MOST, PREFIX, Promises
from proxy.policy.messages import Fields, RequestHead
from tests.support.ledger import DictLedger
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Got, Scenario, a_route
from tests.support.virtual_time import VirtualClock, play

ASYNC = {"Prefer": "respond-async, wait=2"}


class Slow(ScriptedUpstream):
    """Takes ten seconds for each answer."""

    async def send(self, request: Any, on_interim: Any = None) -> Any:
        await asyncio.sleep(10)
        return await super().send(request, on_interim)


class World:
    """Two processes over one ledger and one store."""

    def __init__(self, *replies: Reply, guard: GuardSettings | None = None, **route: Any) -> None:
        self.upstream = Slow(*replies)
        self.clock = VirtualClock()
        self.ledger = DictLedger(self.clock)
        self.switch = ModeSwitch(self.clock)
        self.scenes = [
            Scenario(
                self.upstream,
                (a_route(ttl=3600.0, respond_async=True, **route),),
                guard or GuardSettings(),
                time=self.clock,
            )
            for _ in range(2)
        ]
        self.scenes[1].store.entries = self.scenes[0].store.entries
        self.promises = [
            Promises(self.ledger, scene.flights, lambda: self.switch.is_normal_now, self.clock) for scene in self.scenes
        ]
        self.handlers = [
            promises.follow(scene.exchange, Entrance(scene.exchange, self.switch, scene.observer, self.clock).answer)
            for promises, scene in zip(self.promises, self.scenes, strict=True)
        ]

    async def get(
        self, target: str = "/a", lines: dict[str, str] | None = None, at: int = 0, method: str = "GET"
    ) -> Got:
        request = RequestHead(method, target, Fields((lines or {}).items()), authority="tambo.test")
        return await Got.of(await self.handlers[at](request, None, None))

    async def promised(self, target: str = "/a", at: int = 0) -> str:
        got = await self.get(target, ASYNC, at)
        assert got.status == 202, got.status
        place = got.field("location")
        assert place is not None
        return place

    async def close(self) -> None:
        for promises, scene in zip(self.promises, self.scenes, strict=True):
            await promises.close()
            await scene.flights.drain(1000)


def in_virtual_time(work: Coroutine[Any, Any, None]) -> None:
    play(work)


def test_a_promise_is_told_of_and_ends_in_the_resource() -> None:
    async def it() -> None:
        world = World()
        got = await world.get(lines=ASYNC)
        assert got.status == 202
        assert got.field("preference-applied") == "respond-async"
        assert got.field("cache-control") == "no-store"
        place = got.field("location") or ""
        assert place.startswith(PREFIX)
        assert len(place) > len(PREFIX) + 30, "to be guessed"
        for at in (0, 1):
            told = await world.get(place, at=at)
            assert (told.status, json.loads(told.body)["state"]) == (200, "running")
            assert told.field("cache-control") == "no-store"
            assert told.field("retry-after")
        await asyncio.sleep(10)
        for at in (1, 0):
            told = await world.get(place, at=at)
            assert (told.status, told.field("location")) == (303, "/a")
        again = await world.get("/a")
        assert (again.status, again.x_cache, again.body) == (200, "HIT", b'{"a":1}')
        assert len(world.upstream.requests) == 1
        assert "prefer" not in world.upstream.requests[0].fields
        await world.close()

    in_virtual_time(it())


def test_what_comes_in_time_is_answered_at_once() -> None:
    async def it() -> None:
        world = World()
        assert (await world.get(lines={"Prefer": "respond-async, wait=11"})).status == 200
        hit = await world.get(lines={"Prefer": "respond-async, wait=0"})
        assert (hit.status, hit.x_cache) == (200, "HIT")
        assert not world.ledger.values
        await world.close()

    in_virtual_time(it())


@pytest.mark.parametrize(
    ("lines", "method"),
    [({}, "GET"), ({"Prefer": "wait=1"}, "GET"), (ASYNC, "HEAD"), (ASYNC | {"Authorization": "Bearer x"}, "GET")],
)
def test_everybody_else_waits(lines: dict[str, str], method: str) -> None:
    async def it() -> None:
        world = World()
        assert (await world.get(lines=lines, method=method)).status == 200
        await world.close()

    in_virtual_time(it())


def test_only_where_a_route_says_so() -> None:
    scene = Scenario()
    promises = Promises(DictLedger(scene.clock), scene.flights, lambda: True, scene.clock)
    inner = Entrance(scene.exchange, ModeSwitch(scene.clock), scene.observer, scene.clock).answer
    assert promises.follow(scene.exchange, inner) == inner, "nothing stands in between, no path is reserved"


def test_a_failure_is_told_as_what_it_is() -> None:
    async def it() -> None:
        down = Reply(failure=UpstreamError(Failure.TIMEOUT, "no answer in 90 s"))
        world = World(down, Reply(404), Reply(lines={"Cache-Control": "no-store"}), stale_if_error=0.0)
        for target, status in (("/late", 504), ("/missing", 404), ("/own", 200)):
            place = await world.promised(target)
            await asyncio.sleep(10)
            told = await world.get(place, at=1)
            said = json.loads(told.body)
            assert (told.status, said["state"], said["status"]) == (200, "failed", status)
            assert said["resource"] == target
        await world.close()

    in_virtual_time(it())


def test_its_place_in_the_queue_is_told_and_about_how_long_it_takes() -> None:
    async def it() -> None:
        world = World(guard=GuardSettings(1, 100, 600.0))
        await world.get("/before")
        places = [await world.promised(f"/{number}") for number in range(3)]
        said = [json.loads((await world.get(place)).body) for place in places]
        assert [one["state"] for one in said] == ["running", "queued", "queued"]
        assert [one["queue_position"] for one in said] == [None, 1, 2]
        assert said[0]["eta_seconds"] < said[1]["eta_seconds"] < said[2]["eta_seconds"] <= 40
        await asyncio.sleep(35)
        assert [(await world.get(place, at=1)).status for place in places] == [303, 303, 303]
        await world.close()

    in_virtual_time(it())


def test_whose_keeper_has_died_is_fetched_by_whoever_is_asked() -> None:
    async def it() -> None:
        world = World()
        place = await world.promised()
        await world.promises[0].close()
        await world.scenes[0].flights.drain(0)  # it dies: nothing is stored, nothing is kept up
        await asyncio.sleep(20)
        both = await asyncio.gather(world.get(place, at=1), world.get(place, at=1))
        assert {one.status for one in both} == {200}
        await asyncio.sleep(12)
        assert (await world.get(place, at=1)).status == 303
        assert len(world.upstream.requests) == 1
        await world.close()

    in_virtual_time(it())


def test_without_a_ledger_its_client_waits_and_a_job_cannot_be_told() -> None:
    async def it() -> None:
        world = World()
        place = await world.promised("/b")
        world.ledger.is_down = True
        assert (await world.get(lines=ASYNC)).status == 200
        told = await world.get(place, at=1)
        assert (told.status, told.field("retry-after")) == (503, "1")
        await world.close()

    in_virtual_time(it())


def test_a_client_that_leaves_wastes_nothing() -> None:
    async def it() -> None:
        world = World()
        asking = asyncio.ensure_future(world.get(lines=ASYNC))
        await asyncio.sleep(1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.sleep(10)
        assert (await world.get()).x_cache == "HIT"
        assert not world.ledger.values
        await world.close()

    in_virtual_time(it())


def test_what_is_no_job_is_told() -> None:
    async def it() -> None:
        world = World()
        assert (await world.get(PREFIX + "nothing")).status == 404
        post = await world.get(PREFIX + "nothing", method="POST")
        assert (post.status, post.field("allow")) == (405, "GET, HEAD")
        assert not world.upstream.requests
        await world.close()

    in_virtual_time(it())


def test_more_promises_than_a_number_are_not_made() -> None:
    """Those count too whose client still waits: each of them may be a promise in the next second."""

    async def it() -> None:
        world = World()
        asking = [asyncio.ensure_future(world.get(f"/{number}", ASYNC)) for number in range(MOST + 5)]
        await asyncio.sleep(5)
        statuses = Counter(each.result().status for each in asking if each.done())
        assert statuses == {202: MOST}, "the others wait"
        await asyncio.sleep(10)
        assert Counter([(await each).status for each in asking]) == {202: MOST, 200: 5}
        assert (await world.get("/later", ASYNC)).status == 202, "there is room again"
        await world.close()

    play(it())


def test_no_more_is_taken_over_than_one_process_can_keep() -> None:
    async def it() -> None:
        world = World()
        place = await world.promised()
        await world.promises[0].close()
        await world.scenes[0].flights.drain(0)
        await asyncio.sleep(20)
        busy = [asyncio.ensure_future(world.get(f"/{number}", ASYNC, at=1)) for number in range(MOST)]
        await asyncio.sleep(1)
        assert json.loads((await world.get(place, at=1)).body)["state"] == "running"
        assert "/a" not in {request.target for request in world.upstream.requests}
        await asyncio.gather(*busy)
        await asyncio.sleep(20)
        assert json.loads((await world.get(place, at=1)).body)["state"] == "running"
        await asyncio.sleep(12)
        assert (await world.get(place, at=1)).status == 303
        await world.close()

    play(it())


def test_in_another_mode_nobody_is_promised_anything() -> None:
    async def it() -> None:
        world = World()
        world.switch.set(OperatingMode.BYPASS)
        assert (await world.get(lines=ASYNC)).status == 200
        await world.close()

    in_virtual_time(it())
