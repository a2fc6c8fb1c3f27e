"""Hits that memory does not hold: what is answered once they were looked up, what is known of them, and until when."""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

import pytest

from proxy.edge.server.hit_hooks import HitHooks
from proxy.edge.server.hit_path import HitPath
from proxy.edge.server.settings import Finished
from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.exchange.replies import Replies
from proxy.exchange.standing import Standings
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.policy.route import RoutePolicy, compile_pattern
from proxy.store.backing import Found, LoggedPurge
from proxy.store.codec import decode, encode
from proxy.store.memory import Memory
from proxy.store.redis_values import RedisValues
from proxy.store.tiered import TieredStore
from proxy.telemetry.counters import Counters
from tests.support.builders import a_key, a_stored, fields
from tests.support.clock import FakeClock
from tests.support.hit_house import Client as AtRest
from tests.support.observer import RecordingObserver

DATED = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT", "Content-Type": "application/json"}


class Store:
    """What lies beyond memory, as envelopes; a question is answered when the test says so."""

    def __init__(self) -> None:
        self.values: dict[str, list[bytes]] = {}
        self.position = 0
        self.is_open = True
        self.asked: list[Callable[[], None]] = []
        self.decoded = 0

    def put(self, *variants: StoredResponse, target: str = "/a") -> None:
        self.values[target] = [encode(a_key(target), variant) for variant in variants]

    def ask(self, key: CacheKey, heads: Sequence[bytes], then: Callable[[Found | None], None]) -> bool:
        if self.is_open:
            self.asked.append(lambda: then(self._found(key, heads)))
        return self.is_open

    def _found(self, key: CacheKey, heads: Sequence[bytes]) -> Found:
        values = self.values.get(key.text, [])
        reply = [part for number, value in enumerate(values) for part in (b"%d" % number, value)]
        if (bodies := RedisValues.bodies(reply, heads)) is not None:
            return Found((), self.position, heads, bodies)
        self.decoded += 1
        variants = [read for value in values if isinstance(read := decode(value, key), StoredResponse)]
        return Found(variants, self.position, RedisValues.heads(reply, variants))


class Client(AtRest):
    """A connection: at rest, or with a request that is looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.long_way: list[bytes] = []

    def settle(self, data: bytes | None) -> bool:
        assert self.pending is not None
        pending, self.pending = self.pending, None
        if data is None:
            self.long_way.append(pending.data)
        else:
            self.written.append(data)
        return data is not None


class House:
    """A hit path over a store without memory."""

    def __init__(self, room: int = 0) -> None:
        self.clock = FakeClock()
        self.switch = ModeSwitch(self.clock)
        self.backing = Store()
        self.store = TieredStore(Memory(room, self.clock), None, self.clock)
        self.store._prompt = self.backing
        routes = (RoutePolicy("r", compile_pattern("/**")),)
        self.observer = RecordingObserver()
        standings = Standings(routes, self.store, Keys(), self.switch, Replies(self.clock, self.observer))
        self.finished: list[Finished] = []
        self.counters, self.is_logged = Counters(), False
        self.draws: Iterator[bool] = repeat(True)
        logs = (lambda: self.is_logged, lambda: next(self.draws))
        told = self.counters.tally, self.finished.append, *logs, self.observer.internal_error
        self.path = HitPath(HitHooks(standings, self.clock, *told), 1000)

    def begin(self, target: str = "/a", *lines: str, method: str = "GET", client: Client | None = None) -> Client:
        """A request that has come."""
        client = client or Client()
        head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *lines, "\r\n"]).encode()
        if not self.path.answer(client, head):
            client.long_way.append(head)
        return client

    def reply(self) -> None:
        """All questions so far are answered."""
        asked, self.backing.asked = self.backing.asked, []
        for answer in asked:
            answer()

    def ask(self, target: str = "/a", *lines: str, method: str = "GET") -> str | None:
        """What a request is answered; None: it took the long way."""
        client = self.begin(target, *lines, method=method)
        self.reply()
        assert client.pending is None
        assert len(client.written) + len(client.long_way) == 1
        return client.written[0].decode() if client.written else None


def response(body: bytes = b"one", **changes: Any) -> StoredResponse:
    return a_stored(body, **{"fields": fields(DATED), "etag_is_made": False, **changes})


def test_it_is_answered_when_it_was_looked_up_and_then_known_but_for_its_body() -> None:
    house = House()
    house.backing.put(response(cost=2.5))
    first = house.ask()
    assert first is not None
    assert first.endswith("\r\n\r\none")
    assert house.backing.decoded == 1
    house.backing.put(response(b"two", cost=2.5))  # nothing but another body
    house.clock.advance(2)
    assert house.ask() == first.replace("Age: 0", "Age: 2").replace("ttl=60", "ttl=58").replace("one", "two")
    assert house.backing.decoded == 1
    (told,) = house.finished
    assert told.request is not None
    assert told.answer is not None
    assert (told.request.target, told.answer.saved_seconds) == ("/a", 2.5)
    house.counters.settle()
    assert house.counters.requests == {("r", "GET", "hit", "2xx"): 1}, "the other one is counted where it was told of"
    assert house.counters.saved_seconds == {("r", "hit"): 2.5}


@pytest.mark.parametrize("seconds", [0.0, 0.0004, 0.0005, 0.7])
def test_what_is_known_is_told_of_by_itself_where_it_is_logged(seconds: float) -> None:
    house = House()
    house.backing.put(response())
    assert house.ask()
    for is_logged, is_drawn in ((False, True), (True, True), (True, False)):
        house.is_logged, house.draws = is_logged, iter([False, is_drawn])  # of the first nothing is said
        told = is_logged and is_drawn
        house.clock.advance(1)  # asked once a second
        assert house.ask()
        before = len(house.finished)
        client = house.begin()
        house.clock.advance(seconds)
        house.reply()
        assert client.written
        assert len(house.finished) == before + told
    assert not any(variant.body for place in house.path._places.young.values() for variant in place.only.variants)


def test_conditions_and_head_are_answered_by_what_is_known() -> None:
    house = House()
    house.backing.put(response(etag='"e1"'))
    for _ in range(2):
        assert (house.ask("/a", 'If-None-Match: "e1"') or "").startswith("HTTP/1.1 304 ")
        assert (house.ask("/a", 'If-None-Match: "e2"') or "").endswith("one")
        head = house.ask(method="HEAD")
        assert head is not None
        assert head.endswith("Content-Length: 3\r\n\r\n")
    assert house.backing.decoded < 6


def test_what_is_stored_anew_or_beside_it_is_found_anew() -> None:
    house = House()
    house.backing.put(response())
    assert house.ask() is not None
    house.backing.put(response(b"longer"))
    assert house.ask() is None
    assert (house.ask() or "").endswith("longer")
    variants = [response(word.encode(), secondary_key=(("accept-language", word),)) for word in ("es", "qu")]
    house.backing.put(*variants)
    assert house.ask() is None
    for _ in range(3):
        for word in ("es", "qu"):
            assert (house.ask("/a", f"Accept-Language: {word}") or "").endswith(word)
        assert house.ask("/a", "Accept-Language: en") is None
    house.backing.put(*variants[:1])
    assert house.ask("/a", "Accept-Language: qu") is None
    house.backing.put()
    assert house.ask("/a", "Accept-Language: es") is None


def test_nothing_is_answered_past_its_freshness() -> None:
    house = House()
    house.backing.put(response(freshness_lifetime=10.0))
    for _ in range(2):
        assert house.ask() is not None
    house.clock.advance(9.5)
    client = house.begin()
    house.clock.advance(1)
    house.reply()
    assert client.long_way, "it ended while it was looked up"
    assert house.ask() is None


def purged(house: House, mode: PurgeMode, kind: PurgeKind = PurgeKind.URL, argument: str = "/a") -> None:
    house.backing.position += 1
    house.store._log.add(LoggedPurge(house.backing.position, Purge(kind, argument, mode), house.clock.now()))
    house.store._learnt = house.backing.position


def test_nothing_is_answered_past_a_purge() -> None:
    for mode in (PurgeMode.HARD, PurgeMode.SOFT):
        for kind, argument in (
            (PurgeKind.URL, "/a"),
            (PurgeKind.PREFIX, "/"),
            (PurgeKind.TAG, "t"),
            (PurgeKind.ALL, ""),
        ):
            house = House()
            house.backing.put(response(tags=("t",)))
            for _ in range(2):
                assert house.ask() is not None
            client = house.begin()
            purged(house, mode, kind, argument)
            house.reply()
            assert client.long_way, "it was purged while it was looked up"
            assert house.ask() is None
            house.backing.put(response(b"new", tags=("t",), position=house.backing.position))
            assert (house.ask() or "").endswith("new")


def test_purges_that_are_not_known_here_are_learnt_first() -> None:
    house = House()
    house.backing.put(response())
    for _ in range(2):
        assert house.ask() is not None
    house.backing.position = 7
    assert house.ask() is None


def test_the_mode_and_the_rules_are_those_of_the_moment_it_is_answered() -> None:
    house = House()
    house.backing.put(response())
    for _ in range(2):
        client = house.begin()
        house.path.forget()
        house.reply()
        assert client.long_way
        assert house.ask() is not None
    for is_known in (False, True):
        client = house.begin("/a" if is_known else "/a?")
        house.switch.set(OperatingMode.BYPASS)
        house.reply()
        assert client.long_way
        house.switch.set(OperatingMode.NORMAL)
    client = house.begin()
    house.path.close()
    house.reply()
    assert client.long_way
    assert house.ask() is None


def test_who_was_taken_back_is_not_answered() -> None:
    house = House()
    house.backing.put(response())
    for _ in range(2):
        client = house.begin()
        client.pending = None
        house.reply()
        assert not client.written
        assert house.ask() is not None


def test_a_store_that_cannot_be_asked_so_leaves_it_to_the_long_way() -> None:
    house = House()
    house.backing.put(response())
    assert house.ask() is not None
    house.backing.is_open = False
    assert house.ask() is None
    assert house.ask("/b") is None


def test_with_memory_it_is_looked_up_once() -> None:
    house = House(room=1 << 20)
    house.backing.put(response())
    assert house.ask() is not None
    client = house.begin()
    assert client.written, "at once"
    assert not house.backing.asked


def test_a_bug_costs_no_client_its_answer() -> None:
    house = House()
    house.backing.put(response())
    house.path._passing._hooks.standings.stand = lambda *_: 1 / 0  # type: ignore[method-assign,assignment]
    client = house.begin()
    house.reply()
    assert client.long_way
    assert [type(bug) for bug in house.observer.bugs] == [ZeroDivisionError]
