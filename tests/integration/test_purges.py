"""Purges by real Tambos: PURGE on the public port, refresh and its cost, who counts and who removes."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.support.fleet import PATIENT
from tests.support.numbered import Numbered
from tests.support.redis_many import ask
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

LONGEST = 86_410_000
"""Milliseconds: what has a validator is kept for a day after its ten seconds; the log for an hour."""
TEN_YEARS = 315_360_000_000
OF_THE_LIVING = {b"seats", b"replicas"}
"""What a full Redis must not evict first: each entry says its own end, and the last one takes the name with it."""
FEATURES = {b"1", b"purges", b"tag", b"seats", b"replicas", b"removal", b"holdoff", b"fill"}
SHORT = {"LOG_LEVEL": "info", "TAMBO_LISTEN__PURGE_CLIENTS": "127.0.0.1", **PATIENT}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as it:
        yield it


async def _until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(what)


async def _purge(session: aiohttp.ClientSession, tambo: Tambo, **form: object) -> dict[str, object]:
    status, _, body = await fetch(session, f"{tambo.admin}/admin/purge", "POST", json=form)
    assert status == 200, body
    said = json.loads(body)
    assert isinstance(said, dict)
    return said


async def _metric(session: aiohttp.ClientSession, tambo: Tambo, name: str) -> float:
    _, _, body = await fetch(session, f"{tambo.admin}/metrics")
    return sum(float(line.rpartition(" ")[2]) for line in body.decode().splitlines() if line.startswith(name))


async def test_purge_on_the_public_port_and_refresh(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    origin = Numbered(seconds=0)
    async with origin.serving() as upstream, running(tmp_path, upstream, **SHORT) as tambo:
        for number in range(5):
            await fetch(session, f"{tambo.url}/k/{number}")
        status, fields, body = await fetch(session, f"{tambo.url}/k/1", "PURGE", headers={"X-Purge": "hard"})
        assert (status, json.loads(body)) == (200, {"kind": "url", "mode": "hard", "count": 1})
        assert fields["Cache-Status"] == "tambo; detail=purge"
        assert (await fetch(session, f"{tambo.url}/k/1"))[1]["X-Cache"] == "MISS"
        assert origin.number == 6
        await fetch(session, f"{tambo.url}/k/2", "PURGE", headers={"X-Purge": "refresh"})
        await _until(lambda: origin.number == 7, "it is fetched again")
        await _until(lambda: bool(tambo.said("refreshed")), "and said so")
        _, fields, body = await fetch(session, f"{tambo.url}/k/2")
        assert (fields["X-Cache"], body) == ("HIT", b"7")
        assert (await _purge(session, tambo, prefix="/k/", mode="refresh"))["count"] is None
        await _until(lambda: origin.number == 12, "all five are")
        assert (await _purge(session, tambo, tag="g1", mode="hard"))["count"] == 2
        trial = await _purge(session, tambo, all=True, dry_run=True)
        assert (trial["count"], trial["at_least"]) == (3, False)
        await _until(lambda: len(tambo.said("purge carried out")) == 1, "the wide one is counted")
        assert {name: tambo.said("purge carried out")[0][name] for name in ("kind", "argument", "count", "by")} == {
            "kind": "prefix",
            "argument": "/k/",
            "count": 5,
            "by": "127.0.0.1",
        }
        assert await _metric(session, tambo, "tambo_purged_entries_total") == 1 + 1 + 5 + 2
        assert await _metric(session, tambo, 'tambo_purges_total{kind="url",mode="refresh"}') == 1


async def test_one_tambo_of_all_removes_and_counts(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    origin = Numbered(seconds=0)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(origin.serving())
        tambos: list[Tambo] = []
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            tambos.append(await stack.enter_async_context(running(folder, upstream, REDIS_URL=server.url, **SHORT)))
        for number in range(30):
            await fetch(session, f"{tambos[number % 3].url}/k/{number}")
        assert (await _purge(session, tambos[0], pattern="/k/1*", mode="hard"))["count"] is None
        assert (await _purge(session, tambos[1], tag="g2", mode="hard"))["count"] == 7
        assert (await _purge(session, tambos[2], all=True))["count"] is None

        def lines() -> list[dict[str, object]]:
            return [line for tambo in tambos for line in tambo.said("purge carried out")]

        await _until(lambda: len(lines()) == 2, "both wide ones are counted")
        assert {(line["kind"], line["count"]) for line in lines()} == {("pattern", 11), ("all", 12)}
        await _until(lambda: len(_stored(server)) == 12, "what was purged hard is gone")
        await asyncio.sleep(2.2)  # two more looks of everyone
        assert len(lines()) == 2


def _stored(server: RedisServer) -> list[bytes]:
    found = ask(server, "KEYS", "tambo:*:1:/k/*")
    assert isinstance(found, list)
    return [name for name in found if b":tag:" not in name]


async def test_nothing_in_redis_outlives_its_time(
    server: RedisServer, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Every feature that writes is used; then all has a time to live, none beyond the longest that was asked for, and
    when that has passed the keyspace is empty."""
    origin = Breaking(seconds=0.2)
    config = tmp_path / "tambo.toml"
    config.write_text(
        '[upstream]\nurl = "${UPSTREAM_URL}"\nconcurrency = { max = 2 }\n'
        '[defaults]\nstale_if_error = "20s"\narchive = "30s"\n'
        '[[routes]]\nname = "k"\nmode = "override"\nmatch = { path = "/k/{n}" }\nttl = "10s"\n'
        'tags = ["all", "n:{n}"]\nkey = { fields = ["Accept-Language"] }\n'
    )
    async with origin.serving() as upstream:
        environ = {"REDIS_URL": server.url, "TAMBO_CONFIG": str(config), **SHORT}
        async with running(tmp_path, upstream, **environ) as tambo:
            kinds: set[bytes] = set()
            watching = asyncio.ensure_future(_watch(server, kinds))
            urls = [f"{tambo.url}/k/{number}" for number in range(10)] + [f"{tambo.url}/{'1' * 800}"]
            for language in ("es", "qu"):
                headers = {"Accept-Language": language}
                await asyncio.gather(*(fetch(session, url, headers=headers) for url in urls))
            await _purge(session, tambo, url="/k/1", mode="hard")
            await _purge(session, tambo, tag="n:2")
            await _purge(session, tambo, prefix="/k/3", mode="hard")
            await _purge(session, tambo, tag="n:4")
            origin.is_broken = True
            await fetch(session, f"{tambo.url}/k/4", headers={"Accept-Language": "es"})  # stale, and left alone then
            await _until(lambda: len(tambo.said("purge carried out")) == 1, "it is carried out")
            await _until(lambda: kinds >= FEATURES or watching.done(), "all is used")
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        assert not _check(server) & OF_THE_LIVING
        longest = max(_left(server, name) for name in _all(server))
        for name in _all(server):  # time passes
            left = ask(server, "PTTL", name)
            assert isinstance(left, int)
            ask(server, "PEXPIRE", name, str(max(1, left - longest)))
        await _until(lambda: ask(server, "DBSIZE") == 0, "the keyspace is empty")


class Breaking(Numbered):
    """It answers no more once it is told to."""

    is_broken = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        return web.Response(status=503) if self.is_broken else await super().answer(request)


async def _watch(server: RedisServer, kinds: set[bytes]) -> None:
    """Look again and again at every key there is."""
    while True:
        kinds |= await asyncio.to_thread(_check, server)
        await asyncio.sleep(0.02)


def _all(server: RedisServer) -> list[bytes]:
    found = ask(server, "KEYS", "*")
    assert isinstance(found, list)
    return found


def _left(server: RedisServer, name: bytes) -> int:
    left = ask(server, "PTTL", name)
    assert isinstance(left, int)
    return left


def _check(server: RedisServer) -> set[bytes]:
    """Each key ends, none later than what was asked for and the log's own hour; what kinds there are."""
    names = _all(server)
    for name in names:
        left = _left(server, name)
        assert left != -1, f"{name!r} has no end"
        is_of_the_living = name.split(b":")[2] in OF_THE_LIVING
        assert left <= (TEN_YEARS if is_of_the_living else LONGEST), f"{name!r} lasts {left} ms"
    return {name.split(b":")[2] for name in names}
