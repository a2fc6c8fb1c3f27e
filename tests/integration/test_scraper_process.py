"""The scraper as a process of its own: stopping while a look-up hangs."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from tests.support.sunat import arm, asked, eventually, origin, practice_site

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("drain", ["0", "200ms"])
async def test_what_hangs_is_cut_when_the_drain_is_over(drain: str) -> None:
    async with practice_site() as site:
        await arm(site, {"switch": "hang", "step": "ficha"})
        environment = {
            **os.environ,
            "SUNAT_URL": origin(site),
            "HOST": "127.0.0.1",
            "PORT": "0",
            "SCRAPER_ENGINE": "http",
            "SCRAPER_PACE": "0",
            "SCRAPER_STEP_TIMEOUT": "10m",
            "SCRAPER_DEADLINE": "10m",
            "SCRAPER_DRAIN": drain,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scraper_backend", env=environment, stderr=asyncio.subprocess.PIPE
        )
        try:
            assert process.stderr is not None
            line = (await process.stderr.readline()).decode()
            address = line.partition("listening on ")[2].partition(",")[0]
            async with aiohttp.ClientSession() as session:
                hanging = asyncio.ensure_future(session.get(f"http://{address}/obtener-ruc/20999999019"))
                await eventually(lambda: asked(site, step="ficha"))
                process.send_signal(signal.SIGTERM)
                with pytest.raises(aiohttp.ClientError):
                    await hanging
            assert await asyncio.wait_for(process.wait(), 20) == 0
            assert b"outcome=cancelled" in await process.stderr.read()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
