"""The practice site as a process: its start, its stop, what it says when it cannot."""

import asyncio
import os
import re
import signal
import sys

import aiohttp
import pytest

from scraper_backend.practice_site.markup import HOME
from tests.support.practice_site import SERVICE

pytestmark = pytest.mark.integration


async def test_it_says_its_address_serves_and_stops_on_sigterm_even_when_somebody_hangs() -> None:
    process = await start(
        {"PORT": "0", "PRACTICE_DELAY": "0", "PRACTICE_SWITCHES": '[{"switch": "hang", "step": "ficha"}]'}
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(rf"practice site: (http://127\.0\.0\.1:\d+){re.escape(HOME)} \(delay factor 0\)\n", line)
        assert found is not None, line
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{found[1]}{HOME}") as answer:
                assert answer.status == 200
            hanging = asyncio.ensure_future(session.post(f"{found[1]}{SERVICE}", data={"accion": "consPorRuc"}))
            while True:
                async with session.get(f"{found[1]}/_practice/requests", params={"step": "ficha"}) as answer:
                    if (await answer.json())["requests"]:
                        break
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
            with pytest.raises(aiohttp.ClientError):
                await hanging
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({"PORT": "x"}, 2, "practice site: PORT='x': expected a whole number from 0 to 65535"),
        ({"HOST": "203.0.113.1"}, 1, "practice site: cannot listen on 203.0.113.1:8900"),
    ],
)
async def test_it_says_in_one_line_why_it_cannot_start(environment: dict[str, str], code: int, says: str) -> None:
    process = await start(environment)
    _, errors = await process.communicate()
    assert process.returncode == code
    assert errors.decode().startswith(says)
    assert errors.count(b"\n") == 1


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    """The site as its own process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scraper_backend.practice_site",
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
