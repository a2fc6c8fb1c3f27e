"""Where an app's admin application listens: on its own port, under a prefix, or for its supervisor. Answers nothing."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from msgspec import Struct
from msgspec.structs import replace

from proxy.app.listening import gate_of, listen, listen_privately, runtime_folder
from proxy.app.place import WorkerPlace, public_admin
from proxy.config.model import Admin
from proxy.edge.admin.app import AdminParts, make_admin_app
from proxy.edge.admin.passage import Passage
from proxy.exchange.promises import PREFIX as PROMISES


class Opened(Struct, frozen=True):
    """``address``: of the port, host and number; None for a worker. ``passage``: None without a prefix."""

    address: tuple[str, int] | None
    passage: Passage | None


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
