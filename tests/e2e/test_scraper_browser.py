"""The API with real Chromium against the practice site: every fixture, every failure switch, and what is left behind.

Most tests share one pool of browsers, as visitors of a running service do.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from scraper_backend import processes
from scraper_backend.browser import Browser, Chromium, find_chromium
from scraper_backend.browser_pool import BrowserEngine
from scraper_backend.engine import query_fields
from scraper_backend.pages import Alert, Sign, classify
from scraper_backend.practice_site.fixtures import FIXTURES, UNREGISTERED_RUC
from scraper_backend.settings import Settings
from tests.support.sunat import (
    TROUBLES,
    Client,
    Trouble,
    api,
    arm,
    asked,
    check,
    eventually,
    expected,
    origin,
    practice_site,
)

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

BASE = Settings(
    pace=0, retry_pause=0.01, firewall_pause=0.01, step_timeout=8.0, deadline=60, sessions=2, breaker_after=1000
)


@pytest.fixture(scope="module")
def chromium() -> Chromium:
    """The browser of this machine."""
    processes.adopt_orphans()
    return find_chromium(Settings())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Client]:
    """The practice site."""
    async with practice_site() as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(site: Client, chromium: Chromium) -> AsyncIterator[Client]:
    """The API, its browsers shared by the tests of this module."""
    settings = replace(BASE, site=origin(site))
    async with api(BrowserEngine(settings, chromium), settings) as made:
        yield made


def browsers_of(pid: int) -> list[str]:
    """Command lines of the browsers' main processes below `pid`, and of zombies among its children."""
    found = []
    table = list(processes.everything())
    parents = {each.pid: each.parent for each in table}
    for process in table:
        if process.parent == pid and process.state == "Z" and process.name.startswith("chrom"):
            found.append(f"zombie {process.name}")
        line = running_as(process.pid)
        if "tambo-chromium-" in line and "--type=" not in line and "crashpad" not in line:
            found += [line] if _is_below(process.pid, pid, parents) else []
    return found


def running_as(pid: int) -> str:
    """The command line of `pid`, as `browsers_of` gives it; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def _is_below(at: int, pid: int, parents: Mapping[int, int]) -> bool:
    while at in parents and at != pid:
        at = parents[at]
    return at == pid


@pytest.mark.parametrize("ruc", FIXTURES)
async def test_answers_every_fixture(site: Client, client: Client, ruc: str) -> None:
    await arm(site)
    answer = await client.get(f"/obtener-ruc/{ruc}")
    assert answer.status == 200
    assert await answer.json() == expected(FIXTURES[ruc])


@pytest.mark.parametrize(
    "trouble", [t for t in TROUBLES if t.browser and not t.is_silent], ids=lambda trouble: trouble.name
)
async def test_every_failure_has_an_honest_answer(site: Client, client: Client, trouble: Trouble) -> None:
    await check(site, client, trouble, FIXTURES[trouble.ruc], browser=True)


@pytest.mark.parametrize(
    "trouble", [t for t in TROUBLES if t.browser and t.is_silent], ids=lambda trouble: trouble.name
)
async def test_every_silence_has_an_honest_answer(site: Client, chromium: Chromium, trouble: Trouble) -> None:
    settings = replace(BASE, site=origin(site), step_timeout=3.0, sessions=1)
    async with api(BrowserEngine(settings, chromium), settings) as client:
        await check(site, client, trouble, FIXTURES[trouble.ruc], browser=True)


async def test_an_unregistered_number_is_asked_for_once(site: Client, client: Client) -> None:
    await arm(site)
    assert (await client.get(f"/obtener-ruc/{UNREGISTERED_RUC}")).status == 404
    assert len(await asked(site, step="ficha")) == 1


async def test_visits_as_a_visitor_would(site: Client, client: Client) -> None:
    await arm(site)
    await client.get("/obtener-ruc/20999999019")
    visit = await asked(site)
    assert [entry["step"] for entry in visit] == ["form", "ficha", "workers", "representatives"]
    assert len({entry["session"] for entry in visit[1:]}) == 1
    assert len(visit[1]["fields"]["token"]) == 52
    assert "HeadlessChrome" not in str(visit)
    assert all(entry["headers"]["Sec-Fetch-Mode"] == "navigate" for entry in visit)
    assert visit[0]["headers"]["Accept-Language"].startswith("es-PE")


async def test_the_next_visitor_of_a_browser_has_no_past(site: Client, client: Client) -> None:
    await arm(site)
    for ruc in ("20999999019", "20999999027"):
        await client.get(f"/obtener-ruc/{ruc}")
    sessions = {entry["ruc"]: entry["session"] for entry in await asked(site, step="ficha")}
    assert sessions["20999999019"] != sessions["20999999027"]
    assert all("Cookie" not in entry["headers"] for entry in await asked(site, step="form"))


async def test_two_at_once_never_share_a_browser(site: Client, client: Client) -> None:
    await arm(site)
    rucs = list(FIXTURES)[:6]
    answers = await asyncio.gather(*(client.get(f"/obtener-ruc/{ruc}") for ruc in rucs))
    assert [(await answer.json())["razonSocial"] for answer in answers] == [
        expected(FIXTURES[ruc])["razonSocial"] for ruc in rucs
    ]
    living = [each for each in browsers_of(os.getpid()) if not each.startswith("zombie ")]  # the dead are reaped later
    assert len(living) <= 2 * 2  # each browser, and the driver that was given its profile


async def test_the_pages_own_check_of_the_number_is_understood(site: Client, chromium: Chromium) -> None:
    await arm(site)
    engine = BrowserEngine(replace(BASE, site=origin(site)), chromium)
    try:
        async with engine.session() as session:
            seen = await session.query("20123456789")
    finally:
        await engine.close()
    assert isinstance(seen, Alert)
    assert classify(seen) is Sign.INVALID_NUMBER
    assert await asked(site, step="ficha") == []


async def test_a_page_without_a_body_is_left_like_any_other(site: Client, chromium: Chromium) -> None:
    """What was cut short may have had no time to get one."""
    await arm(site)
    browser = await asyncio.to_thread(Browser, chromium, replace(BASE, site=origin(site)))
    try:
        for gone in ("document.body.remove()", "document.documentElement.remove()"):
            assert classify(await asyncio.to_thread(browser.open_form)) is Sign.FORM
            await asyncio.to_thread(browser._driver.execute_script, gone)
            seen = await asyncio.to_thread(browser.post, query_fields("20999999019"))
            assert classify(seen) is Sign.FICHA, seen
    finally:
        await asyncio.to_thread(browser.quit)


async def test_the_deadline_ends_a_look_up_and_its_browser(site: Client, chromium: Chromium) -> None:
    settings = replace(BASE, site=origin(site), deadline=7.0, step_timeout=60, sessions=1)
    async with api(BrowserEngine(settings, chromium), settings) as client:
        await arm(site, {"switch": "hang", "step": "ficha"})
        assert (await client.get("/obtener-ruc/20999999019")).status == 504
        await arm(site)

        async def finds() -> bool:  # a browser's start alone may take seconds where much else goes on
            return (await client.get("/obtener-ruc/20999999027")).status == 200

        await eventually(finds)


async def test_a_client_that_leaves_keeps_no_browser(site: Client, client: Client) -> None:
    await arm(site, {"switch": "delay", "seconds": 0.5, "step": "ficha"})
    leaving = asyncio.ensure_future(client.get("/obtener-ruc/20999999019"))
    await eventually(lambda: asked(site, step="ficha"))
    leaving.cancel()

    async def nobody_is_in() -> bool:
        return bool((await (await client.get("/health")).json())["sessions"]["in_use"] == 0)

    await eventually(nobody_is_in)
    assert (await client.get("/obtener-ruc/20999999027")).status == 200


async def test_browsers_are_renewed_by_count(site: Client, chromium: Chromium) -> None:
    await arm(site)
    settings = replace(BASE, site=origin(site), sessions=1, browser_lookups=2)
    engine = BrowserEngine(settings, chromium)
    before, used = set(browsers_of(os.getpid())), []
    try:
        for _ in range(3):
            async with engine.session():
                used.append(set(browsers_of(os.getpid())) - before)
    finally:
        await engine.close()
    assert used[0] == used[1]
    assert used[2].isdisjoint(used[0])
    assert set(browsers_of(os.getpid())) == before


async def test_browsers_are_renewed_by_age(site: Client, chromium: Chromium) -> None:
    engine = BrowserEngine(replace(BASE, site=origin(site), sessions=1, browser_age=1.0), chromium)
    before, used = set(browsers_of(os.getpid())), list[set[str]]()

    async def another_is_used() -> bool:
        async with engine.session():
            used.append(set(browsers_of(os.getpid())) - before)
        return used[-1] != used[0]

    try:
        await eventually(another_is_used)
    finally:
        await engine.close()
    assert used[-1].isdisjoint(used[0])


async def test_a_browser_that_died_while_idle_is_replaced(site: Client, chromium: Chromium) -> None:
    await arm(site)
    settings = replace(BASE, site=origin(site), sessions=1)
    before = set(browsers_of(os.getpid()))
    async with api(BrowserEngine(settings, chromium), settings) as client:
        assert (await client.get("/obtener-ruc/20999999019")).status == 200
        made = set(browsers_of(os.getpid())) - before
        idle = [
            each.pid for each in processes.everything() if each.session != each.pid and running_as(each.pid) in made
        ]
        assert idle
        for pid in idle:
            os.kill(pid, signal.SIGKILL)
        assert (await client.get("/obtener-ruc/20999999027")).status == 200
        assert len(await asked(site, step="ficha")) == 2


async def test_an_idle_browser_is_ended(site: Client, chromium: Chromium) -> None:
    before = browsers_of(os.getpid())
    engine = BrowserEngine(replace(BASE, site=origin(site), sessions=1, browser_idle=1.0), chromium)
    try:
        async with engine.session():
            assert len(browsers_of(os.getpid())) > len(before)
        await eventually(lambda: browsers_of(os.getpid()) == before)
    finally:
        await engine.close()


@pytest.mark.parametrize("broken", [{"binary": "/bin/true"}, {"driver": "/bin/false"}, {"driver": "/nowhere/driver"}])
async def test_a_browser_that_cannot_start_is_said_so(
    site: Client, chromium: Chromium, broken: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings = replace(BASE, site=origin(site))
    async with api(BrowserEngine(settings, replace(chromium, **broken)), settings) as client:
        answer = await client.get("/obtener-ruc/20999999019")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert "/" not in (await answer.json())["detail"]
    assert [left for left in os.listdir(tmp_path) if left.startswith("tambo-")] == []


async def test_sigterm_finishes_what_is_in_flight_and_leaves_nothing(site: Client) -> None:
    await arm(site, {"switch": "delay", "seconds": 0.7, "step": "ficha"})
    environment = {**os.environ, "SUNAT_URL": origin(site), "HOST": "127.0.0.1", "PORT": "0", "SCRAPER_PACE": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scraper_backend", env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        address = line.partition("listening on ")[2].partition(",")[0]
        answer = asyncio.ensure_future(client_get(f"http://{address}/obtener-ruc/20999999019"))
        await eventually(lambda: asked(site, step="ficha"))
        below = browsers_of(process.pid)
        assert below
        process.send_signal(signal.SIGTERM)
        status, body = await answer
        assert status == 200, body
        assert await asyncio.wait_for(process.wait(), 60) == 0
        await process.stderr.read()
    finally:
        if process.returncode is None:
            process.kill()
    profiles = [word for command in below for word in command.split() if word.startswith("--user-data-dir=")]
    assert profiles
    for profile in profiles:
        assert not os.path.exists(profile.partition("=")[2])  # noqa: ASYNC240  one look at a local folder
        assert not running_with(profile)


async def client_get(url: str) -> tuple[int, str]:
    """Ask over a connection of its own."""
    import aiohttp  # noqa: PLC0415

    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


def running_with(argument: str) -> list[str]:
    """Every process with `argument` in its command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if argument in line:
            found.append(line)
    return found
