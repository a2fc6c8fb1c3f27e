"""Promised answers (RFC 7240) by real Tambos: told by any of them, kept although the one that promised has died."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.support.fleet import PATIENT, SlowApi, replicas, until
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

ROUTES = """
[[routes]]
name = "slow"
match = { path = "/slow/{id}" }
respond_async = true
ttl = "1h"
"""
ASYNC = {"Prefer": "respond-async, wait=0"}


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "tambo.toml"
    file.write_text(ROUTES)
    return str(file)


async def followed(session: aiohttp.ClientSession, tambo: Tambo, place: str, seconds: float = 30) -> tuple[int, str]:
    """Ask for a job until it leads somewhere: how often it was asked, and where it leads."""
    asked = 0
    async with asyncio.timeout(seconds):
        while True:
            status, fields, body = await fetch(session, f"{tambo.url}{place}", allow_redirects=False)
            asked += 1
            if status == 303:
                return asked, fields["Location"]
            assert (status, json.loads(body)["state"]) == (200, "running"), body
            assert fields["Cache-Control"] == "no-store"
            assert int(fields["Retry-After"]) >= 1
            await asyncio.sleep(0.1)


async def test_any_tambo_tells_and_the_end_is_the_resource(
    tmp_path: Path, redis: RedisServer, config: str, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(60.0)
    shared = {"REDIS_URL": redis.url, "TAMBO_CONFIG": config, **PATIENT}
    async with api.serving() as upstream, replicas(2, tmp_path, upstream, **shared) as (first, second):
        status, fields, body = await fetch(session, f"{first.url}/slow/1?a=b", headers=ASYNC)
        assert (status, fields["Preference-Applied"]) == (202, "respond-async")
        assert json.loads(body)["resource"] == "/slow/1?a=b"
        place = f"{second.url}{fields['Location']}"
        assert json.loads((await fetch(session, place, allow_redirects=False))[2])["state"] == "running"
        api.released.set()
        _, where = await followed(session, second, fields["Location"])
        assert where == "/slow/1?a=b"
        status, fields, _ = await fetch(session, f"{second.url}{where}", headers=ASYNC)
        assert (status, fields["X-Cache"]) == (200, "HIT")
        assert api.asked == {"/slow/1": 1}
        # A hundred clients that take promises are one fetch, too.
        api.forget(60.0)
        many = [fetch(session, f"{(first, second)[n % 2].url}/slow/2", headers=ASYNC) for n in range(100)]
        got = await asyncio.gather(*many)
        assert {status for status, _, _ in got} == {202}
        assert len({fields["Location"] for _, fields, _ in got}) == 100
        api.released.set()
        await followed(session, first, got[-1][1]["Location"])
        assert api.asked == {"/slow/2": 1}


async def test_a_promise_outlives_who_gave_it(
    tmp_path: Path, redis: RedisServer, config: str, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(2.0)
    shared = {"REDIS_URL": redis.url, "TAMBO_CONFIG": config, **PATIENT}
    async with api.serving() as upstream, replicas(2, tmp_path, upstream, **shared) as (dying, staying):
        status, fields, _ = await fetch(session, f"{dying.url}/slow/1", headers=ASYNC)
        assert status == 202
        await until(lambda: api.asked["/slow/1"])
        dying.process.kill()
        _, where = await followed(session, staying, fields["Location"])
        assert where == "/slow/1"
        assert api.asked["/slow/1"] <= 2


async def test_the_embedded_store_keeps_it_over_a_restart(
    tmp_path: Path, config: str, session: aiohttp.ClientSession
) -> None:
    """And a route that does not say so, or a path of our own where no route does, is nothing special."""
    api = SlowApi(0.8)
    async with api.serving() as upstream, running(tmp_path, upstream, TAMBO_CONFIG=config) as tambo:
        assert (await fetch(session, f"{tambo.url}/other", headers=ASYNC))[0] == 200
        assert (await fetch(session, f"{tambo.url}/-/tambo/jobs/nothing"))[0] == 404
        status, fields, _ = await fetch(session, f"{tambo.url}/slow/1", headers=ASYNC)
        assert status == 202
        await tambo.restart()  # which finishes what it has begun
        asked, where = await followed(session, tambo, fields["Location"])
        assert (asked, where) == (1, "/slow/1")
        assert api.asked["/slow/1"] == 1
        metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
        assert 'result="pass",route="default",status_class="3xx"} 1.0' in metrics


async def test_every_worker_tells_and_warms_over_one_embedded_store(
    tmp_path: Path, config: str, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(0.8)
    two = {"TAMBO_CONFIG": config, "WEB_CONCURRENCY": "2"}
    async with api.serving() as upstream, running(tmp_path, upstream, **two) as tambo:
        status, fields, _ = await fetch(session, f"{tambo.url}/slow/1", headers=ASYNC)
        assert status == 202
        places = [
            followed_alone(tambo, fields["Location"]) for _ in range(8)
        ]  # connections of their own: either worker
        assert {where for _, where in await asyncio.gather(*places)} == {"/slow/1"}
        assert api.asked == {"/slow/1": 1}
        form = {"urls": [f"/slow/{number}" for number in range(1, 9)], "parallel": 4}
        status, fields, _ = await fetch(session, f"{tambo.admin}/admin/warm", "POST", json=form)
        assert status == 202
        async with asyncio.timeout(30):
            while True:
                job = json.loads((await fetch(session, f"{tambo.admin}{fields['Location']}"))[2])
                if job["state"] == "done":
                    break
                await asyncio.sleep(0.1)
        assert (job["fetched"], job["fresh"], job["failures"]) == (7, 1, [])
        assert max(api.asked.values()) == 1


async def followed_alone(tambo: Tambo, place: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session:
        return await followed(session, tambo, place)
