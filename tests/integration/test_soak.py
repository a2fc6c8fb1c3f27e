"""A minute of everything at once; bench/soak.py does the same for half an hour, on a process of its own."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.app.application import App
from proxy.config.load import load
from tests.support.soak import Soak, Versions

pytestmark = pytest.mark.integration

SECONDS = 60.0
SEEN = (
    "200 HIT",
    "200 MISS",
    "200 BYPASS",
    "304 HIT",
    "200 EXPIRED",
    "purge by url",
    "purge by prefix",
    "left",
    "left half read",
)


def tasks_but(before: set["asyncio.Task[object]"]) -> list[str]:
    """What runs that did not run then, the caller apart."""
    return [repr(task) for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]


async def test_everything_at_once_gives_no_wrong_answer_and_leaves_nothing(tmp_path: Path) -> None:
    versions = Versions()
    application = web.Application()
    application.router.add_get("/{tail:.*}", versions.answer)
    async with TestServer(application) as origin:
        environ = {"UPSTREAM_URL": str(origin.make_url("")), "HOST": "127.0.0.1", "PORT": "0", "ADMIN_PORT": "0"}
        own = {"DATA_DIR": str(tmp_path / "data"), "TAMBO_STORE__MEMORY": "1MiB"}
        app = App(load({**environ, **own}, options=(), folder=tmp_path))
        await app.start()
        before = asyncio.all_tasks()
        host, port = app.admin_address
        soak = Soak(app.public_address, f"http://{host}:{port}", versions, seed=1)
        await soak.run(SECONDS, clients=2)
        assert soak.tally.wrong == []
        assert [kind for kind in SEEN if not soak.tally.done[kind]] == []
        for _ in range(500):
            if not app._listener.open_connections and not len(app._flights):
                break
            await asyncio.sleep(0.01)
        assert (app._listener.open_connections, app._listener.in_flight, len(app._flights)) == (0, 0, 0)
        left = [task for task in tasks_but(before) if "proxy" in task and "aiohttp/web_protocol" not in task]
        assert left == []
        async with asyncio.timeout(60):
            await app.stop(asyncio.Event())
