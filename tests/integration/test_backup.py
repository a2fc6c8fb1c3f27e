"""Backup and restore, by the very commands of docs/operations.md, of the embedded store and of Redis."""

import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
TARGETS = ("/json/a", "/json/b", "/json/c")


def commands() -> list[str]:
    """The section's blocks, in order: copy and put back the embedded store, then Redis."""
    section = DOCUMENT.read_text().partition("## Backup\n")[2].partition("\n## ")[0]
    return re.findall(r"(?:^    .*\n)+", section, re.M)


def shell(script: str, folder: Path, redis: RedisServer | None = None) -> None:
    """Run a block; for Redis at its own port, in its own folder, and with a server that takes a moment to listen."""
    if redis is not None:
        port = redis.url.rpartition(":")[2].partition("/")[0]
        script = script.replace("/var/lib/redis", str(redis.folder))
        script = script.replace("redis-cli ", f"redis-cli -p {port} ")
        script = f'redis-server() {{ (sleep 0.5; exec redis-server --port {port} "$@") & }}\n{script}'
    subprocess.run(["bash", "-euc", script], cwd=folder, check=True, capture_output=True, timeout=60)


async def words(session: aiohttp.ClientSession, tambo: Tambo) -> list[str]:
    return [(await fetch(session, f"{tambo.url}{target}"))[1]["X-Cache"] for target in TARGETS]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as it:
        yield it


async def test_the_embedded_store(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    copy, put_back, *_ = commands()
    async with serving(Api()) as upstream, running(tmp_path, upstream) as tambo:
        assert await words(session, tambo) == ["MISS"] * 3
        await tambo.restart()  # so that the file has them
        shell(copy, tmp_path)  # while it runs
        await fetch(session, f"{tambo.admin}/admin/purge?all=true&mode=hard", "POST")
        assert await words(session, tambo) == ["MISS"] * 3
        await fetch(session, f"{tambo.admin}/admin/purge?url=/json/a&mode=hard", "POST")
        await tambo.stop()
        shell(put_back, tmp_path)
        await tambo.start()
        assert await words(session, tambo) == ["HIT"] * 3  # also what was purged since, as the document says


async def test_redis(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    *_, copy, put_back = commands()
    (tmp_path / "redis").mkdir()
    patient = {"TAMBO_STORE__REDIS_TIMEOUT": "5s"}
    with RedisServer(tmp_path / "redis") as redis:
        async with serving(Api()) as upstream, running(tmp_path, upstream, REDIS_URL=redis.url, **patient) as tambo:
            assert await words(session, tambo) == ["MISS"] * 3
            await tambo.restart()
            shell(copy, tmp_path, redis)
            await fetch(session, f"{tambo.admin}/admin/purge?url=/json/a&mode=hard", "POST")
            await tambo.stop()
            redis.stop()
            shell(put_back, tmp_path, redis)
            redis.start()
            await tambo.start()
            assert await words(session, tambo) == ["HIT"] * 3
