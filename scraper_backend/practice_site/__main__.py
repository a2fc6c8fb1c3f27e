"""Runs the practice site: `python -m scraper_backend.practice_site`. Must not hold any of its behaviour."""

import asyncio
import os
import signal
import sys
from typing import Final

from aiohttp import web

from scraper_backend.practice_site.app import make_app
from scraper_backend.practice_site.markup import HOME
from scraper_backend.practice_site.settings import BadSettingError, Settings, from_environment

GRACE: Final = 10.0  # seconds that answers in preparation may still take after SIGTERM
USAGE_ERROR: Final = 2


async def serve(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT, then finish what is being answered."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(make_app(settings), handler_cancellation=True, access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        host, port = runner.addresses[0][:2]
        print(f"practice site: http://{host}:{port}{HOME} (delay factor {settings.delay:g})", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> int:
    """Exit code 0 after a stop, 1 when the address cannot be used, 2 when the environment is wrong."""
    try:
        settings = from_environment(os.environ)
    except BadSettingError as error:
        print(f"practice site: {error}", file=sys.stderr)
        return USAGE_ERROR
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        print(f"practice site: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
