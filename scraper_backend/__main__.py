"""`python -m scraper_backend`: settings, engine, server, signals.

Exit codes: 0 stopped, 1 failed, 2 a wrong setting.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from aiohttp import web

from scraper_backend import app, processes, ubigeo
from scraper_backend.engine import Engine
from scraper_backend.errors import InvalidSetting
from scraper_backend.http_engine import HttpEngine
from scraper_backend.scraper import Scraper
from scraper_backend.settings import Settings, from_environment

log = logging.getLogger("scraper_backend")

FAILED: Final = 1
WRONG_SETTING: Final = 2

AT_ONCE: Final = 0.001
"""Seconds: aiohttp takes a shutdown timeout of 0 for none, and would wait for ever."""


def main() -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code."""
    try:
        settings = from_environment(os.environ)
        make_engine = engine_maker(settings)
    except InvalidSetting as wrong:
        print(f"scraper_backend: {wrong}", file=sys.stderr)
        return WRONG_SETTING
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    ubigeo.load()
    try:
        asyncio.run(serve(settings, make_engine))
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        print(f"scraper_backend: cannot listen on {where}: {error.strerror}", file=sys.stderr)
        return FAILED
    return 0


def engine_maker(settings: Settings) -> Callable[[], Engine]:
    """Check that the chosen engine can work here; return what makes it. Raises InvalidSetting when it cannot."""
    if settings.engine == "http":
        return lambda: HttpEngine(settings)
    try:
        from scraper_backend.browser import find_chromium  # noqa: PLC0415  selenium is optional
        from scraper_backend.browser_pool import BrowserEngine  # noqa: PLC0415  imports it too
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            f"SCRAPER_ENGINE='selenium' needs the Python package {error.name}: "
            "pip install '.[scraper]' from the checkout, or set SCRAPER_ENGINE=http"
        ) from None
    chromium = find_chromium(settings)
    processes.adopt_orphans()
    return lambda: BrowserEngine(settings, chromium)


async def serve(settings: Settings, make_engine: Callable[[], Engine]) -> None:
    """Listen, wait for a signal, then finish what is in flight within the drain limit and give everything back."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    drain = max(settings.drain, AT_ONCE)
    runner = web.AppRunner(app.build(Scraper(make_engine(), settings)), shutdown_timeout=drain, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        where = ", ".join(f"{host}:{port}" for host, port, *_ in runner.addresses)
        log.info("listening on %s, engine %s, site %s", where, settings.engine, settings.site)
        await stop.wait()
        log.info("stopping: finishing what is in flight within %g s", settings.drain)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
