"""The admin listener of several workers, over real sockets: what is put together, what is passed on, who is spared."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from yarl import URL

from proxy.edge.admin.access import Gate
from proxy.edge.admin.front import FrontParts, make_front_app
from proxy.edge.admin.gatekeeper import BY
from proxy.edge.admin.inner import Inner
from proxy.edge.admin.reloading import Reloaded
from proxy.exchange.operating import ModeSwitch
from tests.support.clock import FakeClock

AdminClient = TestClient[web.Request, web.Application]
StartClient = Callable[[web.Application], Awaitable[AdminClient]]


class Crew:
    """Workers' admin applications on sockets of their own; and what they were asked."""

    def __init__(self) -> None:
        self.health = {1: "connected", 2: "connected"}
        self.asked: list[tuple[int, str, str, str, bytes]] = []
        self.inners: dict[int, Inner] = {}
        self.why: str | None = None
        self.switch = ModeSwitch(FakeClock())

    async def answer(self, number: int, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((number, request.method, request.raw_path, request.headers.get(BY, ""), body))
        if request.path == "/health":
            word = self.health[number]
            return web.json_response({"status": "healthy" if word == "connected" else "degraded", "redis": word})
        if request.path == "/admin/stats":
            return web.json_response({"n": number}, status=400 if request.query else 200)
        return web.Response(status=201, text=f"worker {number}", headers={"X-Own": "1"})

    async def start(self, number: int, folder: Path) -> web.AppRunner:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self.answer(number, request)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.UnixSite(runner, folder / f"{number}").start()
        self.inners[number] = Inner(folder / f"{number}")
        return runner

    async def reload(self, by: str) -> Reloaded:
        return Reloaded(2, None)

    @property
    def parts(self) -> FrontParts:
        def merged(parts: Any) -> dict[str, Any]:
            return {"n": sum(part["n"] for _, part in parts)}

        return FrontParts(
            lambda: Gate("s3cret", on_loopback=False),
            lambda: list(self.inners.items()),
            lambda: self.why,
            lambda told: b"".join(body for _, body in told),
            "text/plain",
            {"/admin/stats": merged},
            self.switch,
            self.reload,
        )


@pytest.fixture
async def crew(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crew]:
    crew, folder = Crew(), tmp_path_factory.mktemp("s")
    runners = [await crew.start(number, folder) for number in (1, 2)]
    yield crew
    for inner in crew.inners.values():
        await inner.close()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def client(crew: Crew, aiohttp_client: StartClient) -> AdminClient:
    return await aiohttp_client(make_front_app(crew.parts))


BEARER = {"Authorization": "Bearer s3cret"}


async def test_the_token_is_asked_for_here_and_nobody_behind_hears_of_who_has_none(
    crew: Crew, client: AdminClient
) -> None:
    assert (await client.get("/admin/entries")).status == 401
    assert crew.asked == []


async def test_what_is_not_for_all_is_passed_on_to_the_first_with_who_asks(crew: Crew, client: AdminClient) -> None:
    answer = await client.post(URL("/admin/purge?x=%2F", encoded=True), data=b"{}", headers=BEARER | {BY: "somebody"})
    assert (answer.status, await answer.text(), answer.headers["X-Own"]) == (201, "worker 1", "1")
    assert crew.asked == [(1, "POST", "/admin/purge?x=%2F", "127.0.0.1", b"{}")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("connected", "connected"), {"status": "healthy", "redis": "connected"}),
        (("connected", "disconnected"), {"status": "degraded", "redis": "disconnected"}),
    ],
)
async def test_health_is_the_worst(
    crew: Crew, client: AdminClient, words: tuple[str, str], said: dict[str, str]
) -> None:
    crew.health = dict(enumerate(words, 1))
    assert await (await client.get("/health")).json() == said


async def test_readiness_is_the_supervisors_word(crew: Crew, client: AdminClient) -> None:
    assert (await client.get("/readyz")).status == 200
    crew.why = "stopping"
    answer = await client.get("/readyz")
    assert (answer.status, await answer.text()) == (503, "stopping\n")


async def test_figures_are_put_together_and_a_wrong_question_is_answered_as_one(
    crew: Crew, client: AdminClient
) -> None:
    assert await (await client.get("/admin/stats", headers=BEARER)).json() == {"n": 3}
    assert (await client.get("/admin/stats?x=1", headers=BEARER)).status == 400


async def test_all_are_told_of_the_mode(crew: Crew, client: AdminClient) -> None:
    answer = await client.put("/admin/mode", data=b'{"mode": "offline", "for": "1m"}', headers=BEARER)
    assert await answer.json() == {"mode": "offline", "seconds_left": 60}
    assert sorted(asked[:3] for asked in crew.asked) == [(1, "PUT", "/admin/mode"), (2, "PUT", "/admin/mode")]
    assert json.loads(crew.asked[0][4]) == {"mode": "offline", "for": 60.0}
    assert (await client.put("/admin/mode", data=b'{"mode": "of"}', headers=BEARER)).status == 400


async def test_who_was_closed_while_all_are_asked_says_nothing(crew: Crew, client: AdminClient) -> None:
    """As in a rolling restart: the list was made before."""
    await crew.inners[1].close()
    assert (await client.get("/metrics")).status == 200
    assert await (await client.get("/health")).json() == {"status": "healthy", "redis": "connected"}
    assert await (await client.get("/admin/stats", headers=BEARER)).json() == {"n": 2}
    assert (await client.put("/admin/mode", data=b'{"mode": "normal"}', headers=BEARER)).status == 200
    assert {asked[0] for asked in crew.asked} == {2}


@pytest.mark.parametrize("is_listed", [True, False])
async def test_one_who_has_gone_is_stepped_over_where_asking_twice_does_no_harm(
    crew: Crew, client: AdminClient, tmp_path: Path, *, is_listed: bool
) -> None:
    await crew.inners[1].close()
    if not is_listed:
        crew.inners[1] = Inner(tmp_path / "nobody")
    answer = await client.get("/admin/entries", headers=BEARER)
    assert await answer.text() == "worker 2"
    answer = await client.post("/admin/warm", data=b"{}", headers=BEARER)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert [asked[1] for asked in crew.asked] == ["GET"]
    answer = await client.post("/admin/purge", data=b"{}", headers=BEARER)
    assert await answer.text() == "worker 2", "to purge twice is to purge"
