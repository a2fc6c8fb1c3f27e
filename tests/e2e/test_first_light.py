"""The main job from end to end: ``scripts/run`` as a newcomer starts it, a real browser, a restart in between."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.redis_server import free_port
from tests.support.tambo import fetch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


class FirstLook:
    """One ``scripts/run`` on ports of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.port, self.scraper_port = free_port(), free_port()
        self._environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PORT": str(self.port),
            "ADMIN_PORT": str(free_port()),
            "SCRAPER_PORT": str(self.scraper_port),
            "PRACTICE_PORT": str(free_port()),
            "PRACTICE_DELAY": "0",
            "DATA_DIR": str(folder / "data"),
            **environ,
        }
        self._log = folder / "run.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/obtener-ruc/20999999019"

    async def start(self, session: aiohttp.ClientSession) -> None:
        with self._log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                "scripts/run", cwd=ROOT, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )
        async with asyncio.timeout(60):
            while not await self._listens():
                assert self.process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.1)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                await self.process.wait()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(120)) as it:
        yield it


@pytest.mark.parametrize("engine", ["selenium", "http"])
async def test_the_second_answer_is_a_hit_and_survives_a_restart(
    tmp_path: Path, session: aiohttp.ClientSession, engine: str
) -> None:
    look = FirstLook(tmp_path, SCRAPER_ENGINE=engine)
    await look.start(session)
    try:
        status, fields, body = await fetch(session, look.url)
        assert (status, fields["X-Cache"]) == (200, "MISS")
        assert json.loads(body)["razonSocial"] == "ALFARERIA DE PRUEBA EL CANTARO S.A.C."
        status, fields, again = await fetch(session, look.url)
        assert (status, fields["X-Cache"], again) == (200, "HIT", body)
        other_path = f"http://127.0.0.1:{look.port}/api/integracion-sunat/obtener-ruc/20999999019"
        assert (await fetch(session, other_path))[1]["X-Cache"] == "HIT"
        await look.stop()
        await look.start(session)
        status, fields, after = await fetch(session, look.url)
        assert (status, fields["X-Cache"], after) == (200, "HIT", body)
    finally:
        await look.stop()


async def test_the_scrapers_honest_errors_are_relayed_and_not_kept(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    look = FirstLook(tmp_path, SCRAPER_ENGINE="http")
    await look.start(session)
    try:
        base = f"http://127.0.0.1:{look.port}/obtener-ruc"
        assert [(await fetch(session, f"{base}/20123456789"))[0] for _ in range(2)] == [400, 400]
        missing = [(await fetch(session, f"{base}/20000000001"))[:2] for _ in range(2)]
        assert [(status, fields["X-Cache"]) for status, fields in missing] == [(404, "MISS"), (404, "HIT")]
    finally:
        await look.stop()
