"""The admin listener under a prefix of the public port: with one process, and with several."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

BEARER = {"Authorization": "Bearer s3cret"}


@pytest.fixture
async def api() -> Api:
    return Api()


@pytest.fixture(params=["1", "2"])
async def tambo(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> AsyncIterator[Tambo]:
    environ = {"WEB_CONCURRENCY": request.param, "ADMIN_PREFIX": "/-/tambo", "ADMIN_TOKEN": "s3cret"}
    async with serving(api) as upstream, running(tmp_path, upstream, **environ) as it:
        yield it


async def test_health_is_open_the_rest_wants_the_token_and_nothing_else_is_shadowed(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    here = f"{tambo.url}/-/tambo"
    assert (await fetch(session, f"{here}/healthz"))[2] == b"ok\n"
    assert (await fetch(session, f"{here}/readyz"))[2] == b"ready\n"
    assert json.loads((await fetch(session, f"{here}/health"))[2])["status"] == "healthy"
    for path in ("/metrics", "/admin/mode", "/admin/entries"):
        assert (await fetch(session, f"{here}{path}"))[0] == 401
        assert (await fetch(session, f"{here}{path}", headers=BEARER))[0] == 200
    status, fields, _ = await fetch(session, here, allow_redirects=False)
    assert (status, fields["Location"]) == (308, "/-/tambo/")

    url = f"{tambo.url}/json/a"
    assert [(await fetch(session, url))[1]["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
    purge = json.dumps({"url": "/json/a", "mode": "hard"}).encode()
    status, _, body = await fetch(session, f"{here}/admin/purge", "POST", data=purge, headers=BEARER)
    assert (status, json.loads(body)["count"]) == (200, 1)
    assert (await fetch(session, url))[1]["X-Cache"] == "MISS"
    (told,) = tambo.said("purged")
    assert told["by"] == "127.0.0.1"

    for path in ("/-/tamboo", "/-/other", "/x/-/tambo/healthz"):
        status, fields, _ = await fetch(session, f"{tambo.url}{path}")
        assert "X-Cache" in fields
        assert api.asked[path] == 1 or status == 404
    metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
    assert 'route="admin"' in metrics


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_without_a_token_only_health_is_answered(
    api: Api, tmp_path: Path, session: aiohttp.ClientSession, workers: str
) -> None:
    environ = {"WEB_CONCURRENCY": workers, "ADMIN_PREFIX": "/-/tambo"}
    async with serving(api) as upstream, running(tmp_path, upstream, **environ) as tambo:
        assert (await fetch(session, f"{tambo.url}/-/tambo/healthz"))[0] == 200
        status, _, body = await fetch(session, f"{tambo.url}/-/tambo/metrics")
        assert (status, "ADMIN_TOKEN" in json.loads(body)["detail"]) == (403, True)
        assert (await fetch(session, f"{tambo.admin}/metrics"))[0] == 200
        assert tambo.said("admin.prefix: there is no ADMIN_TOKEN")
