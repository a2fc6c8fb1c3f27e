"""What is answered at once, with which bytes, until when; and what is left to the long way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from proxy.edge.server.header_block import Mould
from proxy.edge.server.origin import Origin
from proxy.edge.server.outlet import SLICE
from proxy.exchange.operating import OperatingMode
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.disposition import Result
from proxy.policy.route import KeyRule
from proxy.store.disk import DiskStore
from proxy.store.memory import Cause
from tests.support.builders import a_key, a_stored, fields
from tests.support.hit_house import DATED, House


async def test_a_hit_says_how_old_it_is_each_second_anew() -> None:
    house = House()
    await house.holds(cost=2.5)
    assert house.ask() == (
        "HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Type: application/json\r\nAge: 0\r\n"
        'Cache-Status: tambo; hit; ttl=60\r\nX-Cache: HIT\r\nContent-Length: 7\r\n\r\n{"a":1}'
    )
    for advance, age, ttl in ((0.5, 0, 59), (0.5, 1, 59), (0.25, 1, 58), (57.0, 58, 1), (1.5, 59, 0)):
        house.clock.advance(advance)
        said = house.ask()
        assert said is not None
        assert f"Age: {age}\r\n" in said
        assert f"ttl={ttl}\r\n" in said
    house.clock.advance(0.25)
    assert house.ask() is None, "no longer fresh"
    house.counters.settle()
    assert house.counters.requests == {("r", "GET", "hit", "2xx"): 6}
    assert house.counters.saved_seconds == {("r", "hit"): 15.0}
    assert house.store.tiers[0].operations["get", "hit"] == 6


async def test_a_clock_set_back_keeps_nothing_fresh() -> None:
    house = House()
    await house.holds(corrected_initial_age=5.0)
    house.ask()
    house.clock.advance(10)
    assert "Age: 15\r\n" in (house.ask() or "")
    house.clock.jump(-8)
    house.clock.advance(1)  # wall clocks are looked at once a second
    assert "Age: 8\r\n" in (house.ask() or "")
    house.clock.jump(-100)
    house.clock.advance(1)
    assert house.ask() is None, "nobody knows how old it is"


@pytest.mark.parametrize("mode", list(PurgeMode))
@pytest.mark.parametrize(
    ("kind", "argument"),
    [(PurgeKind.URL, "/a"), (PurgeKind.PREFIX, "/"), (PurgeKind.TAG, "t"), (PurgeKind.ALL, "")],
)
async def test_nothing_is_answered_past_a_purge(kind: PurgeKind, argument: str, mode: PurgeMode) -> None:
    house = House()
    await house.holds(tags=("t",))
    assert house.ask() is not None
    await house.store.purge(Purge(kind, argument, mode))
    assert house.ask() is None
    await house.holds(body=b"new", position=house.store.position)
    assert (house.ask() or "").endswith("new")


async def test_what_takes_its_place_is_answered_at_once() -> None:
    house = House()
    await house.holds(body=b"old")
    assert (house.ask() or "").endswith("old")
    await house.holds(body=b"new")
    assert (house.ask() or "").endswith("new")


async def test_what_memory_has_let_go_of_is_not_answered() -> None:
    house = House()
    await house.holds()
    assert house.ask() is not None
    house.memory.remove(a_key(), Cause.EVICTED)
    assert house.ask() is None


async def test_each_gets_its_own_variant() -> None:
    house = House()
    for language in ("es", "qu"):
        await house.holds(body=language.encode(), secondary_key=(("accept-language", language),))
    house.memory.complete(a_key())
    for _ in range(3):
        assert (house.ask("/a", "Accept-Language: es") or "").endswith(("es", "five")), "either is right"
        assert (house.ask("/a", "accept-language:  QU") or "").endswith("qu")
        assert house.ask("/a", "Accept-Language: en") is None
        assert house.ask() is None


async def test_variants_asked_for_are_bounded() -> None:
    house = House()
    await house.holds(secondary_key=(("x", None),))
    await house.holds(secondary_key=(("x", "1"),))
    house.memory.complete(a_key())
    for number in range(500):
        house.ask("/a", f"X: {number}")
        assert house.ask() is not None


@pytest.mark.parametrize("is_ignored", [True, False])
async def test_cookies_are_for_the_route_to_ignore(is_ignored: bool) -> None:
    house = House(cookies_ignored=is_ignored)
    await house.holds()
    for number in range(3):
        assert house.ask() is not None
        assert (house.ask("/a", f"Cookie: a={number}") is not None) == is_ignored


@pytest.mark.parametrize("obeys", [True, False])
async def test_directives_are_for_the_route_to_obey(obeys: bool) -> None:
    house = House(client_directives=obeys)
    await house.holds()
    for line in ("Cache-Control: no-cache", "Pragma: no-cache"):
        assert house.ask() is not None
        assert (house.ask("/a", line) is None) == obeys


@pytest.mark.parametrize(
    ("line", "is_unmodified"),
    [
        ('If-None-Match: "e1"', True),
        ('If-None-Match: W/"e1"', True),
        ('If-None-Match: "x", "e1"', True),
        ("If-None-Match: *", True),
        ('If-None-Match: "e2"', False),
        ("If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT", True),
        ("If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT", False),
    ],
)
async def test_conditions(line: str, is_unmodified: bool) -> None:
    house = House()
    await house.holds()
    for _ in range(2):
        said = house.ask("/a", line) or ""
        assert said.startswith("HTTP/1.1 304 " if is_unmodified else "HTTP/1.1 200 ")
        assert said.endswith("\r\n\r\n" if is_unmodified else '{"a":1}')
        assert ("Content-Length" in said) != is_unmodified
        assert "Age: 0\r\n" in said
    house.counters.settle()
    assert house.counters.requests == {("r", "GET", "hit", "3xx" if is_unmodified else "2xx"): 2}


@pytest.mark.parametrize("mode", [OperatingMode.OFFLINE, OperatingMode.BYPASS])
async def test_only_who_works_normally_has_plain_hits(mode: OperatingMode) -> None:
    house = House()
    await house.holds()
    assert house.ask() is not None
    house.switch.set(mode)
    assert house.ask() is None
    house.switch.set(OperatingMode.NORMAL)
    assert house.ask() is not None


async def test_head_has_no_content() -> None:
    house = House()
    await house.holds()
    said = house.ask(method="HEAD") or ""
    assert said.endswith("Content-Length: 7\r\n\r\n")
    assert house.ask() is not None


async def test_what_is_logged_is_told_one_by_one() -> None:
    house = House()
    await house.holds(cost=1.0)
    house.is_logged = True
    sent = house.ask("/a", "X-Forwarded-For: 198.51.100.7")
    (event,) = house.finished
    assert event.request is not None
    assert event.answer is not None
    assert (event.request.method, event.request.target, event.request.peer) == ("GET", "/a", "192.0.2.1")
    assert (event.status, event.sent_bytes, event.answer.saved_seconds) == (200, len(sent or ""), 1.0)
    assert event.answer.disposition.result is Result.HIT
    house.counters.settle()
    assert not house.counters.requests, "who is told counts"


async def test_of_a_sample_each_hit_is_drawn_for_and_the_others_are_counted() -> None:
    """Also of one URL's hits within one second: what is looked at once a second is whether any is logged."""
    house = House()
    await house.holds()
    house.is_logged, house.draws = True, cycle([True, False, False, False])
    for _ in range(100):
        assert house.ask()
    house.counters.settle()
    assert (len(house.finished), house.counters.requests) == (25, {("r", "GET", "hit", "2xx"): 75})


@pytest.mark.parametrize("changes", [{"status": 503}, {"body": b"x" * (SLICE + 1)}, {"freshness_lifetime": 0.0}])
async def test_what_memory_holds_is_looked_for_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """Where it is no plain hit, the long way answers out of memory."""
    house = House()
    await house.holds(**changes)
    for name in ("at_hand", "seek"):
        monkeypatch.setattr(house.store, name, lambda *_: pytest.fail("it was"))
    for _ in range(3):
        assert house.ask() is None


async def test_what_a_client_said_before_is_not_taken_for_what_it_says_now() -> None:
    house = House(cookies_ignored=False)
    await house.holds()
    for number in range(300):
        assert house.ask("/a", "Accept: a", f"X-Request-Id: {number}")
    assert isinstance(house.client.said, Mould)
    for lines, is_hit in (
        (("Accept: a", "X-Request-Id: new"), True),
        (("Accept: b", "X-Request-Id: new"), True),
        (("Accept: a", "X-Request-Id: new", "Range: bytes=0-1"), False),
        (("Accept: a", "X-Request-Id: \x01"), False),
        (("Accept: a", "X-Request-Id: new", "Cookie: a=b"), False),
        (("Accept: a",), True),
        (("Accept: a", "Cookie: a=b"), False),
        (("Accept: a", "X-Request-Id: newer"), True),
    ):
        for _ in range(2):
            assert (house.ask("/a", *lines) is not None) is is_hit, lines


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET /a HTTP/1.1\r\nHost: x\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nx",
        b"\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\n\r\n",
        b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n",
        b"GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a\\b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"get /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x y\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x,y\r\n\r\n",
        b"GET /a HTTP/1.1\nHost: x\n\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n",
    ],
)
async def test_what_is_not_one_plain_head_goes_the_long_way(data: bytes) -> None:
    house = House()
    for target in ("/a", "/a#b", "/a\\b", "/\xe9", "/" + "a" * 1000):
        await house.holds(target)
    assert not house.path.answer(house.client, data)
    assert not house.client.written


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b"x" * (SLICE + 1)},
        {"is_ended": True},
        {"always_validate": True},
        {"freshness_lifetime": 0.0},
        {"status": 206},
        {"fields": fields({"Content-Type": "application/json"})},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_is_no_plain_hit_goes_the_long_way(changes: dict[str, Any]) -> None:
    house = House()
    await house.holds(**changes)
    assert house.ask() is None


async def test_an_upstream_that_speaks_our_own_words_confuses_nobody() -> None:
    house = House()
    odd = {**DATED, "X-Old": "Age: 7", "Cache-Status": "tambo; hit; ttl=5", "X-Cache": "HIT"}
    await house.holds(fields=fields(odd))
    house.clock.advance(3)
    said = house.ask() or ""
    assert "X-Old: Age: 7\r\nCache-Status: tambo; hit; ttl=5\r\n" in said
    assert said.count("\r\nAge: 3\r\n") == 1
    assert "Cache-Status: tambo; hit; ttl=57\r\nX-Cache: HIT\r\n" in said


async def test_the_host_is_part_of_what_is_asked_where_the_route_says_so() -> None:
    house = House(key=KeyRule(host=True))
    stored = a_stored(fields=fields(DATED), target="/a", body=b"one")
    await house.store.put(a_key("one/a", "/a"), stored, 1000)
    assert house.ask(host="two") is None
    assert (house.ask(host="one") or "").endswith("one")
    assert house.ask(host="two") is None
    house.client.origin = Origin("192.0.2.1", "http", trusted=True)
    assert house.ask("/a", "X-Forwarded-Host: two", host="one") is None
    assert house.ask(host="one") is None, "its word may count more than its Host: that is for the long way to see"


@asynccontextmanager
async def over_a_file(folder: Path) -> AsyncIterator[tuple[House, DiskStore]]:
    """A house without memory, over a file whose log it knows."""
    house = House()
    house.memory._capacity = 0
    backing = DiskStore(folder, house.clock)
    house.store._backing = house.store._at_hand = backing
    await backing.open()
    try:
        await house.store.lookup(a_key("/none"))
        yield house, backing
    finally:
        await backing.close()


async def test_what_only_the_file_holds_is_answered_at_once_and_kept_ready_without_its_body(tmp_path: Path) -> None:
    async with over_a_file(tmp_path) as (house, backing):
        await backing.put(a_key(), a_stored(fields=fields(DATED), etag_is_made=False), 1000)
        await backing.get(a_key())
        house.clock.advance(2)
        for _ in range(3):
            assert (house.ask() or "").endswith('{"a":1}')
            assert "Age: 2\r\n" in (house.ask() or "")
            assert (house.ask("/a", 'If-None-Match: "e1"') or "").startswith("HTTP/1.1 304 ")
            assert (house.ask(method="HEAD") or "").endswith("\r\n\r\n")
        kept = [ready for place in house.path._places.young.values() for ready in place.ready.values()]
        assert {ready.standing.answer.body for ready in kept} == {b""}, "its body comes from the file each time"
        assert house.ask("/b") is None
        assert house.store.tiers[0].operations["get", "miss"] == 13
        house.clock.advance(1)
        assert "Age: 3\r\n" in (house.ask() or "")


@pytest.mark.parametrize("mode", list(PurgeMode))
async def test_what_only_the_file_holds_is_not_answered_past_a_purge(mode: PurgeMode, tmp_path: Path) -> None:
    async with over_a_file(tmp_path) as (house, backing):
        for body, kind in ((b"old", PurgeKind.URL), (b"new", PurgeKind.ALL), (b"newest", PurgeKind.URL)):
            position = (await house.store.lookup(a_key())).position
            stored = a_stored(body, fields=fields(DATED), position=position)
            await backing.put(a_key(), stored, 1000)
            await backing.get(a_key())
            for _ in range(2):
                assert (house.ask() or "").endswith(body.decode())
            await house.store.purge(Purge(kind, "/a" if kind is PurgeKind.URL else "", mode))
            assert house.ask() is None
            await house.store.lookup(a_key())
            for _ in range(2):
                assert house.ask() is None


async def test_what_changes_in_the_file_is_answered_as_it_is(tmp_path: Path) -> None:
    async with over_a_file(tmp_path) as (house, backing):
        for body, more in (
            (b"one", {}),
            (b"two", {}),
            (b"three", {}),
            (b"four", {"etag": None}),
            (b"five", {"tags": ("t",)}),
        ):
            await backing.put(a_key(), a_stored(body, fields=fields(DATED), **more), 1000)
            assert house.ask() is None, "it is on its way to the disk"
            await backing.get(a_key())
            for _ in range(2):
                assert (house.ask() or "").endswith(body.decode())
        await backing.put(
            a_key(), a_stored(b"es", fields=fields(DATED), secondary_key=(("accept-language", "es"),)), 1000
        )
        await backing.get(a_key())
        for _ in range(2):
            assert (house.ask("/a", "Accept-Language: es") or "").endswith(("es", "five")), "either is right"
        await backing.remove(a_key())
        for _ in range(2):
            assert house.ask() is None


async def test_what_ended_while_it_was_made_ready_is_not_answered_then_or_later() -> None:
    house = House()
    await house.holds()
    house.path._now = lambda: house.clock.now() + 100  # a machine that stood still between two looks at the clock
    assert house.ask() is None
    assert house.ask() is None
    house.path._now = house.clock.now
    assert house.ask() is not None
