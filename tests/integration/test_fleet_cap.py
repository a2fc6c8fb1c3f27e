"""Three Tambos that share what they keep and keep to one cap: whoever dies, and also for a while without Redis."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.support.fleet import Fleet, a_fleet, all_asking, until
from tests.support.tambo import fetch

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SEVERAL, CAP = 3, 4
LATE = 15.0
"""Seconds that a busy machine may add."""
LEASE = 3.0


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["replicas", "workers"])
async def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    environ = {"TAMBO_UPSTREAM__CONCURRENCY__MAX": str(CAP), "TAMBO_UPSTREAM__CONCURRENCY__QUEUE": "200"}
    async with a_fleet(request.param, SEVERAL, tmp_path_factory.mktemp("fleet"), **environ) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(started: Fleet) -> Fleet:
    """The same for every test, each with paths of its own."""
    await started.made_whole(0.1)
    return started


async def test_all_of_them_keep_to_the_cap(fleet: Fleet) -> None:
    asking, fleet.api.seconds = [], 60.0
    for number in range(200):
        asking += all_asking(fleet.session, [f"{fleet.tambos[number % SEVERAL].url}/cold/{number}"])
        await asyncio.sleep(0.005)  # so that there is an order in which they come
    async with asyncio.timeout(60):
        while await fleet.metric("tambo_upstream_queue_depth") < 200 - CAP:
            await asyncio.sleep(0.05)
    fleet.api.answer_all(0.1)
    got = [await each for each in asking]
    assert {one.status for one in got} == {200}
    assert fleet.api.most == CAP
    assert len(fleet.api.asked) == sum(fleet.api.asked.values()) == 200
    numbers = [int(path.rpartition("/")[2]) for path in fleet.api.order]
    # Fair: none is far behind the others, in the middle of it.
    middle = Counter(number % SEVERAL for number in numbers[:100])
    assert min(middle.values()) > 20, middle
    # And in each of them who came first goes first, but for what overtakes on the way.
    for which in range(SEVERAL):
        mine = [number for number in numbers if number % SEVERAL == which]
        assert max(abs(at - number // SEVERAL) for at, number in enumerate(mine)) <= 2 * CAP, mine


async def test_places_of_the_dead_come_free(fleet: Fleet) -> None:
    dying, staying = fleet.tambos[:2]
    fleet.api.seconds = 1.0
    lost = all_asking(fleet.session, [f"{dying.url}/lost/{number}" for number in range(8)])
    await until(lambda: fleet.api.inflight == CAP)
    waiting = all_asking(fleet.session, [f"{staying.url}/kept/{number}" for number in range(8)])
    dying.process.kill()
    assert {(await each).status for each in lost} == {0}
    kept = [await each for each in waiting]
    assert {one.status for one in kept} == {200}
    assert max(one.seconds for one in kept) < LEASE + 2 * 1.0 + LATE


@asynccontextmanager
async def _reloaded(fleet: Fleet, text: str) -> AsyncIterator[None]:
    """Have this in the file of each meanwhile."""

    async def read(text: str) -> None:
        for tambo in fleet.tambos:
            (tambo.folder / "tambo.toml").write_text(text)
            status, _, said = await fetch(fleet.session, f"{tambo.admin}/admin/reload", "POST")
            assert (status, json.loads(said)["needs_restart"]) == (200, [])

    await read(text)
    try:
        yield
    finally:
        await read("")


@pytest.mark.parametrize("started", ["replicas"], indirect=True)
async def test_nobody_waits_past_its_timeout_without_an_answer(fleet: Fleet) -> None:
    """All of them would be through after 25 seconds."""
    fleet.api.seconds = 0.5
    async with _reloaded(fleet, '[upstream.concurrency]\nqueue_timeout = "4s"\n'):
        urls = [f"{fleet.tambos[number % SEVERAL].url}/turn/{number}" for number in range(200)]
        got = [await each for each in all_asking(fleet.session, urls)]
    assert {one.status for one in got} == {200, 503}
    assert all(one.retry_after for one in got if one.status == 503)
    assert sum(one.status == 200 for one in got) >= 2 * CAP, "whose turn came was refused"
    assert fleet.api.most == CAP
    assert max(one.seconds for one in got) < 4 + 0.5 + LATE, "longer than its turn and its fetch"


@pytest.mark.parametrize("started", ["replicas"], indirect=True)
async def test_without_redis_the_cap_is_each_process_s_own(fleet: Fleet) -> None:
    assert fleet.redis is not None
    fleet.api.seconds, two = 0.3, fleet.tambos[:2]
    asking = all_asking(fleet.session, [f"{two[number % 2].url}/{number}" for number in range(60)])
    await until(lambda: fleet.api.inflight == CAP)
    fleet.redis.kill()
    try:
        got = [await each for each in asking]
    finally:
        fleet.redis.start()
    assert {one.status for one in got} == {200}
    assert fleet.api.most <= 2 * CAP
    for tambo in two:
        await fleet.meets_its_store(tambo)
    await asyncio.sleep(4)  # until everyone has told what it holds
    fleet.api.most = 0
    again = all_asking(fleet.session, [f"{two[number % 2].url}/again/{number}" for number in range(40)])
    assert {(await each).status for each in again} == {200}
    assert fleet.api.most <= CAP


@pytest.mark.parametrize("started", ["replicas"], indirect=True)
@pytest.mark.parametrize("gone", [0.0, 3.0], ids=["at once", "when all had gone on alone"])
async def test_a_redis_that_comes_back_empty_leaves_nobody_waiting(fleet: Fleet, gone: float) -> None:
    """It knows of no place any more, taken or waited for, in the middle of a long queue."""
    assert fleet.redis is not None
    fleet.api.seconds, two = 0.3, fleet.tambos[:2]
    asking = all_asking(fleet.session, [f"{two[number % 2].url}/empty/{gone}/{number}" for number in range(40)])
    await until(lambda: fleet.api.inflight == CAP)
    fleet.redis.kill()
    await asyncio.sleep(gone)
    fleet.redis.start()
    got = [await each for each in asking]
    assert Counter(one.status for one in got) == {200: 40}
    assert fleet.api.most <= 2 * CAP
    assert max(one.seconds for one in got) < 60, "until its time was over"
