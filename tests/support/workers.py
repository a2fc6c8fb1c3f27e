"""Several workers over one embedded store and one hub, each in a process and on a port of its own."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.support.hub import hub_at
from tests.support.tambo import Tambo, all_running


@asynccontextmanager
async def workers(count: int, folder: Path, upstream: str, **environ: str) -> AsyncIterator[list[Tambo]]:
    """So many. What there is of tambo.toml in ``folder`` holds."""
    async with AsyncExitStack() as stack:
        runtime = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # a unix socket's path has little room
        await stack.enter_async_context(hub_at(runtime / "hub.sock"))
        started = [Tambo({"UPSTREAM_URL": upstream, **environ}, folder) for _ in range(count)]
        for number, worker in enumerate(started):
            worker.command = ("-m", "tests.support.worker", str(number), str(runtime / "hub.sock"), str(runtime))
        await stack.enter_async_context(all_running(started))
        yield started
