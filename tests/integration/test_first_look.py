"""``scripts/run`` with what a newcomer's machine may have in store for it: ports taken, no Chromium, a second start."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.support.first_look import FirstLook, listens
from tests.support.tambo import fetch

pytestmark = pytest.mark.integration

NOWHERE = "http://127.0.0.1:9"
RUC = "/obtener-ruc/20999999019"
UNREGISTERED = "/obtener-ruc/20000000001"


@pytest.fixture
def look(tmp_path: Path) -> FirstLook:
    """A first look without a browser."""
    return FirstLook(tmp_path, SCRAPER_ENGINE="http")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as it:
        yield it


def with_tools(look: FirstLook, *names: str) -> Path:
    """A folder with these programs alone, for a PATH of somebody who may not install any."""
    tools = look.folder / "tools"
    tools.mkdir()
    for name in names:
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "id").write_text("#!/bin/bash\necho 1000\n")  # not root
    (tools / "id").chmod(0o755)
    return tools


@pytest.mark.parametrize("variable", ["PORT", "ADMIN_PORT", "SCRAPER_PORT", "PRACTICE_PORT"])
async def test_a_port_that_is_taken_is_named_before_anything_starts(look: FirstLook, variable: str) -> None:
    port = look.environ[variable]
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", int(port)):
        assert await look.ended() == 1
    assert look.said() == f"Port {port} is taken; say another one: {variable}=... make run\n"
    assert not (look.folder / ".run" / "practice.log").exists()


async def test_what_does_not_start_is_named_and_everything_else_is_stopped(look: FirstLook) -> None:
    assert await look.ended(SCRAPER_ENGINE="curl") == 1
    assert "The scraper did not start:\nscraper_backend: SCRAPER_ENGINE='curl': must be one of" in look.said()
    assert not await listens(look.practice_port)


async def test_nothing_goes_on_when_it_is_stopped(look: FirstLook) -> None:
    async with look.running() as process:
        assert await listens(look.scraper_port)
    assert process.returncode == 0
    ports = (look.port, look.admin_port, look.scraper_port, look.practice_port)
    assert [await listens(port) for port in ports] == [False] * 4


async def test_nothing_goes_on_when_it_is_stopped_twice(tmp_path: Path) -> None:
    """``make`` passes on the signal that its whole group has had already; and so does who presses Ctrl-C again."""
    slow = FirstLook(tmp_path, SCRAPER_ENGINE="http", PRACTICE_DELAY="5")
    ports = (slow.port, slow.admin_port, slow.scraper_port, slow.practice_port)
    async with slow.running() as process, fetching_slowly(slow):
        process.terminate()
        while "stopping" not in slow.said():
            await asyncio.sleep(0.05)
        process.terminate()
        await process.wait()
    async with asyncio.timeout(30):
        while any([await listens(port) for port in ports]):
            await asyncio.sleep(0.1)


@asynccontextmanager
async def fetching_slowly(look: FirstLook) -> AsyncIterator[None]:
    """Somebody waits for an answer meanwhile, so that stopping takes a while."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", look.port)
    writer.write(f"GET {RUC} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await writer.drain()
    while not await is_fetching(look):
        await asyncio.sleep(0.05)
    yield
    writer.close()


async def is_fetching(look: FirstLook) -> bool:
    async with aiohttp.ClientSession() as session:
        _, _, body = await fetch(session, f"http://127.0.0.1:{look.admin_port}/metrics")
    return b"tambo_upstream_inflight 1" in body


async def test_without_chromium_it_says_so_in_one_line_and_goes_on(
    look: FirstLook, session: aiohttp.ClientSession
) -> None:
    tools = with_tools(look, "bash", "env", "mkdir", "seq", "setsid", "sh", "sleep", "tail")
    async with look.running(SCRAPER_ENGINE="", PATH=str(tools)):
        assert (await fetch(session, look.url + RUC))[0] == 200
    said = look.said().splitlines()
    assert said[0] == (
        "Chromium is missing and could not be installed; scraping by plain HTTP instead (SCRAPER_ENGINE=http)."
    )


@pytest.mark.parametrize("environ", [{}, {"SCRAPER_CHROMIUM": "/opt/chrome", "SCRAPER_CHROMEDRIVER": "/opt/driver"}])
@pytest.mark.parametrize("names", [("chromium", "chromedriver"), ("google-chrome", "chromedriver"), ("chromium",), ()])
async def test_chromium_is_there_under_every_name_that_the_scraper_knows(
    look: FirstLook, names: tuple[str, ...], environ: dict[str, str]
) -> None:
    tools = with_tools(look, "bash", "env")
    for name in names:
        (tools / name).symlink_to("/bin/true")
    process = await asyncio.create_subprocess_exec(
        "scripts/services",
        "chromium",
        cwd=look.folder,
        env={"PATH": str(tools), **environ},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    missing = {0: "chromium chromium-driver", 1: "chromium-driver"}.get(len(names))
    assert process.returncode == (1 if missing else 0)
    line = f"Please install: {missing} (Debian: apt-get install {missing})\n" if missing else ""
    assert said.decode() == line


@pytest.mark.parametrize(("live", "site"), [("1", "real site"), ("0", "practice copy")])
async def test_live_means_the_real_site(look: FirstLook, live: str, site: str) -> None:
    async with look.running(LIVE=live, SUNAT_URL=NOWHERE):
        assert f"of the {site}, engine http" in look.said()
        assert await listens(look.practice_port) is (live == "0")


async def test_what_the_practice_copy_says_is_no_answer_of_the_real_site(
    look: FirstLook, session: aiohttp.ClientSession
) -> None:
    async with look.running():
        assert (await fetch(session, look.url + UNREGISTERED))[0] == 404
    async with look.running(LIVE="1", SUNAT_URL=NOWHERE):
        assert (await fetch(session, look.url + UNREGISTERED))[0] == 503
    async with look.running():
        assert (await fetch(session, look.url + UNREGISTERED))[1]["X-Cache"] == "HIT"


async def test_two_upstreams_keep_their_answers_apart(look: FirstLook, session: aiohttp.ClientSession) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"port":%d}' % writer.get_extra_info("sockname")[1]
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    for _ in range(2):
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as upstream:
            port = upstream.sockets[0].getsockname()[1]
            async with look.running(UPSTREAM=f"http://127.0.0.1:{port}/"):
                for result in ("MISS", "HIT"):
                    _, fields, body = await fetch(session, look.url + "/x")
                    assert (body, fields["X-Cache"]) == (b'{"port":%d}' % port, result)
    assert len(os.listdir(look.folder / "data")) == 2
