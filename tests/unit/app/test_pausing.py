"""Waits that end early."""

import asyncio

from proxy.app.pausing import until_set
from tests.support.virtual_time import play


def test_a_pause_ends_with_the_event_or_with_its_time() -> None:
    async def it() -> float:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        began = loop.time()
        await until_set(event, 5)
        loop.call_later(2, event.set)
        await until_set(event, 5)
        await until_set(event, 5)
        return loop.time() - began

    assert round(play(it()), 3) == 7
