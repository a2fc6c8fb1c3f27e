"""The configuration is read again while requests are answered: by signal and by API, with one process and several."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

CACHED = """
[upstream.concurrency]
max = 9
[[routes]]
name = "cached"
match = { path = "/json/{name}" }
mode = "override"
ttl = "1h"
"""
NOT_CACHED = CACHED.replace('ttl = "1h"', "cache = false").replace('"cached"', '"through"')


@pytest.fixture
async def api() -> Api:
    return Api()


@pytest.fixture(params=["1", "2"])
async def tambo(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> AsyncIterator[Tambo]:
    (tmp_path / "tambo.toml").write_text(CACHED)
    async with serving(api) as upstream, running(tmp_path, upstream, WEB_CONCURRENCY=request.param) as it:
        yield it


async def reload(tambo: Tambo, session: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
    status, _, body = await fetch(session, f"{tambo.admin}/admin/reload", "POST")
    return status, json.loads(body)


async def generation(tambo: Tambo, session: aiohttp.ClientSession) -> float:
    metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
    (line,) = [line for line in metrics.splitlines() if line.startswith("tambo_config_generation ")]
    return float(line.split()[1])


async def until_told(tambo: Tambo, message: str, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while len(tambo.said(message)) < times:
            await asyncio.sleep(0.02)


async def test_new_routes_hold_at_once_on_connections_that_stay_and_the_cache_is_kept(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    url = f"{tambo.url}/json/a"
    assert [(await fetch(session, url))[1]["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
    assert await generation(tambo, session) == 1
    (tmp_path / "tambo.toml").write_text(NOT_CACHED)
    tambo.signal(signal.SIGHUP)
    await until_told(tambo, "configuration reloaded")
    assert [(await fetch(session, url))[1]["X-Cache"] for _ in range(6)] == ["BYPASS"] * 6
    assert await generation(tambo, session) == 2
    (tmp_path / "tambo.toml").write_text(CACHED)
    status, said = await reload(tambo, session)
    assert (status, said) == (
        200,
        {"generation": 3, "file": "tambo.toml", "needs_restart": [], "warnings": []},
    )
    assert (await fetch(session, url))[1]["X-Cache"] == "HIT"
    assert await generation(tambo, session) == 3
    assert api.asked["/json/a"] == 7


async def test_a_bad_file_is_refused_and_the_old_one_goes_on(
    tambo: Tambo, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    url = f"{tambo.url}/json/a"
    await fetch(session, url)
    (tmp_path / "tambo.toml").write_text(CACHED.replace("ttl", "tlt"))
    tambo.signal(signal.SIGHUP)
    await until_told(tambo, "the configuration was not reloaded: the old one stays")
    problem = "tambo.toml: routes.cached.tlt: unknown key; did you mean 'ttl'?"
    assert tambo.said(problem)
    status, said = await reload(tambo, session)
    assert status == 422
    assert problem in said["detail"]
    assert [error["key"] for error in said["errors"]] == ["routes.cached.tlt"]
    assert (await fetch(session, url))[1]["X-Cache"] == "HIT"
    assert await generation(tambo, session) == 1


async def test_what_needs_a_restart_is_named_and_the_rest_holds(
    tambo: Tambo, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    text = '[listen]\nconnections = 9\n[store]\nmemory = "2MiB"\n[admin]\ntoken = "s3cret"\n' + NOT_CACHED
    (tmp_path / "tambo.toml").write_text(text)
    status, said = await reload(tambo, session)
    assert (status, said["needs_restart"]) == (200, ["store.memory"])
    assert (await fetch(session, f"{tambo.url}/json/a"))[1]["X-Cache"] == "BYPASS"
    assert (await reload(tambo, session))[0] == 401
    bearer = {"Authorization": "Bearer s3cret"}
    assert (await fetch(session, f"{tambo.admin}/admin/mode", headers=bearer))[0] == 200


async def test_a_request_under_way_ends_under_the_old_one(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "tambo.toml").write_text(CACHED.replace("max = 9", "max = 2"))
    slow = asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/a"))
    async with asyncio.timeout(60):
        while not api.asked["/slow/a"]:
            await asyncio.sleep(0.02)
    assert (await reload(tambo, session))[0] == 200
    third = [asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/{name}")) for name in "bcd"]
    async with asyncio.timeout(60):
        while api.inflight < 2:
            await asyncio.sleep(0.02)
    api.gate.set()
    assert [status for status, _, _ in [await slow, *await asyncio.gather(*third)]] == [200] * 4
    assert api.most_inflight == 2
