"""The workers' hub in a process of its own, as it is in their supervisor, which nothing else keeps busy:
``python -m tests.support.hub SOCKET``. Says when it is there, and runs until SIGTERM.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.clock import SystemClock
from proxy.store.hub.server import Hub

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def hub_at(path: Path) -> AsyncIterator[None]:
    """One that is up (within 60 s), and ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.hub", str(path)),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"up\n"
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        assert await process.wait() == 0


async def main(path: Path) -> None:
    """Run."""
    told, hub = asyncio.Event(), Hub(SystemClock())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await hub.start(path)
    print("up", flush=True)
    await told.wait()
    await hub.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
