"""Runs Tambo until a signal ends it: SIGTERM or SIGINT drains, a second one ends it at once; SIGHUP reloads. Builds
nothing itself."""

import asyncio
import logging
import signal
from collections.abc import Callable

import uvloop

from proxy.app.application import VERSION, App
from proxy.app.garbage import Garbage
from proxy.app.voice import set_up_logs
from proxy.config.load import Loaded
from proxy.config.model import Config
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
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    await app.start()
    _announce(loaded, app)
    garbage = Garbage()
    garbage.start()
    async with asyncio.TaskGroup() as reloads:
        loop.add_signal_handler(signal.SIGHUP, lambda: reloads.create_task(app.reloading.try_reload("SIGHUP")))
        await told.wait()
        loop.remove_signal_handler(signal.SIGHUP)
        await app.stop(hurry)
    garbage.stop()


def _announce(loaded: Loaded, app: App) -> None:
    config = loaded.config
    LOG.info(
        "tambo %s listens on %s:%s, admin on %s:%s, in front of %s, store %s",
        VERSION,
        *app.public_address,
        *app.admin_address,
        config.upstream.url,
        _store(config),
    )
    if not config.routes:
        LOG.info(
            "no routes are configured: a 200 JSON answer that says nothing about freshness is kept for %s; "
            "an error inside a 200 cannot be told from an answer without verdicts",
            _span(config.defaults.ttl),
        )


def _store(config: Config) -> str:
    return f"embedded in {config.store.data_dir}" if config.store.redis_url is None else str(config.store.redis_url)


def _span(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"
