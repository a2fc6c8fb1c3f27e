"""Answers that are ready but for their age: what they say when, and what of them is written as one piece."""

from typing import Any

import pytest

from proxy.edge.server.ready_hit import Ready
from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.replies import Replies
from proxy.exchange.standing import Standings
from proxy.exchange.tallies import SHORT, Tally
from proxy.policy.disposition import Result
from proxy.policy.route import RoutePolicy, compile_pattern
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from proxy.telemetry.counters import Histogram
from tests.support.builders import T0, a_key, a_request, a_stored, fields
from tests.support.clock import FakeClock
from tests.support.observer import RecordingObserver

DATED = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}


async def ready(method: str = "GET", **changes: Any) -> Ready | None:
    clock = FakeClock()
    store = TieredStore(Memory(1 << 20, clock), None, clock)
    await store.put(a_key(), a_stored(**{"fields": fields(DATED), **changes}), 1000)
    routes = (RoutePolicy("r", compile_pattern("/**")),)
    standings = Standings(routes, store, Keys(), ModeSwitch(clock), Replies(clock, RecordingObserver()))
    ask = standings.question(a_request())
    assert ask is not None
    standing = standings.stand(ask, standings.resident(ask.key) or ())
    assert standing is not None
    return Ready.of(standing, method, lambda _owner, _kind: Tally(Histogram((SHORT,))))


async def test_the_age_is_said_until_it_is_another() -> None:
    hit = await ready(corrected_initial_age=7.25)
    assert hit is not None
    hit.turn(T0, 100.0, may_log=False)
    assert b"\r\nAge: 7\r\n" in hit.wire
    assert hit.turns == hit.looks == pytest.approx(100.75)
    hit.turn(T0 + 0.75, 100.75, may_log=False)
    assert b"\r\nAge: 8\r\n" in hit.wire


async def test_it_is_never_good_beyond_its_freshness() -> None:
    hit = await ready(freshness_lifetime=0.25)
    assert hit is not None
    hit.turn(T0, 100.0, may_log=False)
    assert hit.turns == pytest.approx(100.25)


@pytest.mark.parametrize(
    ("may_log", "size"), [pytest.param(True, 1, id="each is told of"), pytest.param(False, 100_000, id="large")]
)
async def test_what_takes_more_than_one_write_is_not_joined(may_log: bool, size: int) -> None:
    hit = await ready(body=b"x" * size)
    assert hit is not None
    hit.turn(T0 + 0.5, 100.0, may_log=may_log)
    assert (hit.wire, hit.turns < 100.0) == (b"", True)
    assert hit.looks > 100.0
    assert b"\r\nAge: 0\r\n" in hit.whole.head
    assert b" 304 " in hit.none.head


async def test_a_head_that_cannot_be_told_in_parts_is_not_ready() -> None:
    assert await ready(fields=fields({})) is None, "Date is said anew each second"
    hit = await ready("HEAD", body=b"abc")
    assert hit is not None
    assert (hit.whole.body, hit.whole.answer.disposition.result) == (b"", Result.HIT)
