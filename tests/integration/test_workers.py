"""Several workers on one port as a user starts them: crashes, signals, one admin listener for all. Embedded store."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration


@pytest.fixture
async def api() -> Api:
    return Api()


@asynccontextmanager
async def crew(api: Api, folder: Path, **environ: str) -> AsyncIterator[Tambo]:
    async with serving(api) as upstream, running(folder, upstream, WEB_CONCURRENCY="2", **environ) as it:
        yield it


@pytest.fixture
async def tambo(api: Api, tmp_path: Path) -> AsyncIterator[Tambo]:
    async with crew(api, tmp_path) as it:
        yield it


def children(pid: int) -> list[int]:
    """The processes that this one started and that are not gone, in the order of their start."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return sorted(int(child) for child in text.split())


async def metrics(tambo: Tambo, session: aiohttp.ClientSession) -> dict[str, float]:
    """Every sample by its line."""
    text = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def served(samples: dict[str, float]) -> float:
    return sum(value for name, value in samples.items() if name.startswith("tambo_requests_total"))


class Load:
    """Clients that ask again and again on connections they keep, until told to stop."""

    def __init__(self, url: str, clients: int = 8) -> None:
        self.url = url
        self.statuses: Counter[int | str] = Counter()
        self._stop = asyncio.Event()
        self._clients = [asyncio.ensure_future(self._ask(number)) for number in range(clients)]

    async def _ask(self, number: int) -> None:
        async with aiohttp.ClientSession() as session:
            while not self._stop.is_set():
                try:
                    status, _, _ = await fetch(session, f"{self.url}/json/{number}")
                    self.statuses[status] += 1
                except aiohttp.ClientError as error:
                    self.statuses[type(error).__name__] += 1
                await asyncio.sleep(0.005)

    async def end(self) -> Counter[int | str]:
        self._stop.set()
        await asyncio.gather(*self._clients)
        return self.statuses

    async def until(self, count: int) -> None:
        """Wait for so many answers more."""
        goal = self.statuses.total() + count
        async with asyncio.timeout(90):
            while self.statuses.total() < goal:
                await asyncio.sleep(0.01)


async def until_told(tambo: Tambo, message: str, times: int = 1) -> None:
    async with asyncio.timeout(90):
        while len(tambo.said(message)) < times:
            await asyncio.sleep(0.02)


def workers_of(tambo: Tambo) -> set[int]:
    return {line["worker"] for line in tambo.log if line["message"] == "request"}


async def test_both_serve_one_cache_and_one_admin_listener(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    statuses: Counter[int | str] = Counter()
    while len(workers_of(tambo)) < 2:  # whoever is awake accepts, be it all of eight
        load = Load(tambo.url, clients=8)
        await load.until(200)
        statuses += await load.end()
    assert set(statuses) == {200}
    assert [api.asked[f"/json/{number}"] for number in range(8)] == [1] * 8
    samples = await metrics(tambo, session)
    assert served(samples) == statuses.total()
    assert samples["tambo_workers"] == 2
    assert samples['tambo_upstream_requests_total{cause="miss",outcome="2xx",route="default"}'] == 8
    stats = json.loads((await fetch(session, f"{tambo.admin}/admin/stats"))[2])
    assert (stats["workers"], sum(stats["requests"]["by_result"].values())) == (2, statuses.total())
    top = json.loads((await fetch(session, f"{tambo.admin}/admin/top?by=hits"))[2])
    assert sorted(row["key"] for row in top["keys"]) == sorted(f"/json/{number}" for number in range(8))
    assert sum(row["requests"] for row in top["keys"]) <= statuses.total()
    assert (await fetch(session, f"{tambo.admin}/admin/top?by=hit"))[0] == 400
    for path, said in (("/healthz", b"ok\n"), ("/readyz", b"ready\n")):
        assert (await fetch(session, f"{tambo.admin}{path}"))[2] == said
    health = json.loads((await fetch(session, f"{tambo.admin}/health"))[2])
    assert health == {"status": "healthy", "redis": "embedded"}


async def test_who_crashes_under_load_is_replaced_by_who_stands_by_and_nothing_that_was_counted_is_lost(
    tambo: Tambo, session: aiohttp.ClientSession
) -> None:
    clients = 8
    load = Load(tambo.url, clients)
    await load.until(100)
    async with asyncio.timeout(60):
        while len(children(tambo.process.pid)) < 3:  # two that serve, one that stands by
            await asyncio.sleep(0.05)
    before = served(await metrics(tambo, session))
    first, second, standing_by = children(tambo.process.pid)
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(60):
        while (now := await metrics(tambo, session)).get('tambo_worker_restarts_total{reason="crash"}') != 1:
            assert served(now) >= before
        while now["tambo_workers"] != 2:
            now = await metrics(tambo, session)
            assert served(now) >= before
    assert children(tambo.process.pid)[:2] == [second, standing_by]
    await load.until(100)
    statuses = await load.end()
    assert statuses.total() - statuses[200] <= clients
    assert set(statuses) <= {200, "ServerDisconnectedError", "ClientOSError"}
    assert served(await metrics(tambo, session)) >= before + 100
    (told,) = tambo.said("worker 1 was killed by SIGKILL; another one takes its place")
    assert told["level"] == "error"


async def test_a_rolling_restart_fails_nobody_and_metrics_never_fall(
    tambo: Tambo, session: aiohttp.ClientSession
) -> None:
    load = Load(tambo.url)
    await load.until(50)
    before = children(tambo.process.pid)[:2]
    counted = [served(await metrics(tambo, session))]
    tambo.signal(signal.SIGUSR2)
    while not tambo.said("rolling restart done"):
        counted.append(served(await metrics(tambo, session)))
        await asyncio.sleep(0.05)
    await until_told(tambo, "stopped", times=2)
    await load.until(100)
    statuses = await load.end()
    assert set(statuses) == {200}
    assert counted == sorted(counted)
    async with asyncio.timeout(60):
        while set(before) & set(children(tambo.process.pid)):
            await asyncio.sleep(0.02)
    async with asyncio.timeout(60):  # the last one's numbers come with its end
        while served(samples := await metrics(tambo, session)) != statuses.total():
            await asyncio.sleep(0.05)
    assert samples['tambo_worker_restarts_total{reason="rolling"}'] == 2


async def test_sigterm_loses_none_of_fifty_in_flight(tmp_path: Path, api: Api, session: aiohttp.ClientSession) -> None:
    async with crew(api, tmp_path) as tambo:
        asked = [asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/{number}")) for number in range(50)]
        async with asyncio.timeout(60):
            while api.inflight < 50:
                await asyncio.sleep(0.02)
        tambo.signal()
        await until_told(tambo, "stopping", times=3)
        assert (await fetch(session, f"{tambo.admin}/readyz"))[0] == 503
        api.gate.set()
        answers = await asyncio.gather(*asked)
        assert [status for status, _, _ in answers] == [200] * 50
        assert await tambo.ended() == 0
    assert Counter(line["worker"] for line in tambo.said("stopped") if "worker" in line) == {1: 1, 2: 1}


async def test_a_second_sigterm_ends_it_now(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    hanging = asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/a"))
    async with asyncio.timeout(60):
        while not api.inflight:
            await asyncio.sleep(0.02)
    tambo.signal()
    await until_told(tambo, "stopping", times=3)
    tambo.signal()
    assert await tambo.ended(10) == 0
    with pytest.raises(aiohttp.ClientError):
        await hanging


async def test_a_sigterm_in_a_rolling_restart_is_heard_at_once(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    hanging = asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/a"))
    async with asyncio.timeout(60):
        while not api.inflight:
            await asyncio.sleep(0.02)
    tambo.signal(signal.SIGUSR2)
    await until_told(tambo, "rolling restart begins")
    tambo.signal()
    async with asyncio.timeout(30):
        while (await fetch(session, f"{tambo.admin}/readyz"))[0] != 503:
            await asyncio.sleep(0.02)
    await until_told(tambo, "stopping")
    tambo.signal()
    assert await tambo.ended(20) == 0
    with pytest.raises(aiohttp.ClientError):
        await hanging


@pytest.mark.parametrize("born", [0, 2], ids=["before the first worker is there", "while they begin"])
async def test_a_sigterm_while_it_starts_ends_it(tmp_path: Path, born: int) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\nif 'proxy.app.workers.worker' in sys.orig_argv: time.sleep(5)\n"
    )
    path = f"{tmp_path}:{Path(__file__).parents[2]}"
    tambo = Tambo({"UPSTREAM_URL": "http://127.0.0.1:9", "WEB_CONCURRENCY": "2", "PYTHONPATH": path}, tmp_path)
    starting = asyncio.ensure_future(tambo.start())
    async with asyncio.timeout(90):
        while not hasattr(tambo, "process") or len(children(tambo.process.pid)) < born:
            await asyncio.sleep(0.005)
    tambo.signal()
    with pytest.raises(RuntimeError, match="tambo ended"):
        await starting
    # A busy machine lets us see that it is there only when it hears signals already.
    assert await tambo.ended(30) in ({0} if born else {0, -signal.SIGTERM})


async def test_a_purge_is_asked_of_another_where_the_first_stands_still(
    tambo: Tambo, session: aiohttp.ClientSession
) -> None:
    await fetch(session, f"{tambo.url}/json/a")
    first = children(tambo.process.pid)[0]
    os.kill(first, signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            form = {"url": "/json/a", "mode": "hard"}
            status, _, body = await fetch(session, f"{tambo.admin}/admin/purge", "POST", json=form)
    finally:
        os.kill(first, signal.SIGCONT)
    assert status in {200, 207}, body


async def test_no_worker_outlives_its_supervisor(tambo: Tambo, tmp_path: Path) -> None:
    workers = children(tambo.process.pid)
    assert len(workers) >= 2
    tambo.signal(signal.SIGKILL)
    await tambo.process.wait()
    async with asyncio.timeout(60):
        while _workers(tmp_path) & set(workers):
            await asyncio.sleep(0.02)


async def test_mode_and_purge_reach_all(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    load = Load(tambo.url)
    await load.until(100)
    assert set(await load.end()) == {200}

    async def said(count: int = 12) -> set[str]:
        answers: set[str] = set()
        for _ in range(count):  # each on a connection of its own: any worker may take it
            async with aiohttp.ClientSession() as fresh:
                answers.add((await fetch(fresh, f"{tambo.url}/json/0"))[1]["X-Cache"])
        return answers

    assert await said() == {"HIT"}
    purge = json.dumps({"url": "/json/0", "mode": "hard"}).encode()
    status, _, body = await fetch(session, f"{tambo.admin}/admin/purge", "POST", data=purge)
    assert (status, json.loads(body)["count"]) == (200, 1)
    assert "MISS" in (after := await said())
    assert after <= {"MISS", "HIT", "COALESCED"}  # another worker may ask while the first one still stores
    assert api.asked["/json/0"] == 2, [line for line in tambo.log if line.get("target") == "/json/0"][-16:]
    mode = json.dumps({"mode": "bypass"}).encode()
    assert (await fetch(session, f"{tambo.admin}/admin/mode", "PUT", data=mode))[0] == 200
    assert await said() == {"BYPASS"}
    os.kill(children(tambo.process.pid)[0], signal.SIGKILL)
    await until_told(tambo, "worker 1 was killed")
    async with asyncio.timeout(60):
        while (await metrics(tambo, session))["tambo_workers"] != 2:
            await asyncio.sleep(0.05)
    assert await said() == {"BYPASS"}
    mode = json.dumps({"mode": "normal"}).encode()
    assert (await fetch(session, f"{tambo.admin}/admin/mode", "PUT", data=mode))[0] == 200
    assert await said() == {"HIT"}


async def test_a_second_tambo_on_the_same_folder_is_refused(tambo: Tambo, tmp_path: Path) -> None:
    second = Tambo({"UPSTREAM_URL": "http://127.0.0.1:1", "WEB_CONCURRENCY": "2"}, tmp_path)
    with pytest.raises(RuntimeError, match=rf"in use by process {tambo.process.pid}, another Tambo"):
        await second.start()
    assert await second.ended() == 3


async def test_workers_that_can_never_start_end_it_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'proxy.app.workers.worker' in sys.orig_argv: os._exit(9)\n"
    )
    environ = {"PATH": os.environ["PATH"], "UPSTREAM_URL": "http://h", "WEB_CONCURRENCY": "2", "PORT": "0"}
    environ |= {"ADMIN_PORT": "0", "LOG_FORMAT": "json", "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "run"), env=environ, cwd=tmp_path, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, told = await process.communicate()
    lines: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines()]
    assert process.returncode == 1
    assert lines[-1]["message"].startswith("cannot start: no worker can start: it ended with exit code 9")
    assert 5 <= sum(line["message"].startswith("a worker cannot start") for line in lines) <= 12


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """No worker of any test may outlive it."""
    yield
    assert _workers(tmp_path) == set()


def _workers(folder: Path) -> set[int]:
    """Those that run in this folder: a test of another process has workers, too."""
    found: set[int] = set()
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and b"proxy.app.workers.worker" in (process / "cmdline").read_bytes():
                found |= {int(process.name)} if (process / "cwd").readlink() == folder else set()
        except OSError:
            continue
    return found
