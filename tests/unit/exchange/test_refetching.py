"""What a refresh purge fetches again: with the requests that brought it, behind, and never more than so much."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from proxy.errors import StoreUnavailable
from proxy.exchange import refetching
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.purges import AskedMode, PurgeKind
from proxy.exchange.purging import Purger
from proxy.exchange.refetching import Refetching
from proxy.policy.route import KeyRule
from proxy.store.disk import DiskStore
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from tests.support.builders import a_request
from tests.support.origin import Reply
from tests.support.scenario import Got, Scenario, a_route


class Play:
    """A whole exchange over a real file, and a purger whose refreshes it fetches."""

    def __init__(self, folder: Path, **route: Any) -> None:
        self.scenario = Scenario(routes=(a_route(**route),))
        clock = self.scenario.clock
        self.origin = self.scenario.origin
        self.store = TieredStore(Memory(1_000_000, clock), DiskStore(folder / "data", clock), clock)
        self.switch = ModeSwitch(clock)
        self.bugs: list[BaseException] = []
        before = self.scenario.exchange
        refresher = structs.replace(before.refresher, store=self.store)
        self.exchange = replace(before, store=self.store, refresher=refresher)
        self.refetching = Refetching(self.store.stock, self.switch, lambda _, bug: self.bugs.append(bug))
        self.refetching.follow(self.exchange)
        self.purger = Purger(self.scenario.routes, self.store, self.refetching.begin)

    async def get(self, target: str, **lines: str) -> Got:
        fields = {name.replace("_", "-"): value for name, value in lines.items()}
        return await Got.of(await self.exchange.answer(a_request(target, lines=fields), None))

    def answers(self, *replies: Reply) -> None:
        """What the origin says from now on; the last one again and again."""
        self.origin.replies.clear()
        self.origin.replies.extend(replies)

    async def reached(self, count: int) -> None:
        """Wait until the origin has been asked so often."""
        while len(self.origin.requests) < count:
            self.origin.arrived.clear()
            await self.origin.arrived.wait()

    async def refresh(self, kind: PurgeKind, argument: str) -> list[str]:
        """Purge; the targets that were fetched after it."""
        before = len(self.origin.requests)
        await self.purger.purge(kind, argument, AskedMode.REFRESH, "me")
        await self.refetching.settled()
        return [request.target for request in self.origin.requests[before:]]


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    async for each in _opened(Play(tmp_path)):
        yield each


async def _opened(play: Play) -> AsyncIterator[Play]:
    await play.store.open()
    yield play
    await play.refetching.close()
    await play.exchange.flights.drain(1)
    await play.store.close()
    assert play.bugs == []


async def test_a_url_is_fetched_again_and_fresh_when_it_is_asked_for(play: Play) -> None:
    play.answers(Reply(chunks=(b"1",)), Reply(chunks=(b"2",)))
    assert (await play.get("/a")).body == b"1"
    assert await play.refresh(PurgeKind.URL, "/a") == ["/a"]
    again = await play.get("/a")
    assert (again.x_cache, again.body) == ("HIT", b"2")


async def test_every_variant_is_asked_for_as_it_was(play: Play) -> None:
    vary = {"Content-Type": "application/json", "Vary": "Accept-Language"}
    play.answers(Reply(lines=vary))
    for language in ("es", "qu"):
        await play.get("/a", Accept_Language=language)
    await play.get("/a")
    assert await play.refresh(PurgeKind.URL, "/a") == ["/a", "/a", "/a"]
    asked = [request.fields.joined("accept-language") for request in play.origin.requests[3:]]
    assert sorted(asked, key=str) == [None, "es", "qu"]
    for language in ("es", "qu"):
        assert (await play.get("/a", Accept_Language=language)).x_cache == "HIT"


@pytest.mark.parametrize(
    ("kind", "argument", "count"),
    [
        (PurgeKind.PREFIX, "/n/1", 11),
        (PurgeKind.PATTERN, "/n/*", 30),
        (PurgeKind.ROUTE, "default", 31),
        (PurgeKind.ALL, "", 31),
    ],
)
async def test_wider_purges_are_fetched_again_too(play: Play, kind: PurgeKind, argument: str, count: int) -> None:
    for target in ["/other", *(f"/n/{number}" for number in range(30))]:
        await play.get(target)
    assert len(await play.refresh(kind, argument)) == count
    assert await play.refresh(PurgeKind.PREFIX, "/none") == []


async def test_never_more_than_so_many_at_once_and_altogether(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refetching, "MOST", 7)
    for number in range(20):
        await play.get(f"/n/{number}")
    gate = asyncio.Event()
    play.answers(Reply(gate=gate))
    await play.purger.purge(PurgeKind.ALL, "", AskedMode.REFRESH, "me")
    await play.reached(20 + refetching.AT_ONCE)
    await asyncio.sleep(0)
    assert len(play.origin.requests) == 20 + refetching.AT_ONCE
    gate.set()
    await play.refetching.settled()
    assert len(play.origin.requests) == 27
    assert (await play.get("/n/19")).x_cache != "HIT"  # the rest when it is asked for


async def test_what_failed_lately_and_what_is_offline_is_left_alone(play: Play) -> None:
    await play.get("/a")
    play.switch.set(OperatingMode.OFFLINE, None, "me")
    assert await play.refresh(PurgeKind.URL, "/a") == []


async def test_a_soft_or_hard_purge_fetches_nothing(play: Play) -> None:
    await play.get("/a")
    for mode in (AskedMode.SOFT, AskedMode.HARD):
        await play.purger.purge(PurgeKind.URL, "/a", mode, "me")
        await play.refetching.settled()
    assert len(play.origin.requests) == 1


async def test_credentials_are_never_asked_with_again(tmp_path: Path) -> None:
    route = {"key": KeyRule(fields=("authorization",))}
    async for play in _opened(Play(tmp_path, **route)):
        public = {"Content-Type": "application/json", "Cache-Control": "public, max-age=60"}
        play.answers(Reply(lines=public))
        await play.get("/a", Authorization="Bearer s3cret")
        assert await play.refresh(PurgeKind.URL, "/a") == []


async def test_too_many_purges_are_told_and_only_soft(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    await play.get("/a")
    gate = asyncio.Event()
    play.answers(Reply(gate=gate))
    with caplog.at_level(logging.WARNING):
        for _ in range(refetching.MOST_PURGES + 1):
            await play.purger.purge(PurgeKind.URL, "/a", AskedMode.REFRESH, "me")
    assert [record.message for record in caplog.records] == ["nothing is refreshed: too many purges are"]
    gate.set()
    await play.refetching.settled()


async def test_a_store_that_goes_out_meanwhile_ends_it_without_a_bug(
    play: Play, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out(*_: object) -> None:
        raise StoreUnavailable("page", "gone")

    await play.get("/a")
    monkeypatch.setattr(play.store.stock, "page", out)
    assert await play.refresh(PurgeKind.PREFIX, "/") == []
    assert play.bugs == []
    assert [line.message for line in caplog.records if line.levelno == logging.WARNING] == [
        "the rest is refreshed when it is asked for"
    ]
