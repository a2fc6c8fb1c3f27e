"""One worker as its supervisor starts it, but on a port of its own, so that a test can ask this one and no other:
``python -m tests.support.worker NUMBER HUB RUNTIME``. Serves until SIGTERM.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from proxy.app.application import App
from proxy.app.place import WorkerPlace
from proxy.app.run import LOG
from proxy.app.voice import set_up_logs
from proxy.config.load import load
from proxy.edge.admin.app import make_admin_app


async def main(place: WorkerPlace) -> None:
    """Serve, and say where."""
    loaded = load(os.environ)
    set_up_logs(loaded.config)
    app, told = App(loaded, place=place), asyncio.Event()
    await app.start()
    runner = web.AppRunner(make_admin_app(app._admin_parts()), access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    public, admin = app.public_address, runner.addresses[0]
    LOG.info("worker listens on %s:%s, admin on %s:%s", public[0], public[1], admin[0], admin[1])
    await told.wait()
    await app.stop(asyncio.Event())
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(WorkerPlace(int(sys.argv[1]), hub=Path(sys.argv[2]), runtime=Path(sys.argv[3]))))
