"""The entries endpoints over a real socket and a real file."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from proxy.edge.admin.access import Gate
from proxy.edge.admin.app import AdminParts, Health, make_admin_app
from proxy.edge.admin.entries import Entries
from proxy.edge.admin.reloading import Reloaded
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.purge_desk import PurgeDesk
from proxy.exchange.purging import Purger
from proxy.policy.route import RoutePolicy
from proxy.store.disk import DiskStore
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from tests.support.builders import a_key, a_stored
from tests.support.clock import FakeClock
from tests.support.scenario import Scenario

StartClient = Callable[[Application], Awaitable[TestClient[Request, Application]]]


class Desk:
    """An admin listener over a store."""

    def __init__(self, store: TieredStore, clock: FakeClock) -> None:
        self.store = store
        self.purges: list[tuple[str, str, int | None]] = []
        routes: tuple[RoutePolicy, ...] = Scenario().routes
        desk = PurgeDesk(Purger(routes, store), store.stock, lambda *purge: self.purges.append(purge))
        self.parts = AdminParts(
            lambda: Gate(None, on_loopback=True),
            desk,
            lambda: Health("embedded", is_ready=True),
            lambda: b"",
            "text/plain",
            ModeSwitch(clock),
            self.reload,
            Entries(desk, clock.now, self.hits),
        )
        self.client: TestClient[Request, Application]

    async def reload(self, by: str) -> Reloaded:
        """Nothing here reloads."""
        raise AssertionError(by)

    def hits(self, keys: Sequence[str]) -> list[int | None]:
        """Only one is known."""
        return [7 if key == "/a/1" else None for key in keys]

    async def ask(self, path: str, method: str = "GET") -> tuple[int, Any]:
        async with self.client.request(method, path) as answer:
            return answer.status, await answer.json(content_type=None)

    async def targets(self, query: str) -> list[str]:
        status, page = await self.ask(f"/admin/entries?{query}")
        assert status == 200, page
        return sorted(entry["target"] for entry in page["entries"])


@pytest.fixture
async def desk(tmp_path: Path, aiohttp_client: StartClient) -> AsyncIterator[Desk]:
    clock = FakeClock()
    store = TieredStore(Memory(1_000_000, clock), DiskStore(tmp_path / "data", clock), clock)
    await store.open()
    desk = Desk(store, clock)
    for text, tags in (("/a/1", ("x",)), ("/a/2", ("x", "y")), ("/b", ())):
        await store.put(a_key(text), a_stored(target=text, tags=tags), 60)
    desk.client = await aiohttp_client(make_admin_app(desk.parts))
    yield desk
    await store.close()


@pytest.mark.parametrize(
    ("query", "targets"),
    [
        ("", ["/a/1", "/a/2", "/b"]),
        ("all=true", ["/a/1", "/a/2", "/b"]),
        ("url=/a/1", ["/a/1"]),
        ("url=http://any.example/a/1", ["/a/1"]),
        ("prefix=/a/", ["/a/1", "/a/2"]),
        ("pattern=/*/2", ["/a/2"]),
        ("tag=x", ["/a/1", "/a/2"]),
        ("tag=none", []),
        ("route=default", ["/a/1", "/a/2", "/b"]),
    ],
)
async def test_searches(desk: Desk, query: str, targets: list[str]) -> None:
    assert await desk.targets(query) == targets


async def test_pages_lead_through_all(desk: Desk) -> None:
    for number in range(30):
        await desk.store.put(a_key(f"/n/{number}"), a_stored(target=f"/n/{number}"), 60)
    seen: list[str] = []
    cursor = ""
    while True:
        _, page = await desk.ask(f"/admin/entries?prefix=/n/&limit=7&cursor={cursor}")
        assert len(page["entries"]) <= 7
        seen += [entry["target"] for entry in page["entries"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(f"/n/{number}" for number in range(30))


async def test_a_purge_is_seen_before_the_bytes_are_gone(desk: Desk) -> None:
    async with desk.client.post("/admin/purge?prefix=/a/&mode=hard") as answer:
        assert answer.status == 200
    assert await desk.targets("") == ["/b"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=0", "'limit' must be a number from 1 to 500"),
        ("limit=x", "'limit'"),
        ("limit=501", "'limit'"),
        ("limit=0000000019999", "'limit'"),
        ("limit=" + "0" * 5000, "'limit'"),
        ("cursor=x", "'cursor'"),
        ("cursor=%C3%A9", "'cursor'"),
        ("url=/a&tag=x", "exactly one of"),
        ("urll=/a", "did you mean 'url'"),
        ("route=x", "there is no route 'x'"),
        ("pattern=a", "a pattern begins with"),
        ("entry=x", "unknown name 'entry'"),
    ],
)
async def test_bad_searches_are_told_why(desk: Desk, query: str, words: str) -> None:
    status, problem = await desk.ask(f"/admin/entries?{query}")
    assert status == 400
    assert words in problem["detail"]


async def test_a_cursor_is_good_for_its_own_search_alone(desk: Desk) -> None:
    _, page = await desk.ask("/admin/entries?limit=1")
    assert page["cursor"]
    status, problem = await desk.ask(f"/admin/entries?limit=1&tag=x&cursor={page['cursor']}")
    assert (status, "of this search" in problem["detail"]) == (400, True)


async def test_show(desk: Desk) -> None:
    _, page = await desk.ask("/admin/entries?url=/a/1")
    (row,) = page["entries"]
    status, entry = await desk.ask(f"/admin/entries/{row['id']}?pretty=1")
    assert status == 200
    assert (row["hits"], entry["hits"]) == (7, 7)
    assert entry["body"] == {"text": '{\n  "a": 1\n}'}
    assert {name: entry[name] for name in row if name != "size"} == {
        name: value for name, value in row.items() if name != "size"
    }
    assert (await desk.ask(f"/admin/entries/{row['id']}?preti=1"))[0] == 400


async def test_remove_takes_one_and_is_counted(desk: Desk) -> None:
    _, page = await desk.ask("/admin/entries?url=/a/1")
    path = f"/admin/entries/{page['entries'][0]['id']}"
    status, said = await desk.ask(path, "DELETE")
    assert (status, said["id"], said["count"]) == (200, page["entries"][0]["id"], 1)
    assert await desk.targets("") == ["/a/2", "/b"]
    for method in ("GET", "DELETE"):
        status, problem = await desk.ask(path, method)
        assert (status, "no entry is stored" in problem["detail"]) == (404, True)
    assert desk.purges == [("entry", "hard", 1), ("entry", "hard", 0)]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_no_id_is_not_found(desk: Desk, method: str) -> None:
    status, problem = await desk.ask("/admin/entries/nonsense", method)
    assert status == 404
    assert "is not the id of an entry" in problem["detail"]


async def test_a_store_that_is_out_is_a_503(desk: Desk) -> None:
    await desk.store.close()
    status, problem = await desk.ask("/admin/entries")
    assert (status, problem["detail"]) == (503, "The store cannot be read; try again.")


async def test_a_dry_run_counts_and_costs(desk: Desk) -> None:
    await desk.store.put(a_key("/c"), a_stored(target="/c", tags=("x",), cost=2.5), 60)
    async with desk.client.post("/admin/purge", json={"tag": "x", "dry_run": True, "mode": "hard"}) as answer:
        said = await answer.json()
    assert {name: said[name] for name in ("count", "at_least", "upstream_seconds", "dry_run", "mode")} == {
        "count": 3,
        "at_least": False,
        "upstream_seconds": 2.5,
        "dry_run": True,
        "mode": "hard",
    }
    assert sorted(row["target"] for row in said["sample"]) == ["/a/1", "/a/2", "/c"]
    assert await desk.targets("tag=x") == ["/a/1", "/a/2", "/c"]
    assert desk.purges == []


async def test_a_sample_is_bounded(desk: Desk) -> None:
    for number in range(40):
        await desk.store.put(a_key(f"/n/{number}"), a_stored(target=f"/n/{number}"), 60)
    async with desk.client.post("/admin/purge?all=1&dry_run=1") as answer:
        said = await answer.json()
    assert (said["count"], len(said["sample"])) == (43, 10)


@pytest.mark.parametrize("word", ["maybe", 3, None])
async def test_a_dry_run_is_true_or_false(desk: Desk, word: object) -> None:
    async with desk.client.post("/admin/purge", json={"all": True, "dry_run": word}) as answer:
        assert answer.status == 400
        assert "'dry_run' must be true or false" in await answer.text()
