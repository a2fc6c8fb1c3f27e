"""Hits that stand for a while: what is found, and which numbers they say when."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.replies import Replies
from proxy.exchange.standing import Standing, Standings, selection
from proxy.policy.route import RoutePolicy, compile_pattern
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from tests.support.builders import T0, a_key, a_request, a_stored
from tests.support.clock import FakeClock
from tests.support.observer import RecordingObserver


async def found(lines: dict[str, str] | None = None, **changes: Any) -> Standing | None:
    clock = FakeClock()
    store = TieredStore(Memory(1 << 20, clock), None, clock)
    await store.put(a_key(), a_stored(**changes), 1000)
    routes = (RoutePolicy("r", compile_pattern("/**"), client_directives=True),)
    standings = Standings(routes, store, Keys(), ModeSwitch(clock), Replies(clock, RecordingObserver()))
    ask = standings.question(a_request(lines=lines))
    variants = None if ask is None else standings.resident(ask.key)
    return None if ask is None or variants is None else standings.stand(ask, variants)


async def test_a_fresh_hit_stands_until_it_is_stale() -> None:
    standing = await found(freshness_lifetime=60.0, corrected_initial_age=20.0)
    assert standing is not None
    assert (standing.since, standing.until) == (T0, T0 + 40)
    assert standing.answer.body == b'{"a":1}'
    assert (standing.unmodified.head.status, standing.unmodified.body, standing.unmodified.length) == (304, b"", None)


async def test_conditions_are_left_to_be_judged() -> None:
    standing = await found({"If-None-Match": '"e1"'})
    assert standing is not None
    assert standing.answer.head.status == 200
    assert standing.is_unmodified(a_request(lines={"If-None-Match": '"e1"'}))
    assert not standing.is_unmodified(a_request(lines={"If-None-Match": '"e2"'}))


async def test_what_is_more_than_a_plain_hit_is_not_found() -> None:
    assert await found({"Cookie": "a=b"}) is None
    assert await found({"Authorization": "Basic eA=="}) is None
    assert await found({"Cache-Control": "max-stale"}) is None
    assert await found(is_ended=True) is None
    assert await found(always_validate=True) is None
    assert await found(freshness_lifetime=5.0, corrected_initial_age=5.0) is None
    assert await found(secondary_key=(("x", "1"),)) is None


@given(
    initial=st.floats(0, 1e6),
    lifetime=st.floats(0.1, 1e6),
    steps=st.lists(st.floats(0, 3), min_size=2, max_size=20),
)
def test_the_numbers_hold_until_they_say(initial: float, lifetime: float, steps: list[float]) -> None:
    stored = a_stored(corrected_initial_age=initial, freshness_lifetime=initial + lifetime)
    standing = Standing(None, None, a_key(), (), stored, None, (), T0, T0 + lifetime)  # type: ignore[arg-type] # unread
    moments = [T0]
    for step in steps:
        moments.append(moments[-1] + step)
    for earlier, later in pairwise(moments):
        age, ttl, until = standing.numbers(earlier)
        assert earlier <= until <= earlier + 1
        if later < until:
            assert standing.numbers(later)[:2] == (age, ttl)
        assert standing.numbers(later)[0] >= age


def test_selecting_values_are_normalised() -> None:
    request = a_request(lines={"Accept-Language": "ES , en", "X": "1"})
    assert selection(("accept-language", "x", "y"), request) == ("en,es", "1", None)


async def test_what_is_found_beyond_memory_is_answered_by_the_same_rules() -> None:
    clock = FakeClock()
    store = TieredStore(Memory(0, clock), None, clock)
    switch = ModeSwitch(clock)
    standings = Standings(
        (RoutePolicy("r", compile_pattern("/**")),), store, Keys(), switch, Replies(clock, RecordingObserver())
    )
    ask = standings.question(a_request(lines={"If-None-Match": '"e1"'}))
    assert ask is not None
    fresh, stale = a_stored(freshness_lifetime=60.0), a_stored(freshness_lifetime=0.0)
    answer = standings.hit(ask, [fresh])
    assert answer is not None
    assert answer.head.status == 304, "its own conditions are judged: nobody else is answered with it"
    assert standings.hit(ask, [stale]) is None
    assert standings.hit(ask, []) is None
    switch.set(OperatingMode.BYPASS)
    assert standings.hit(ask, [fresh]) is None, "the mode was changed while it was looked up"
    assert standings.question(a_request()) is None
