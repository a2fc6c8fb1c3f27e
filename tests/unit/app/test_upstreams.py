"""A client that a reload replaced lives as long as somebody uses it."""

import asyncio
import contextlib

import pytest

from proxy.app.upstreams import Upstreams
from tests.support.raw_origin import Peer, RawOrigin
from tests.support.upstream import HI, get, read, settings, until

pytestmark = pytest.mark.integration


async def test_who_uses_the_old_one_goes_on_and_it_keeps_no_connection() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await peer.head():
                await gate.wait()
                await peer.say(HI)

    async with RawOrigin(script) as origin:
        upstreams = Upstreams(settings(origin.url))
        old = upstreams.current
        assert upstreams.follow(settings(origin.url)) is old
        under_way = asyncio.ensure_future(old.send(get()))
        await until(lambda: old.stats.open == 1)
        new = upstreams.follow(settings(origin.url, first_byte=10.0))
        assert new is not old
        assert not old.is_unused
        gate.set()
        assert await read(await under_way) == b"hi"
        assert (old.is_unused, old.stats.idle) == (True, 0)
        assert await read(await new.send(get())) == b"hi"
        assert new.stats.idle == 1
        await upstreams.aclose()
