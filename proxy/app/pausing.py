"""Waits that end early. Decides nothing."""

import asyncio


async def until_set(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, so many seconds at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
