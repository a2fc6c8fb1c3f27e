"""Looking through what real Tambos have stored in a real Cluster: page by page, by every kind of search, everywhere."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.clock import SystemClock
from proxy.store.redis_address import parse_address
from proxy.store.redis_question import Limits
from proxy.store.redis_store import Bounds, RedisStore
from tests.contract import test_browsed
from tests.support.builders import a_key
from tests.support.fleet import PATIENT
from tests.support.numbered import Numbered
from tests.support.redis_many import Cluster
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path_factory.mktemp("cluster"), stack)


@pytest.fixture
async def backing(cluster: Cluster, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    limits = Limits(timeout=2.0, command_timeout=5.0)
    bounds = Bounds(variants=8, namespace=f"tambo:{request.node.name}")
    store = RedisStore(parse_address(cluster.url()), SystemClock(), limits, bounds)
    await store.open()
    await store.get(a_key("/"))
    yield store
    await store.close()


async def test_a_cluster_is_looked_through_as_a_single_redis_is(backing: RedisStore) -> None:
    await test_browsed.test_what_is_found_is_what_a_purge_would_meet(backing)


@pytest.mark.parametrize("most", [1, 100])
async def test_pages_lead_through_all_nodes_of_a_cluster(backing: RedisStore, most: int) -> None:
    await test_browsed.test_every_page_together_are_everything(backing, most)


async def test_many_are_found_in_a_cluster_in_bounded_pages(backing: RedisStore) -> None:
    await test_browsed.test_many_are_found_in_bounded_pages(backing)


async def test_a_variant_is_removed_alone_in_a_cluster(backing: RedisStore) -> None:
    await test_browsed.test_variants_stand_each_for_themselves(backing)


async def _all(session: aiohttp.ClientSession, tambo: Tambo, query: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        status, _, body = await fetch(session, f"{tambo.admin}/admin/entries?limit=7&{query}&cursor={cursor}")
        assert status == 200, body
        page = json.loads(body)
        entries += page["entries"]
        cursor = page["cursor"]
    return list({entry["id"]: entry for entry in entries}.values())


async def test_what_one_tambo_stores_every_other_shows_and_removes(cluster: Cluster, tmp_path: Path) -> None:
    origin = Numbered(seconds=0)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(origin.serving())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tambos: list[Tambo] = []
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            tambos.append(
                await stack.enter_async_context(running(folder, upstream, REDIS_URL=cluster.url(), **PATIENT))
            )
        one, two = tambos
        for number in range(60):
            await fetch(session, f"{one.url}/k/{number}")
        assert {entry["target"] for entry in await _all(session, two, "all=1")} == {f"/k/{n}" for n in range(60)}
        assert {entry["target"] for entry in await _all(session, two, "tag=g1")} == {f"/k/{n}" for n in range(1, 60, 3)}
        assert {entry["target"] for entry in await _all(session, two, "pattern=/k/*7")} == {
            f"/k/{n}" for n in range(7, 60, 10)
        }
        (entry,) = await _all(session, two, "url=/k/5")
        status, _, body = await fetch(session, f"{two.admin}/admin/entries/{entry['id']}")
        assert (status, json.loads(body)["body"]) == (200, {"text": "6"})
        assert (await fetch(session, f"{one.url}/k/5"))[1]["X-Cache"] == "HIT"
        assert (await fetch(session, f"{two.admin}/admin/entries/{entry['id']}", "DELETE"))[0] == 200
        assert (await fetch(session, f"{one.url}/k/5"))[1]["X-Cache"] == "MISS"  # true in memory elsewhere, too
        assert (await fetch(session, f"{one.url}/k/8"))[1]["X-Cache"] == "HIT"
