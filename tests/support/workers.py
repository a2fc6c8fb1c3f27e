"""Several workers over one embedded store and one hub, each in a process and on a port of its own."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from proxy.clock import SystemClock
from proxy.store.hub.server import Hub
from tests.support.tambo import Tambo


@asynccontextmanager
async def workers(count: int, folder: Path, upstream: str, **environ: str) -> AsyncIterator[list[Tambo]]:
    """So many; their hub runs here, as it does in their supervisor. What there is of tambo.toml in ``folder`` holds."""
    async with AsyncExitStack() as stack:
        runtime = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # a unix socket's path has little room
        hub = Hub(SystemClock())
        await hub.start(runtime / "hub.sock")
        stack.push_async_callback(hub.close)
        started: list[Tambo] = []
        for number in range(count):
            worker = Tambo({"UPSTREAM_URL": upstream, **environ}, folder)
            worker.command = ("-m", "tests.support.worker", str(number), str(runtime / "hub.sock"), str(runtime))
            stack.push_async_callback(worker.stop)
            await worker.start()
            started.append(worker)
        yield started
