"""The upstream's client before a raw origin, and what its tests say again and again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from proxy.edge.upstream import Origin, UpstreamClient, UpstreamSettings
from proxy.exchange.ports import UpstreamAnswer, UpstreamRequest
from proxy.policy.messages import Fields
from tests.support.raw_origin import Peer, RawOrigin, Script
from tests.support.raw_responses import OK

HI = OK + b"Content-Length: 2\r\n\r\nhi"
MIB = 1024 * 1024
SHORT = 0.05
"""Seconds: a deadline that a test waits for."""


def get(target: str = "/a", method: str = "GET", **more: Any) -> UpstreamRequest:
    """A request without fields or content unless given."""
    return UpstreamRequest(method, target, **{"host": None, "fields": Fields(), **more})


def settings(url: str, **changes: Any) -> UpstreamSettings:
    """For the origin at ``url``; every deadline far away unless it is what the test is about."""
    return replace(UpstreamSettings(Origin.from_url(url), first_byte=20.0, idle=20.0, keep_alive=20.0), **changes)


@asynccontextmanager
async def a_client(origin: RawOrigin, **changes: Any) -> AsyncIterator[UpstreamClient]:
    """A client of ``origin``; in the end nothing of it may be left."""
    client = UpstreamClient(settings(origin.url, **changes))
    try:
        yield client
    finally:
        await client.aclose()
        stats = client.stats
        assert (stats.open, stats.idle, stats.detached, stats.waiting) == (0, 0, 0, 0)


async def read(answer: UpstreamAnswer) -> bytes:
    """The whole content."""
    return b"".join([piece async for piece in answer.body])


async def until(condition: Any) -> None:
    """Let the loop turn until ``condition()`` holds; the test's time limit is the deadline."""
    while not condition():
        await asyncio.sleep(0.001)


def once(data: bytes) -> Script:
    """Reads a head, answers ``data``, closes."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(data)

    return script


async def hanging(peer: Peer) -> None:
    """Reads a request and says nothing."""
    await peer.head()
    await peer.hang()
