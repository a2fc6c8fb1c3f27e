"""Runs Tambo until a signal ends it: SIGTERM or SIGINT drains, a second one ends it at once; SIGHUP reloads. Builds
nothing itself."""

import asyncio
import logging
import signal
from collections.abc import Callable

import uvloop

from proxy.app.announcing import announce
from proxy.app.application import App
from proxy.app.garbage import Garbage
from proxy.app.signals import ignore
from proxy.app.voice import set_up_logs
from proxy.config.load import Loaded
from proxy.errors import ConfigError

LOG = logging.getLogger("tambo")


def run(loaded: Loaded, read: Callable[[], Loaded]) -> int:
    """Serve until told to stop: 0; 1 where an address is taken. ``read``: the configuration once more. Raises
    ConfigError."""
    set_up_logs(loaded.config)
    for warning in loaded.warnings:
        LOG.warning(warning)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(loaded, read))
    except ConfigError:
        raise
    except OSError as error:
        LOG.error("cannot start: %s", error)  # noqa: TRY400 - the operator needs the reason, not our stack
        return 1
    return 0


async def _serve(loaded: Loaded, read: Callable[[], Loaded]) -> None:
    app = App(loaded, read=read)
    told, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if told.is_set() else told).set()

    loop = asyncio.get_running_loop()
    ignore(signal.SIGHUP, signal.SIGUSR2)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    await app.start()
    announce(loaded.config, app.public_address, app.admin_address)
    garbage = Garbage()
    garbage.start()
    async with asyncio.TaskGroup() as reloads:
        loop.add_signal_handler(signal.SIGHUP, lambda: reloads.create_task(app.reloading.try_reload("SIGHUP")))
        loop.add_signal_handler(signal.SIGUSR2, LOG.warning, "a rolling restart needs more than one worker")
        await told.wait()
        ignore(signal.SIGHUP, signal.SIGUSR2)
        await app.stop(hurry)
    garbage.stop()
