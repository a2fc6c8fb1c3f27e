"""Which keys are doubted when Redis tells of changes. That it tells is shown with a real one."""

import asyncio

import pytest

from proxy.clock import SystemClock
from proxy.store import redis_changes
from proxy.store.redis_address import parse_address
from proxy.store.redis_changes import RedisChanges
from proxy.store.redis_client import RedisClient
from proxy.store.redis_names import variants_name
from proxy.store.redis_question import Limits
from proxy.store.stats import TierStats
from tests.support.builders import a_key
from tests.support.canned_redis import CannedRedis

LONG = "/" + "x" * 300
TRACKED = (b":7\r\n", b"+OK\r\n")
SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n"


def _changed(*names: bytes) -> bytes:
    listed = b"*%d\r\n" % len(names) + b"".join(b"$%d\r\n%s\r\n" % (len(name), name) for name in names)
    return b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n" + (listed if names else b"*-1\r\n")


async def _doubted(*pushes: bytes, noted: tuple[str, ...] = ()) -> list[str | None]:
    """What is doubted beside everything once, at the begin."""
    doubted: asyncio.Queue[str | None] = asyncio.Queue()
    async with CannedRedis(
        *TRACKED, SUBSCRIBED + b"".join(pushes) + _changed(b"tambo:1:/end"), otherwise=None
    ) as redis:
        address = parse_address(redis.url)
        changes = RedisChanges(RedisClient(address, SystemClock(), Limits(), TierStats("redis")), "tambo", 1.0)
        changes.open(doubted.put_nowait)
        for text in noted:
            changes.note(variants_name("tambo", a_key(text)), text)
        found: list[str | None] = []
        while (one := await doubted.get()) != "/end":
            found.append(one)
        assert changes.is_connected
        await changes.close()
    return found


async def test_a_new_connection_doubts_everything() -> None:
    assert await _doubted() == [None]


async def test_changed_keys_are_doubted() -> None:
    changed = _changed(variants_name("tambo", a_key("/a?x=1")), variants_name("tambo", a_key("/ñ")))
    assert await _doubted(changed) == [None, "/a?x=1", "/ñ"]


async def test_when_everything_went_everything_is_doubted() -> None:
    assert await _doubted(_changed()) == [None, None]


async def test_a_shortened_name_is_known_by_who_used_it() -> None:
    changed = _changed(variants_name("tambo", a_key(LONG)))
    assert await _doubted(changed) == [None]
    assert await _doubted(changed, noted=(LONG, "/a")) == [None, LONG]


async def test_whose_key_is_forgotten_is_doubted_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_changes, "MOST_SHORTENED", 1)
    assert set(await _doubted(noted=(LONG, LONG + "y"))) == {None, LONG}


async def test_a_redis_that_refuses_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    said = [b":7\r\n", b"-NOPERM no\r\n"]
    async with CannedRedis(*said, *said, *said, *TRACKED, SUBSCRIBED, otherwise=None) as redis:
        address = parse_address(redis.url)
        changes = RedisChanges(RedisClient(address, SystemClock(), Limits(), TierStats("redis")), "tambo", 1.0)
        doubted: asyncio.Queue[str | None] = asyncio.Queue()
        changes.open(doubted.put_nowait)
        assert await doubted.get() is None
        await changes.close()
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
