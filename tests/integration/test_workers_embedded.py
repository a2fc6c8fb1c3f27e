"""Workers of one machine over the embedded store: no answer that was purged, and a damaged file. What they share with
replicas: test_fleet.py."""

import asyncio
import random
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from tests.support.fleet import SlowApi, ask
from tests.support.numbered import Numbered
from tests.support.storm import LEASE, ROUTES, Storm
from tests.support.tambo import Tambo
from tests.support.workers import workers

pytestmark = pytest.mark.integration

WORKERS = 3


async def test_a_storm_of_purges(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """First with nothing but load, then while workers stand still now and then."""
    (tmp_path / "tambo.toml").write_text(ROUTES)
    draw, origin = random.Random(1), Numbered()  # noqa: S311 - a load, not a secret
    async with origin.serving() as upstream, workers(WORKERS, tmp_path, upstream) as three:
        storm = Storm(session, three, [], origin, draw)
        async with storm.load():
            patience = time.monotonic() + 30
            await storm.purges(lambda: len(storm.took) >= 200 or time.monotonic() > patience, purgers=1)
            calm = storm.told()
            assert set(storm.statuses) <= {200, 207}, "207: a worker that a busy machine left waiting is named"
            assert sorted(storm.took)[len(storm.took) // 2] < LEASE / 2, calm
            ends = time.monotonic() + 12
            pausing = asyncio.ensure_future(_pauses(three, draw))
            await storm.purges(lambda: time.monotonic() > ends)
            pausing.cancel()
            await asyncio.gather(pausing, return_exceptions=True)
        print(calm, storm.told(), sep="\n")
    assert storm.witness.wrong == []
    assert storm.witness.failures == 0
    assert storm.witness.hits > 500, "the purges met something"
    assert set(storm.statuses) <= {200, 207}
    assert len(storm.kinds) >= 12, "most kinds in most modes, whatever the machine was busy with"


async def _pauses(three: list[Tambo], draw: random.Random) -> None:
    while True:
        tambo = draw.choice(three)
        tambo.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(draw.choice([0.1, 0.5, LEASE + 0.5]))
        finally:
            tambo.signal(signal.SIGCONT)
        await asyncio.sleep(0.3)


async def test_a_damaged_file_is_replaced_once_and_all_go_on(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.0)
    async with api.serving() as upstream, workers(2, tmp_path, upstream) as both:

        async def is_shared(path: str) -> bool:
            """The second may come while what the first has been answered is still being stored."""
            first, second = [(await ask(session, f"{tambo.url}{path}")).word for tambo in both]
            return first == "MISS" and second in {"HIT", "COALESCED"}

        assert await is_shared("/a")
        (file,) = (each for each in (tmp_path / "data").glob("tambo-*.sqlite") if "jobs" not in each.name)
        with file.open("r+b") as damaged:
            damaged.write(b"\0" * 4096)
        number = 0
        async with asyncio.timeout(30):
            while not await is_shared(f"/new/{number}"):
                number += 1
                await asyncio.sleep(0.1)
        assert len([each for each in (tmp_path / "data").glob("*.unreadable-*") if each.suffix.count("-") == 1]) <= 2
        for tambo in both:
            assert not tambo.said("internal error")
