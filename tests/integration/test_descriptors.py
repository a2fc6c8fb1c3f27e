"""A process that may open 80 files, and more clients than that: the admin listener answers, and nobody gets a 502."""

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, all_running, fetch

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
LIMIT = 80
CLIENTS = 150
BEGIN = f"""\
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}))
os.execv(sys.executable, [sys.executable, "-m", "proxy", "run"])
"""


class Narrow(Tambo):
    """A Tambo that may open few files."""

    command = ("-c", BEGIN)


async def asked(url: str, number: int) -> int | str:
    """One client's answer, on a connection of its own."""
    try:
        async with aiohttp.ClientSession() as session:
            return (await fetch(session, f"{url}/slow/{number}"))[0]
    except aiohttp.ClientConnectionError:  # it was answered 503 before it had said what it wants
        return "turned away"


async def test_more_clients_than_files(tmp_path: Path) -> None:
    api = Api()
    async with serving(api) as upstream, aiohttp.ClientSession() as session:
        tambo = Narrow({"UPSTREAM_URL": upstream}, tmp_path)
        async with all_running([tambo]):
            clients = [asyncio.ensure_future(asked(tambo.url, number)) for number in range(CLIENTS)]
            async with asyncio.timeout(60):
                while api.inflight < 24:
                    await asyncio.sleep(0.02)
            for path in ("/readyz", "/metrics", "/health", "/admin/stats"):
                assert (await fetch(session, f"{tambo.admin}{path}"))[0] == 200
            api.gate.set()
            became = Counter(await asyncio.gather(*clients))
            assert set(became) <= {200, 503, "turned away"}
            assert became[200] >= 24
            assert (await fetch(session, f"{tambo.url}/json/a"))[0] == 200
            warnings = [line for line in tambo.log if line["level"] != "info"]
            assert len(warnings) <= 10, warnings
