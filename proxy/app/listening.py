"""How admin applications are served: on a port, or on a private socket; and who may use them. Makes none.

Imports no part of an app: the supervisor uses it as well.
"""

import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from proxy.config.checks import is_loopback
from proxy.config.model import Admin
from proxy.edge.admin.access import Gate
from proxy.edge.server.binding import named


def gate_of(admin: Admin, *, is_public: bool = False) -> Gate:
    """Who may pass; ``is_public``: under the prefix on the public port."""
    return Gate(admin.token.value if admin.token else None, is_loopback(admin.host), is_public)


async def serve(app: web.Application, until: AsyncExitStack) -> web.AppRunner:
    """A runner for an application, ended with ``until``."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    until.push_async_callback(runner.cleanup)
    return runner


async def listen(app: web.Application, admin: Admin, until: AsyncExitStack) -> tuple[str, int]:
    """Serve on the admin port: where that is. Raises OSError that names it."""
    runner = await serve(app, until)
    with named(admin.host, admin.port):
        await web.TCPSite(runner, admin.host, admin.port).start()
    host, port = runner.addresses[0][:2]
    return str(host), int(port)


async def listen_privately(app: web.Application, path: Path, until: AsyncExitStack) -> None:
    """Serve on a socket in a folder that only this user may enter."""
    await web.UnixSite(await serve(app, until), path).start()


def runtime_folder(until: AsyncExitStack) -> Path:
    """A folder for private sockets, removed with ``until``. Raises OSError."""
    folder = Path(tempfile.mkdtemp(prefix="tambo-"))  # 0700; short, as a socket's path has little room
    until.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder
