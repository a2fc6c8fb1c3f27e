"""Reloading: all or nothing, one at a time, and the log has what came of it."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.app.reloading import Reloading
from proxy.config.load import Loaded, load
from proxy.config.problems import InvalidConfigError


@pytest.fixture
def log() -> Iterator[list[logging.LogRecord]]:
    """What the logger says meanwhile."""
    said: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = said.append  # type: ignore[assignment, method-assign] # a handler that keeps
    logger = logging.getLogger("tambo.config")
    logger.addHandler(handler)
    yield said
    logger.removeHandler(handler)
    root = logging.getLogger("tambo")
    root.handlers[:], root.propagate = [], True


class Follower:
    """Takes over what it is told, once its gate is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"UPSTREAM_URL": "http://h"}
        self.followed: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def read(self) -> Loaded:
        return load(self.environ, folder=self.folder)

    async def follow(self, loaded: Loaded) -> tuple[str, ...]:
        await self.gate.wait()
        self.followed.append(loaded.config.defaults.ttl)
        return ("listen.port",) if loaded.config.listen.port != 8080 else ()


async def test_a_good_one_is_followed_and_counted(tmp_path: Path, log: list[logging.LogRecord]) -> None:
    follower = Follower(tmp_path)
    reloading = Reloading(follower.read, follower.follow)
    follower.environ |= {"CACHE_TTL": "60", "PORT": "1"}
    done = await reloading.reload("SIGHUP")
    assert (done.generation, done.needs_restart, follower.followed) == (2, ("listen.port",), [60.0])
    assert [record.getMessage() for record in log] == ["only a restart changes listen.port", "configuration reloaded"]


async def test_a_bad_one_changes_nothing_and_every_problem_is_told(
    tmp_path: Path, log: list[logging.LogRecord]
) -> None:
    follower = Follower(tmp_path)
    reloading = Reloading(follower.read, follower.follow)
    follower.environ |= {"CACHE_TTL": "soon", "PORT": "x"}
    with pytest.raises(InvalidConfigError):
        await reloading.reload("")
    await reloading.try_reload("SIGHUP")
    assert (reloading.generation, follower.followed) == (1, [])
    texts = [record.getMessage() for record in log]
    assert len(texts) == 6
    assert texts[:3] == texts[3:]
    assert [text.partition(":")[0] for text in texts[:2]] == ["CACHE_TTL", "PORT"]
    assert texts[2] == "the configuration was not reloaded: the old one stays"


async def test_two_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    reloading = Reloading(follower.read, follower.follow)
    follower.gate.clear()
    both = asyncio.gather(reloading.reload("a"), reloading.reload("b"))
    follower.gate.set()
    assert sorted(done.generation for done in await both) == [2, 3]
