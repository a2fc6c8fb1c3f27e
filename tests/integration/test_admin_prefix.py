"""The admin listener under a prefix of the public port: with one process, and with several."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

BEARER = {"Authorization": "Bearer s3cret"}
HEALTH = frozenset({"/healthz", "/readyz", "/health"})
SIGN_IN = frozenset({"/", "/signin", "/assets/app.css", "/assets/app.js"})
OTHERS = (
    *("/assets/page.html", "/assets/", "/assets", "/signout", "/admin/stream", "/admin", "/nothing", "/openapi.json"),
    # the same in other words
    *("//admin/stats", "/./admin/stats", "/assets/../admin/stats", "/assets/%2e%2e/admin/stats", "/admin%2fstats"),
    *("/healthz/../admin/stats", "/healthz/", "/signin/", "/ADMIN/stats", "/%61dmin/stats", "/admin/stats/"),
)
"""What the description of the admin API does not name."""


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


async def operations(tambo: Tambo, session: aiohttp.ClientSession) -> list[tuple[str, str]]:
    """Method and path of all that there is."""
    described = json.loads((await fetch(session, f"{tambo.admin}/openapi.json", headers=BEARER))[2])["paths"]
    named = [(method.upper(), path.replace("{id}", "x")) for path, each in described.items() for method in each]
    assert len(named) > 15
    assert {path for _, path in named} >= HEALTH
    return [*named, *((method, path) for path in (*SIGN_IN, *OTHERS) for method in ("GET", "POST"))]


async def statuses(
    tambo: Tambo, session: aiohttp.ClientSession, asked: list[tuple[str, str]], fields: dict[str, str]
) -> dict[tuple[str, str], int]:
    """How each is answered under the prefix; paths go out as they stand."""

    async def status(method: str, path: str) -> int:
        url = URL(f"{tambo.url}/-/tambo{path}", encoded=True)
        async with session.request(method, url, headers=fields, allow_redirects=False) as answer:
            return answer.status

    return {each: await status(*each) for each in asked}


@pytest.mark.parametrize("fields", [{}, {"Cookie": "tambo_session=forged"}], ids=["nothing", "a forged session"])
async def test_without_the_token_health_and_signing_in_are_answered_and_nothing_else(
    tambo: Tambo, session: aiohttp.ClientSession, fields: dict[str, str]
) -> None:
    told = await statuses(tambo, session, await operations(tambo, session), fields)
    open_to_all = {path for (_, path), status in told.items() if status != 401}
    assert open_to_all == HEALTH | SIGN_IN
    assert {told["GET", path] for path in open_to_all - {"/signin"}} == {200}
    assert (told["GET", "/signin"], told["POST", "/signin"], told["POST", "/"]) == (405, 403, 405)
    _, _, page = await fetch(session, f"{tambo.url}/-/tambo/")
    assert b'type="password"' in page
    assert b"hit rate" not in page.lower()


async def test_with_a_wrong_token_health_alone_is_answered(tambo: Tambo, session: aiohttp.ClientSession) -> None:
    told = await statuses(tambo, session, await operations(tambo, session), {"Authorization": "Bearer wrong"})
    assert {path for (_, path), status in told.items() if status != 401} == HEALTH


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_without_a_token_only_health_is_answered(
    api: Api, tmp_path: Path, session: aiohttp.ClientSession, workers: str
) -> None:
    environ = {"WEB_CONCURRENCY": workers, "ADMIN_PREFIX": "/-/tambo"}
    async with serving(api) as upstream, running(tmp_path, upstream, **environ) as tambo:
        assert (await fetch(session, f"{tambo.url}/-/tambo/healthz"))[0] == 200
        status, _, body = await fetch(session, f"{tambo.url}/-/tambo/metrics")
        assert (status, "ADMIN_TOKEN" in json.loads(body)["detail"]) == (403, True)
        told = await statuses(tambo, session, await operations(tambo, session), BEARER)
        assert {path for (_, path), status in told.items() if status != 403} == HEALTH
        assert (await fetch(session, f"{tambo.admin}/metrics"))[0] == 200
        assert tambo.said("admin.prefix: there is no ADMIN_TOKEN")
