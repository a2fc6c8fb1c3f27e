"""``scripts/run`` as a newcomer starts it, in a folder and on ports of its own. Decides nothing about its answers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.redis_server import free_port

ROOT = Path(__file__).parents[2]
NEEDED = (".venv", "scripts", "tambo.scraper.toml")
PATIENCE = 60.0


class FirstLook:
    """One folder in which ``scripts/run`` can be started again and again. `environ` wins over what is set here."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.scraper_port, self.practice_port = free_port(), free_port()
        self.environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ},
            "PORT": str(self.port),
            "ADMIN_PORT": str(self.admin_port),
            "SCRAPER_PORT": str(self.scraper_port),
            "PRACTICE_PORT": str(self.practice_port),
            "PRACTICE_DELAY": "0",
            "SCRAPER_PACE": "0",
            **environ,
        }
        self._log = folder / "run.log"
        for name in NEEDED:
            (folder / name).symlink_to(ROOT / name)

    @property
    def url(self) -> str:
        """Where Tambo answers."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """Everything it printed since it was started last."""
        return self._log.read_text("utf-8")

    async def ended(self, **environ: str) -> int:
        """Start what is expected to end by itself, and return its exit code."""
        process = await self._start(environ)
        try:
            async with asyncio.timeout(PATIENCE):
                return await process.wait()
        finally:
            await _stop(process)

    @asynccontextmanager
    async def running(self, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start it, wait until Tambo listens, and stop it at the end."""
        process = await self._start(environ)
        try:
            async with asyncio.timeout(PATIENCE):
                while not await listens(self.port):
                    assert process.returncode is None, self.said()
                    await asyncio.sleep(0.1)
            yield process
        finally:
            await _stop(process)

    async def _start(self, environ: dict[str, str]) -> asyncio.subprocess.Process:
        with self._log.open("wb") as log:
            return await asyncio.create_subprocess_exec(
                "scripts/run",
                cwd=self.folder,
                env={**self.environ, **environ},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


async def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of loopback."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.wait()
