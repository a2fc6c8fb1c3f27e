"""What most tests with real servers ask for: a client without a bound of its own, and a Redis."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.redis_server import RedisServer


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Opens as many connections as there are requests at once."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as it:
        yield it


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A redis-server of this test's own, in a folder beside what else it has."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as server:
        yield server
