"""Warm jobs before a scripted upstream, in virtual time: two workers share a ledger, and one of them may die."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.errors import Failure, UpstreamError
from proxy.exchange.alone import AloneKeys
from proxy.exchange.fleet import Fleet
from proxy.exchange.guard import GuardSettings
from proxy.exchange.holdoff import FailureMemory, Setback
from proxy.exchange.leases import Held, Note, Wish
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.warm_book import MOST_UNFINISHED, TooManyJobsError
from proxy.exchange.warm_list import WarmJob, WarmOrder, WarmState
from proxy.exchange.warming import IDLE, Warmer
from tests.support.ledger import DictLedger
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route
from tests.support.virtual_time import VirtualClock, play


class Slow(ScriptedUpstream):
    """Takes ten seconds for each answer."""

    now = most = 0

    async def send(self, request: Any, on_interim: Any = None) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(10)
            return await super().send(request, on_interim)
        finally:
            self.now -= 1


class World:
    """Two processes, each with a store of its own kind of memory (here: the same dict), over one ledger."""

    def __init__(self, *replies: Reply, **guard: Any) -> None:
        self.upstream = Slow(*replies)
        self.clock = VirtualClock()
        self.ledger = DictLedger(self.clock)
        self.scenes = [self._scene(GuardSettings(**guard)) for _ in range(2)]
        self.scenes[1].store.entries = self.scenes[0].store.entries
        self.switch = ModeSwitch(self.clock)
        self.warmers = [Warmer(self.ledger, self.switch, self.clock) for _ in range(2)]
        for warmer, scene in zip(self.warmers, self.scenes, strict=True):
            scene.exchange.store = scene.store
            warmer.follow(scene.exchange)

    def _scene(self, guard: GuardSettings) -> Scenario:
        return Scenario(self.upstream, (a_route(ttl=3600.0),), guard, time=self.clock)

    async def order(self, urls: Sequence[str], **how: Any) -> str:
        return (await self.warmers[0].order(WarmOrder(urls, **how), "me")).id

    async def ended(self, job: str) -> WarmJob:
        async with asyncio.timeout(100_000):
            while True:
                found = await self.warmers[1].find(job)
                assert found is not None
                if found.state.is_over:
                    return found
                await asyncio.sleep(1)

    @property
    def asked(self) -> Counter[str]:
        return Counter(request.target for request in self.upstream.requests)

    async def close(self) -> None:
        for warmer in self.warmers:
            await warmer.close()
        for scene in self.scenes:
            await scene.flights.drain(100)


URLS = [f"/{number}" for number in range(20)]


def in_virtual_time(work: Coroutine[Any, Any, None]) -> None:
    play(work)


def test_a_list_is_fetched_once_so_many_at_a_time() -> None:
    async def it() -> None:
        world = World()
        for warmer in world.warmers:
            warmer.open()
        job = await world.ended(await world.order(URLS, parallel=3))
        assert (job.state, job.fetched, job.fresh, job.failures) == (WarmState.DONE, 20, 0, [])
        assert world.upstream.most == 3
        assert world.asked == dict.fromkeys(URLS, 1)
        again = await world.ended(await world.order(URLS))
        assert (again.fetched, again.fresh) == (0, 20)
        forced = await world.ended(await world.order(URLS[:2], force=True))
        assert (forced.fetched, forced.fresh) == (2, 0)
        await world.close()

    in_virtual_time(it())


def test_half_of_the_places_are_used_unless_told_otherwise() -> None:
    async def it() -> None:
        world = World(maximum=4)
        world.warmers[0].open()
        await world.ended(await world.order(URLS))
        assert world.upstream.most == 2
        await world.close()

    in_virtual_time(it())


def test_who_dies_is_followed_by_another_where_it_was() -> None:
    async def it() -> None:
        world = World()
        first, second = world.warmers
        first.open()
        job = await world.order(URLS, parallel=2)
        await asyncio.sleep(35)
        assert first._working is not None
        second.open()
        # A process that is killed notes nothing and lets nothing go.
        world.ledger.is_down = True
        first._working.cancel()
        await asyncio.gather(first._working, return_exceptions=True)
        world.ledger.is_down = False
        assert (await world.ended(job)).done == 20
        assert all(times == 1 for times in world.asked.values()), "what was fetched is fresh"
        await world.close()

    in_virtual_time(it())


def test_one_at_a_time_works_at_jobs_and_the_oldest_goes_first() -> None:
    async def it() -> None:
        world = World()
        for warmer in world.warmers:
            warmer.open()
        first = await world.order(URLS[:6], parallel=2)
        await asyncio.sleep(0.01)
        second = await world.order([f"/second/{number}" for number in range(6)], parallel=2)
        await world.ended(second)
        assert (await world.ended(first)).fetched == 6
        assert world.upstream.most == 2
        order = [request.target for request in world.upstream.requests]
        assert all(target.startswith("/second") for target in order[6:])
        await world.close()

    in_virtual_time(it())


def test_a_ledger_that_is_out_stops_the_work_and_it_goes_on_afterwards() -> None:
    async def it() -> None:
        world = World()
        world.warmers[0].open()
        job = await world.order(URLS, parallel=1)
        await asyncio.sleep(25)
        world.ledger.is_down = True
        await asyncio.sleep(100)
        asked = len(world.upstream.requests)
        assert asked <= 5, "nobody knows any more who works at it"
        await asyncio.sleep(100)
        assert len(world.upstream.requests) == asked
        world.ledger.is_down = False
        assert (await world.ended(job)).done == 20
        assert all(times == 1 for times in world.asked.values())
        await world.close()

    in_virtual_time(it())


def test_what_fails_is_told_and_what_was_not_asked_is_asked_later() -> None:
    async def it() -> None:
        shed = Reply(failure=UpstreamError(Failure.SHED, "queue-full", 7))
        late = Reply(failure=UpstreamError(Failure.TIMEOUT, "no answer in 90 s"))
        world = World(shed, late, Reply(404), Reply(lines={"Cache-Control": "no-store"}), Reply())
        world.warmers[0].open()
        job = await world.ended(await world.order(URLS[:4], parallel=1))
        assert (job.fetched, job.failed) == (1, 3)
        assert dict(job.failures) == {
            "/0": "timeout: no answer in 90 s",
            "/1": "the upstream answered 404, which is not kept: status",
            "/2": "the upstream's answer may not be kept",
        }
        await world.close()

    in_virtual_time(it())


def test_a_store_that_is_out_for_a_moment_costs_one_more_fetch_and_no_failure() -> None:
    async def it() -> None:
        world = World()
        world.warmers[0].open()
        job = await world.order(["/a"])
        await asyncio.sleep(5)
        world.scenes[0].store.is_down = True
        await asyncio.sleep(7)
        world.scenes[0].store.is_down = False
        assert (await world.ended(job)).fetched == 1
        assert world.asked == {"/a": 2}
        await world.close()

    in_virtual_time(it())


def test_an_operator_s_mode_holds_it() -> None:
    async def it() -> None:
        world = World()
        world.switch.set(OperatingMode.OFFLINE, 600)
        world.warmers[0].open()
        job = await world.order(["/a"])
        await asyncio.sleep(300)
        found = await world.warmers[0].find(job)
        assert found is not None
        assert found.waits_for == "the operator's mode fetches or keeps nothing"
        assert not world.upstream.requests
        assert (await world.ended(job)).fetched == 1
        await world.close()

    in_virtual_time(it())


def test_a_cancelled_job_ends_wherever_it_is_worked_at() -> None:
    async def it() -> None:
        world = World()
        world.warmers[0].open()
        job = await world.order(URLS, parallel=1)
        waiting = await world.order(["/later"])
        await asyncio.sleep(25)
        assert await world.warmers[1].cancel(job) is not None
        assert await world.warmers[1].cancel("no such job") is None
        assert (await world.ended(job)).state is WarmState.CANCELLED
        assert (await world.ended(waiting)).fetched == 1
        assert len(world.upstream.requests) < 8
        await world.close()

    in_virtual_time(it())


def test_a_job_that_is_cancelled_before_its_turn_fetches_nothing_and_frees_its_place() -> None:
    async def it() -> None:
        world = World()
        world.warmers[0].open()
        running = await world.order(URLS, parallel=1)
        waiting = [await world.order([f"/w/{number}"]) for number in range(MOST_UNFINISHED - 1)]
        for job in waiting:
            cancelled = await world.warmers[1].cancel(job)
            assert cancelled is not None
            assert cancelled.state is WarmState.CANCELLED
        last = await world.order(["/last"])  # there is room
        await world.ended(running)
        assert (await world.ended(last)).fetched == 1
        assert not [request for request in world.upstream.requests if request.target.startswith("/w/")]
        await world.close()

    in_virtual_time(it())


def test_a_route_that_keeps_nothing_is_told() -> None:
    async def it() -> None:
        world = World()
        world.scenes[0].exchange.routes = (a_route(cache=False),)
        world.warmers[0].open()
        job = await world.ended(await world.order(["/a"]))
        assert job.failures == [("/a", "route 'default' keeps nothing of the kind (route-off)")]
        assert not world.upstream.requests
        await world.close()

    in_virtual_time(it())


class Gossip(FailureMemory):
    """Learns of ``elsewhere`` only when it asks, as a process does that has just begun."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock, lambda: 1.0)
        self.elsewhere: dict[str, Setback] = {}

    async def learn(self, key: str) -> None:
        if (heard := self.elsewhere.pop(key, None)) is not None:
            self.note(key, heard)


class Free:
    """Leases that nobody else wants: satisfies Leases and Lease."""

    fence = 1

    async def take(self, wish: Wish) -> Held:
        return Held(self)

    async def outlast(self, key: str, holder: str) -> Note | None:
        raise NotImplementedError

    def urge(self, key: str) -> None:
        raise NotImplementedError

    def end(self, note: Note) -> None:
        """See Lease."""


def test_what_failed_elsewhere_a_moment_ago_is_tried_later_and_counts_as_no_failure() -> None:
    async def it() -> None:
        world = World()
        scene, hold_off = world.scenes[0], Gossip(world.clock)
        refresher = replace(scene.exchange.refresher, hold_off=hold_off)
        fleet = Fleet(refresher, scene.store, Free(), AloneKeys(world.clock), world.clock, 100.0)
        scene.exchange.hold_off = scene.exchange.launcher.hold_off = hold_off
        scene.exchange.launcher.fleet = fleet
        now = world.clock.monotonic()
        hold_off.elsewhere["/a"] = Setback("default", Failure.TIMEOUT, 1, now + 30.0, now + 90.0)
        world.warmers[0].open()
        job = await world.order(["/a"])
        await asyncio.sleep(20)
        found = await world.warmers[0].find(job)
        assert found is not None
        assert (found.state, found.waits_for) == (WarmState.RUNNING, "it failed a moment ago")
        assert not world.upstream.requests
        ended = await world.ended(job)
        assert (ended.fetched, ended.failed) == (1, 0)
        assert world.clock.monotonic() >= now + 40.0, "its pause, and the fetch"
        await world.close()

    in_virtual_time(it())


def test_another_variant_that_is_being_fetched_is_not_taken_for_its_own() -> None:
    async def it() -> None:
        speaks = {"Content-Type": "application/json", "Vary": "Accept-Language"}
        world = World(Reply(lines=speaks))
        client = asyncio.ensure_future(world.scenes[0].get("/a", {"Accept-Language": "qu"}))
        await asyncio.sleep(1)
        world.warmers[0].open()
        job = await world.ended(await world.order(["/a"], fields=(("Accept-Language", "es"),)))
        assert (await client).status == 200
        assert (job.fetched, job.failed) == (1, 0)
        asked = [request.fields.joined("accept-language") for request in world.upstream.requests]
        assert asked == ["qu", "es"]
        assert (await world.scenes[0].get("/a", {"Accept-Language": "es"})).x_cache == "HIT"
        await world.close()

    in_virtual_time(it())


def test_its_own_variant_that_is_being_fetched_is_waited_for() -> None:
    async def it() -> None:
        world = World()
        client = asyncio.ensure_future(world.scenes[0].get("/a"))
        await asyncio.sleep(1)
        world.warmers[0].open()
        job = await world.ended(await world.order(["/a"]))
        assert (await client).status == 200
        assert (job.fetched, world.asked) == (1, {"/a": 1})
        await world.close()

    in_virtual_time(it())


def test_who_has_nothing_to_do_reads_one_value_a_look() -> None:
    async def it() -> None:
        world = World()
        first, second = world.warmers
        first.open()
        for number in range(10):
            await world.ended(await world.order([f"/{number}"]))
        second.open()
        await asyncio.sleep(IDLE)
        world.ledger.asked.clear()
        await asyncio.sleep(10 * IDLE)
        assert world.ledger.asked == {"read": 2 * 10}
        job = await world.order(["/later"])
        await first.close()
        assert (await world.ended(job)).state is WarmState.DONE, "whoever it is ordered from"
        await world.close()

    in_virtual_time(it())


def test_a_job_whose_order_broke_off_is_found_although_nobody_told_of_it() -> None:
    async def it() -> None:
        world = World()
        world.warmers[0].open()
        await asyncio.sleep(IDLE)
        job = await world.order(["/a"])
        del world.ledger.values["warm-newest"]
        world.warmers[0]._kicked.clear()
        assert (await world.ended(job)).fetched == 1
        await world.close()

    in_virtual_time(it())


def test_more_jobs_than_a_number_are_refused() -> None:
    async def it() -> None:
        world = World()
        for _ in range(MOST_UNFINISHED):
            await world.order(["/a"])
        with pytest.raises(TooManyJobsError):
            await world.order(["/a"])

    in_virtual_time(it())
