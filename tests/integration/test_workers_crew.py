"""Three workers under their supervisor over the embedded store: what they share, as a user starts them."""

import asyncio
import math
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from proxy.app.workers.messages import PROTOCOL, Setup, Start
from proxy.app.workers.process import CannotServeError, spawn
from proxy.app.workers.supervisor import BOOKS
from tests.support.fleet import Got, SlowApi, all_asking, until
from tests.support.numbered import Numbered
from tests.support.storm import LEASE, ROUTES, Storm
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

CLIENTS = 100
PURGE = {"prefix": "/", "mode": "hard"}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Every request has a connection of its own: any worker may take it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as it:
        yield it


def _workers(tambo: Tambo) -> list[int]:
    """The first three that the supervisor started; who stands by came after them."""
    pid = tambo.process.pid
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return sorted(int(child) for child in text.split())[:3]


@asynccontextmanager
async def _one_asleep(session: aiohttp.ClientSession, tambo: Tambo) -> AsyncIterator[None]:
    """A worker stands still that is not the one which answers the admin listener's requests."""
    for pid in reversed(_workers(tambo)):
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(2):
                assert (await fetch(session, f"{tambo.admin}/admin/entries"))[0] == 200
            yield
        except TimeoutError:
            continue
        finally:
            os.kill(pid, signal.SIGCONT)
        return
    raise AssertionError("each of them answers the admin listener's requests")


async def _all(session: aiohttp.ClientSession, tambo: Tambo, path: str, count: int = CLIENTS) -> list[Got]:
    return [await each for each in all_asking(session, [f"{tambo.url}{path}"] * count)]


async def test_one_fetch_a_purge_that_holds_for_who_slept_and_a_restart(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(1.0)
    async with api.serving() as upstream, running(tmp_path, upstream, WEB_CONCURRENCY="3") as tambo:
        old = await _all(session, tambo, "/cold", 3 * CLIENTS)
        assert {(one.status, one.body) for one in old} == {(200, old[0].body)}
        assert api.asked == {"/cold": 1}

        async with _one_asleep(session, tambo):
            status, _, body = await fetch(session, f"{tambo.admin}/admin/purge", "POST", json=PURGE)
        assert status == 200, body
        new = await _all(session, tambo, "/cold")
        assert {one.status for one in new} == {200}
        assert old[0].body not in {one.body for one in new}
        assert api.asked == {"/cold": 2}

        await tambo.restart()
        again = await _all(session, tambo, "/cold")
        assert {(one.word, one.body) for one in again} == {("HIT", new[0].body)}
        assert api.asked == {"/cold": 2}


async def test_a_supervisor_that_stands_still_costs_no_second_fetch(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(60.0)
    cap = {"TAMBO_UPSTREAM__CONCURRENCY__MAX": "1"}
    async with api.serving() as upstream, running(tmp_path, upstream, WEB_CONCURRENCY="3", **cap) as tambo:
        await fetch(session, f"{tambo.admin}/readyz")
        asking = all_asking(session, [f"{tambo.url}/slow"] * CLIENTS)
        await until(lambda: api.asked["/slow"])
        asking += all_asking(session, [f"{tambo.url}/next"])
        await asyncio.sleep(2)  # so that all of them wait in the hub
        tambo.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(3)
        finally:
            tambo.signal(signal.SIGCONT)
        await asyncio.sleep(2)  # so that it would have given away what it should not
        api.answer_all(0.0)
        got = [await each for each in asking]
    assert {one.status for one in got} == {200}
    assert api.asked == {"/slow": 1, "/next": 1}
    assert api.most == 1, "its place was another's when the supervisor came back"


async def test_a_storm_of_purges_under_the_supervisor(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Workers stand still and die under it: nothing that was purged is answered, by whomever, and no purge is refused
    for long."""
    (tmp_path / "tambo.toml").write_text(ROUTES)
    draw, origin = random.Random(1), Numbered()  # noqa: S311 - a load, not a secret
    async with origin.serving() as upstream, running(tmp_path, upstream, WEB_CONCURRENCY="3") as tambo:
        storm = Storm(session, [tambo], [], origin, draw)
        async with storm.load(rate=150):
            await storm.purges(lambda: sum(storm.statuses.values()) >= 60, purgers=1)
            assert set(storm.statuses) <= {200, 207}, storm.refusals
            calm = storm.told()
            storm.harmed = math.inf
            harming = asyncio.ensure_future(_harms(tambo, draw))
            ends = time.monotonic() + 12
            await storm.purges(lambda: time.monotonic() > ends)
            harming.cancel()
            await asyncio.gather(harming, return_exceptions=True)
        print(calm, storm.told(), sep="\n")
        assert [each for each in storm.witness.wrong if "Error" not in each] == [], (
            "a client whose worker died may see that"
        )
        assert storm.witness.hits > 100, "the purges met something"
        assert len(storm.kinds) >= 12, "most kinds in most modes"
        async with asyncio.timeout(30):
            while await storm.purge(tambo, {"all": True, "mode": "hard"}) != 200:
                await asyncio.sleep(0.1)


async def test_a_worker_of_another_release_says_what_to_do() -> None:
    setup = Setup(None, "", ())
    worker = await spawn([])
    with pytest.raises(CannotServeError, match=r"the supervisor is of another release .* end it and start the new one"):
        await worker.begin(Start(1, None, "/nowhere", (), setup, setup, 0, protocol=PROTOCOL + 1))
    assert worker.ended.done()


async def test_what_a_killed_worker_counted_is_not_lost_though_nobody_asked(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(0.0)
    async with api.serving() as upstream, running(tmp_path, upstream, WEB_CONCURRENCY="3") as tambo:
        await _all(session, tambo, "/cold")
        await asyncio.sleep(5 * BOOKS)
        for pid in _workers(tambo):
            os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(40):
            while len(tambo.said("worker ")) < 3 or (await fetch(session, f"{tambo.admin}/readyz"))[0] != 200:
                await asyncio.sleep(0.05)
        text = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
        lines = [line for line in text.splitlines() if line.startswith("tambo_requests_total")]
        assert sum(float(line.rpartition(" ")[2]) for line in lines) == CLIENTS


async def _harms(tambo: Tambo, draw: random.Random) -> None:
    """One worker or another stands still for a while, or dies."""
    while True:
        pid = draw.choice(_workers(tambo))
        if draw.random() < 0.25:
            os.kill(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(draw.choice([0.1, 0.5, LEASE + 0.5]))
            finally:
                os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.5)
