"""Clients that come in the moment of a stop: answered or refused, and never taken in by somebody who serves nobody."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def come(port: int) -> str:
    """What becomes of a client."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return "refused"
    try:
        writer.write(b"GET /json/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
    except ConnectionResetError:
        return "reset"
    finally:
        writer.close()
    return "answered" if answer.startswith(b"HTTP/1.1 200 ") else "left alone"


def children(tambo: Tambo) -> int:
    """How many workers there are."""
    return len(Path(f"/proc/{tambo.process.pid}/task/{tambo.process.pid}/children").read_text().split())


async def until_somebody_stands_by(tambo: Tambo) -> None:
    """The worker that takes the place of one that crashes has the sockets too."""
    async with asyncio.timeout(60):
        while children(tambo) < 3:
            await asyncio.sleep(0.05)


async def test_a_stop_leaves_nobody_in_the_queue(tmp_path: Path) -> None:
    became = Counter[str]()
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with serving(Api()) as upstream, running(folder, upstream, WEB_CONCURRENCY="2") as tambo:
            await until_somebody_stands_by(tambo)
            port = int(tambo.url.rpartition(":")[2])
            assert await come(port) == "answered"
            tambo.signal()
            while became.total() < 50 * (number + 1):
                became[await come(port)] += 1
    assert set(became) <= {"answered", "refused"}
