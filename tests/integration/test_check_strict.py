"""``tambo check --strict`` asks a real Redis whether it would keep an archive."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.cli.check_archive import archive_warnings
from proxy.config.load import load
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.integration
KEPT = '[[routes]]\nname = "ruc"\nmatch = { path = "/ruc" }\narchive = "1y"\n'


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path, "--maxmemory", "64mb") as server:
        yield server


def told(folder: Path, url: str, text: str = KEPT) -> list[str]:
    (folder / "tambo.toml").write_text(text)
    return list(archive_warnings(load({"UPSTREAM_URL": "http://h", "REDIS_URL": url}, folder=folder)))


@pytest.mark.parametrize(
    ("policy", "count"), [("volatile-ttl", 0), ("noeviction", 0), ("allkeys-lru", 1), ("volatile-lru", 1)]
)
def test_a_policy_that_throws_the_archive_away(redis: RedisServer, tmp_path: Path, policy: str, count: int) -> None:
    redis.command("CONFIG", "SET", "maxmemory-policy", policy)
    warnings = told(tmp_path, redis.url)
    assert len(warnings) == count
    for warning in warnings:
        assert warning.startswith("routes.ruc.archive: ")
        assert "set maxmemory-policy volatile-ttl" in warning


def test_a_redis_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    (warning,) = told(tmp_path, "redis://127.0.0.1:1/0")
    assert warning.startswith("routes.ruc.archive: whether Redis keeps the archive could not be asked: ")


def test_without_an_archive_nobody_is_asked(tmp_path: Path) -> None:
    assert told(tmp_path, "redis://127.0.0.1:1/0", "") == []
    assert told(tmp_path, "redis://127.0.0.1:1/0", '[defaults]\narchive = "1y"\n') != []
