"""Where an app's admin application listens: on its own port, under a prefix, or for its supervisor. Answers nothing."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from proxy.app.place import WorkerPlace, public_admin
from proxy.config.checks import is_loopback
from proxy.config.model import Admin
from proxy.edge.admin.access import Gate
from proxy.edge.admin.app import AdminParts, make_admin_app
from proxy.edge.admin.passage import Passage
from proxy.edge.server.binding import named
from proxy.exchange.promises import PREFIX as PROMISES


def gate_of(admin: Admin, *, is_public: bool = False) -> Gate:
    """Who may pass; ``is_public``: under the prefix on the public port."""
    return Gate(admin.token.value if admin.token else None, is_loopback(admin.host), is_public)


@dataclass(frozen=True, slots=True)
class Opened:
    """``address``: of the port, host and number; None for a worker. ``passage``: None without a prefix."""

    address: tuple[str, int] | None
    passage: Passage | None


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


async def open_admin(
    parts: AdminParts, config: Callable[[], Admin], place: WorkerPlace | None, until: AsyncExitStack
) -> Opened:
    """Open everything for an app that stands at ``place``. ``config``: as it is now, token and all. Raises OSError."""
    admin = config()
    if place is None:
        address = await listen(make_admin_app(replace(parts, gate=lambda: gate_of(config()))), admin, until)
        if admin.prefix is None:
            return Opened(address, None)
        socket = public_admin(runtime_folder(until))
        public = replace(parts, gate=lambda: gate_of(config(), is_public=True))
        await listen_privately(make_admin_app(public), socket, until)
    else:
        address, socket = None, public_admin(place.runtime)
        await listen_privately(make_admin_app(replace(parts, gate=None)), place.admin, until)
        if admin.prefix is None:
            return Opened(None, None)
    passage = Passage(admin.prefix, socket, PROMISES)
    until.push_async_callback(passage.close)
    return Opened(address, passage)
