"""What workers had counted who crashed or were replaced stays in ``/admin/stats``, as in ``/metrics``."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, fetch, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]


def first_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


async def stats(tambo: Tambo, session: aiohttp.ClientSession) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((await fetch(session, f"{tambo.admin}/admin/stats"))[2])
    return told


async def until_restarted(tambo: Tambo, session: aiohttp.ClientSession, reason: str, count: int) -> list[int]:
    """How many requests the figures told of meanwhile."""
    totals = []
    async with asyncio.timeout(90):
        while f'restarts_total{{reason="{reason}"}} {count}.0' not in await metrics(tambo, session):
            totals.append((await stats(tambo, session))["requests"]["total"])
        while (now := await stats(tambo, session))["workers"] != 2:
            totals.append(now["requests"]["total"])
    return [*totals, now["requests"]["total"]]


async def metrics(tambo: Tambo, session: aiohttp.ClientSession) -> str:
    return (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()


async def test_figures_never_fall_whoever_dies_or_is_replaced(tmp_path: Path) -> None:
    async with (
        serving(Api()) as upstream,
        running(tmp_path, upstream, WEB_CONCURRENCY="2") as tambo,
        aiohttp.ClientSession() as session,
    ):
        for number in range(20):
            async with aiohttp.ClientSession() as client:
                await fetch(client, f"{tambo.url}/json/{number % 2}")
        async with asyncio.timeout(60):  # one is counted a moment after its client has it
            while (await stats(tambo, session))["requests"]["total"] != 20:
                await asyncio.sleep(0.05)
        os.kill(first_child(tambo.process.pid), signal.SIGKILL)
        assert set(await until_restarted(tambo, session, "crash", 1)) == {20}
        tambo.signal(signal.SIGUSR2)
        assert set(await until_restarted(tambo, session, "rolling", 2)) == {20}
        now = await stats(tambo, session)
        assert (now["requests"]["by_result"], now["upstream"]["requests"]) == ({"hit": 18, "miss": 2}, 2)
