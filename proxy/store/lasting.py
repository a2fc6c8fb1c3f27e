"""Work that goes on until its owner closes: begun anew when a mistake ends it, and never silently. Knows no work.

A process whose places or leases nobody keeps up any more looks well, and lets its clients wait for what never comes.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

LOG: Final = logging.getLogger("tambo.store")
PAUSE: Final = 1.0
"""Seconds until it is begun anew."""


def lasting(work: Callable[[], Coroutine[Any, Any, None]], where: str, pause: float = PAUSE) -> asyncio.Task[None]:
    """Begin ``work``, which never ends by itself; whoever asks for the task owns it. ``where``: for the log."""

    async def keep_at_it() -> None:
        while True:
            try:
                await work()
            except Exception:  # whatever it was, the next round may go well
                LOG.exception("internal error", extra={"where": where})
            await asyncio.sleep(pause)

    return asyncio.create_task(keep_at_it(), name=where)  # noqa: TID251 - owned by whoever asked for it
