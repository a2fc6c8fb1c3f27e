"""Three Tambos that share what they keep, replicas over Redis or workers over one embedded store: one fetch per key
among them all, whoever dies in the middle."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.support.fleet import SOON, Fleet, SlowApi, a_fleet, ask, until
from tests.support.tambo import Tambo, fetch, running

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SEVERAL = 3
CLIENTS = 100
"""At each."""
SECONDS = float(os.environ.get("TAMBO_TEST_UPSTREAM_SECONDS", "2"))
"""What the upstream takes; the promise is about any time."""
LATE = 15.0
"""Seconds that a busy machine may add."""
LEASE = 2.0


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["replicas", "workers"])
async def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    async with a_fleet(request.param, SEVERAL, tmp_path_factory.mktemp("fleet")) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(started: Fleet) -> Fleet:
    """The same for every test, each with paths of its own."""
    await started.made_whole(SECONDS)
    return started


async def _leader(fleet: Fleet) -> Tambo:
    """The one that has a request at the upstream."""
    for tambo in fleet.tambos:
        if b"tambo_upstream_inflight 1.0" in (await fetch(fleet.session, f"{tambo.admin}/metrics"))[2]:
            return tambo
    raise AssertionError("nobody asks the upstream")


async def _all_read(fleet: Fleet) -> None:
    """What was sent after them has been answered: so each of them has read all its clients' requests."""
    fleet.api.seconds = 0.0
    for number, tambo in enumerate(fleet.tambos):
        await ask(fleet.session, f"{tambo.url}/after/{number}")


async def test_seconds_saved_are_known_over_a_restart(tmp_path: Path) -> None:
    """What a fetch cost is kept with what it brought."""
    api = SlowApi(0.5)
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo, aiohttp.ClientSession() as session:
        alone = Fleet([tambo], api, session, None)
        first = await ask(session, f"{tambo.url}/kept")
        await tambo.restart()
        for _ in range(3):
            assert (await ask(session, f"{tambo.url}/kept")).word == "HIT"
        saved = await alone.metric("tambo_upstream_seconds_saved_total{", "hit")
        assert 3 * 0.5 * 0.95 <= saved <= 3 * first.seconds
        assert api.asked == {"/kept": 1}


async def test_a_cold_key_is_fetched_once_for_everyone(fleet: Fleet) -> None:
    before = {scope: await fleet.metric("tambo_coalesced_requests_total{", scope) for scope in ("fleet", "process")}
    fleet.api.seconds = 60.0
    asking = fleet.all_asking("/cold", CLIENTS)
    await until(lambda: fleet.api.asked["/cold"])
    await _all_read(fleet)
    await asyncio.sleep(SECONDS)
    fleet.api.released.set()
    got = [await each for each in asking]
    assert {(one.status, one.body) for one in got} == {(200, got[0].body)}
    assert fleet.api.asked["/cold"] == 1
    others = SEVERAL * CLIENTS - 1
    assert Counter(one.word for one in got) == {"MISS": 1, "COALESCED": others}
    longest = max(one.seconds for one in got)
    assert longest < SECONDS + LATE
    now = {scope: await fleet.metric("tambo_coalesced_requests_total{", scope) for scope in before}
    assert {scope: now[scope] - before[scope] for scope in now} == {"fleet": 2 * CLIENTS, "process": CLIENTS - 1}
    saved = await fleet.metric("tambo_upstream_seconds_saved_total{", "coalesced")
    assert others * SECONDS * 0.95 <= saved <= others * longest, "what each of them would have cost the upstream"
    assert [(await ask(fleet.session, f"{tambo.url}/cold")).word for tambo in fleet.tambos] == ["HIT"] * SEVERAL


async def test_the_leader_dies_and_only_its_own_clients_notice(fleet: Fleet) -> None:
    alone = {tambo.url: Fleet([tambo], fleet.api, fleet.session, None) for tambo in fleet.tambos}
    fleet.api.seconds = 60.0
    asking = {url: each.all_asking("/dies", CLIENTS) for url, each in alone.items()}
    await until(lambda: fleet.api.asked["/dies"])
    leader = await _leader(fleet)
    leader.process.kill()
    await leader.process.wait()
    fleet.api.released.set()
    others = [await each for url, all_ in asking.items() if url != leader.url for each in all_]
    assert {one.status for one in others} == {200}
    assert len(others) == (SEVERAL - 1) * CLIENTS
    assert max(one.seconds for one in others) < 2 * SECONDS + LEASE + LATE, "more than its lease and one fetch"
    # Its own clients' connections broke: a load balancer sends them to another one.
    lost = [one for one in [await each for each in asking[leader.url]] if one.status == 0]
    staying = next(tambo for tambo in fleet.tambos if tambo is not leader)
    again = [await each for each in alone[staying.url].all_asking("/dies", len(lost))]
    assert {(one.status, one.body) for one in (*others, *again)} == {(200, others[0].body)}
    assert fleet.api.asked["/dies"] == 2


async def test_what_cannot_be_shared_serialises_nobody(fleet: Fleet) -> None:
    api = fleet.api
    asking = fleet.all_asking("/private/a", 10)
    await until(lambda: api.inflight)
    api.seconds = 60.0
    await until(lambda: api.inflight == 10 * SEVERAL - 1)  # once the first is answered, everyone else is there at once
    api.released.set()
    got = [await each for each in asking]
    assert {one.status for one in got} == {200}
    assert len({one.body for one in got}) == len(got) == api.asked["/private/a"]
    await fleet.made_whole(60.0)
    asking = fleet.all_asking("/private/a", 3)
    await until(lambda: api.inflight == 3 * SEVERAL)  # it is remembered: nobody waits for the first
    api.released.set()
    assert {(await each).status for each in asking} == {200}


@pytest.mark.parametrize(("path", "status"), [("/down/a", 502), ("/error/a", 500)])
async def test_an_upstream_that_fails_is_not_asked_by_everyone(fleet: Fleet, path: str, status: int) -> None:
    got = [await each for each in fleet.all_asking(path, CLIENTS)]
    assert {one.status for one in got} == {status}
    # A request that arrives after the others were told asks anew; a GET whose reused connection broke is sent again.
    assert fleet.api.asked[path] <= 2
    assert max(one.seconds for one in got) < 2 * SECONDS + LATE


async def test_an_expired_answer_is_fetched_again_once(fleet: Fleet) -> None:
    """Each holds it in memory, expired; one asks again, the others take what that brought."""
    api, bodies = fleet.api, set[bytes]()
    api.seconds = 0.0
    async with asyncio.timeout(60):
        while len(bodies) != 1:
            bodies = {(await ask(fleet.session, f"{tambo.url}/soon/a")).body for tambo in fleet.tambos}
    await asyncio.sleep(SOON + 0.2)
    before, api.seconds = api.asked["/soon/a"], 60.0
    asking = fleet.all_asking("/soon/a", 10)
    await until(lambda: api.asked["/soon/a"] == before + 1)
    await _all_read(fleet)
    api.released.set()
    got = [await each for each in asking]
    assert {one.status for one in got} == {200}
    assert api.asked["/soon/a"] == before + 1
    assert {one.body for one in got}.isdisjoint(bodies)


async def test_a_holder_that_slept_through_its_lease_overwrites_nothing(fleet: Fleet) -> None:
    sleeper, waker, third = fleet.tambos
    superseded = ("tambo_store_operations_total{", "superseded", sleeper)
    before = await fleet.metric(*superseded)
    first = asyncio.ensure_future(ask(fleet.session, f"{sleeper.url}/sleeps"))
    await until(lambda: fleet.api.asked["/sleeps"])
    sleeper.signal(signal.SIGSTOP)
    try:
        newer = await ask(fleet.session, f"{waker.url}/sleeps")  # the lease ends, another fetches
    finally:
        sleeper.signal(signal.SIGCONT)
    older = await first
    assert older.status == newer.status == 200
    assert older.body != newer.body
    for tambo in (third, sleeper, waker):
        assert (await ask(fleet.session, f"{tambo.url}/sleeps")).body == newer.body
    assert fleet.api.asked["/sleeps"] == 2
    assert await fleet.metric(*superseded) == before + (1 if fleet.redis else 0)


@pytest.mark.parametrize("started", ["replicas"], indirect=True)
async def test_redis_dies_and_each_process_asks_once_at_most(fleet: Fleet) -> None:
    assert fleet.redis is not None
    asking = fleet.all_asking("/redis-dies", CLIENTS)
    await until(lambda: fleet.api.asked["/redis-dies"])
    fleet.redis.kill()
    try:
        got = [await each for each in asking]
    finally:
        fleet.redis.start()
    assert {one.status for one in got} == {200}
    assert fleet.api.asked["/redis-dies"] <= SEVERAL
    assert max(one.seconds for one in got) < 2 * SECONDS + LATE
