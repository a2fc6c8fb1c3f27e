"""The admin listener over a real socket, with a purger over a store in memory."""

import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from proxy.edge.admin.access import Gate
from proxy.edge.admin.app import AdminParts, Health, make_admin_app
from proxy.edge.admin.entries import Entries
from proxy.edge.admin.reloading import Reloaded
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.purge_desk import NOT_KNOWN, PurgeDesk
from proxy.exchange.purging import Purger
from tests.support.entries import no_inventory
from tests.support.scenario import Scenario

AdminClient = TestClient[Request, Application]
StartClient = Callable[[Application], Awaitable[AdminClient]]


class Desk:
    """An admin application and what it is told."""

    def __init__(self, token: str | None = None) -> None:
        self.play = Scenario()
        self.state = Health("embedded", is_ready=True)
        self.purges: list[tuple[str, str, int | None]] = []
        self.reloads: list[str] = []
        purger = Purger(self.play.routes, self.play.store)
        desk = PurgeDesk(purger, no_inventory(), lambda *purge: self.purges.append(purge))
        self.parts = AdminParts(
            lambda: Gate(token, on_loopback=True),
            desk,
            lambda: self.state,
            lambda: b"tambo_up 1\n",
            "text/plain; version=0.0.4; charset=utf-8",
            ModeSwitch(self.play.clock),
            self.reload,
            Entries(desk, self.play.clock.now, lambda keys: [None for _ in keys]),
        )

    async def reload(self, by: str) -> Reloaded:
        """See Reload."""
        self.reloads.append(by)
        return Reloaded(len(self.reloads) + 1, "tambo.toml", ("listen.port",))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk, aiohttp_client: StartClient) -> AdminClient:
    return await aiohttp_client(make_admin_app(desk.parts))


async def test_health(desk: Desk, client: AdminClient) -> None:
    assert await (await client.get("/health")).json() == {"status": "healthy", "redis": "embedded"}
    desk.state = Health("disconnected", is_ready=True)
    assert await (await client.get("/health")).json() == {"status": "degraded", "redis": "disconnected"}
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 200
    desk.state = Health("connected", is_ready=False)
    assert (await client.get("/readyz")).status == 503
    assert (await client.get("/healthz")).status == 200


async def test_metrics(client: AdminClient) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert await answer.text() == "tambo_up 1\n"


async def test_a_purge_by_url_counts(desk: Desk, client: AdminClient) -> None:
    await desk.play.get("/a?x=%2C")
    answer = await client.post("/admin/purge", json={"url": "http://any.example/a?x=%2C", "mode": "hard"})
    assert (answer.status, await answer.json()) == (200, {"kind": "url", "mode": "hard", "count": 1})
    assert desk.purges == [("url", "hard", 1)]
    assert (await desk.play.get("/a?x=%2C")).x_cache == "MISS"


@pytest.mark.parametrize(
    "aim", [{"prefix": "/a"}, {"pattern": "/a/*/b"}, {"pattern": "*/b?x=*"}, {"route": "default"}, {"all": True}]
)
async def test_other_purges_do_not_count(client: AdminClient, aim: dict[str, object]) -> None:
    answer = await client.post("/admin/purge", json=aim)
    assert (await answer.json())["count"] is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"url": "a"}, "neither an absolute URL nor a path"),
        ({"url": "http:///a"}, "neither"),
        ({"url": "/a b"}, "percent-encoded"),
        ({"routes": "x"}, "unknown name 'routes'; did you mean 'route'?"),
        ({"route": "defautl"}, "there is no route 'defautl'; did you mean 'default'?"),
        ({"route": "x"}, "there is no route 'x'; the routes are default"),
        ({"pattern": "a*"}, "a pattern begins with '/' or '*'"),
        ({"pattern": "/\u00e1*"}, "percent-encoded"),
    ],
)
async def test_bad_purges_are_told_why(client: AdminClient, body: dict[str, object], says: str) -> None:
    answer = await client.post("/admin/purge", json=body)
    assert answer.status == 400
    assert answer.content_type == "application/problem+json"
    assert says in json.loads(await answer.text())["detail"]


async def test_a_purge_that_cannot_be_written_is_a_503(desk: Desk, client: AdminClient) -> None:
    desk.play.store.is_down = True
    answer = await client.post("/admin/purge", json={"all": True})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert json.loads(await answer.text())["detail"] == NOT_KNOWN
    assert desk.purges == []


async def test_the_wrong_method_and_the_wrong_path(client: AdminClient) -> None:
    assert (await client.get("/admin/purge")).status == 405
    assert (await client.get("/nothing")).status == 404


async def test_a_foreign_host_is_refused(client: AdminClient) -> None:
    answer = await client.post("/admin/purge", json={"all": True}, headers={"Host": "evil.example"})
    assert answer.status == 403


async def test_a_token_is_asked_for(aiohttp_client: StartClient) -> None:
    client = await aiohttp_client(make_admin_app(Desk("s3cret").parts))
    refused = await client.post("/admin/purge", json={"all": True})
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    let_in = await client.post("/admin/purge", json={"all": True}, headers={"Authorization": "Bearer s3cret"})
    assert let_in.status == 200
