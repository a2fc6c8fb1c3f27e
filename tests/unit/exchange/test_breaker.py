"""The circuit breaker as a state machine: every transition, what is counted and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.exchange.breaker import PARTS, Breaker, BreakerSettings, Permit, State

SETTINGS = BreakerSettings(window=60.0, failure_ratio=0.5, min_requests=4, open=30.0)


def ask(breaker: Breaker, results: str, now: float = 0.0) -> State:
    """Report these results, ``+`` good and ``-`` bad: the state after them."""
    for result in results:
        permit = breaker.permit(now)
        assert permit is not None
        breaker.report(permit, is_good=result == "+", now=now)
    return breaker.state(now)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(SETTINGS)
    assert ask(breaker, "----", at) is State.OPEN
    return breaker


@pytest.mark.parametrize(
    ("results", "state"),
    [
        pytest.param("", State.CLOSED, id="it begins closed"),
        pytest.param("---", State.CLOSED, id="too few to judge"),
        pytest.param("----", State.OPEN, id="all fail"),
        pytest.param("++--", State.OPEN, id="the very ratio"),
        pytest.param("+++--", State.CLOSED, id="less than the ratio"),
        pytest.param("++++++", State.CLOSED, id="all is well"),
        pytest.param("+++---", State.OPEN, id="the last one tips it"),
    ],
)
def test_when_it_opens(results: str, state: State) -> None:
    assert ask(Breaker(SETTINGS), results) is state


def test_a_ratio_of_nothing_opens_on_no_success() -> None:
    breaker = Breaker(BreakerSettings(failure_ratio=0.0, min_requests=1))
    assert ask(breaker, "+++") is State.CLOSED
    assert ask(breaker, "-") is State.OPEN


def test_what_is_older_than_the_window_does_not_count() -> None:
    breaker = Breaker(SETTINGS)
    ask(breaker, "---", 0.0)
    assert ask(breaker, "-", 59.0) is State.OPEN
    breaker = Breaker(SETTINGS)
    ask(breaker, "---", 0.0)
    assert ask(breaker, "-", 66.1) is State.CLOSED


def test_open_lets_nothing_through_and_says_for_how_long() -> None:
    breaker = opened(100.0)
    assert (breaker.permit(129.9), breaker.refuses(129.9), breaker.wait(110.0)) == (None, True, 20.0)


def test_then_one_probe_goes_through_and_nobody_else() -> None:
    breaker = opened()
    assert (breaker.state(30.0), breaker.wait(30.0)) == (State.HALF_OPEN, 0.0)
    probe = breaker.permit(30.0)
    assert probe is not None
    assert probe.is_probe
    assert (breaker.permit(31.0), breaker.permit(500.0)) == (None, None)


def test_a_probe_that_goes_well_closes_it_with_nothing_held_against_it() -> None:
    breaker = opened()
    assert ask(breaker, "+", 30.0) is State.CLOSED
    assert ask(breaker, "---", 30.0) is State.CLOSED


def test_a_probe_that_fails_opens_it_again_for_as_long() -> None:
    breaker = opened()
    assert ask(breaker, "-", 40.0) is State.OPEN
    assert (breaker.wait(40.0), breaker.state(70.0)) == (30.0, State.HALF_OPEN)


def test_a_probe_that_comes_to_nothing_makes_room_for_another() -> None:
    breaker = opened()
    probe = breaker.permit(30.0)
    assert probe is not None
    breaker.give_up(probe)
    assert breaker.permit(30.0) is not None


def test_results_of_what_was_asked_before_it_opened_do_not_count() -> None:
    breaker = Breaker(SETTINGS)
    early = breaker.permit(0.0)
    assert early is not None
    ask(breaker, "----")
    breaker.report(early, is_good=True, now=1.0)
    assert breaker.state(1.0) is State.OPEN
    probe = breaker.permit(30.0)
    assert probe is not None
    breaker.report(early, is_good=False, now=30.0)
    breaker.give_up(early)
    assert breaker.permit(30.0) is None, "somebody else's result ended the probe"
    breaker.report(probe, is_good=True, now=31.0)
    assert breaker.state(31.0) is State.CLOSED


def test_giving_up_what_was_no_probe_changes_nothing() -> None:
    breaker = Breaker(SETTINGS)
    permit = breaker.permit(0.0)
    assert permit is not None
    breaker.give_up(permit)
    assert breaker.state(0.0) is State.CLOSED


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=200))
def test_it_remembers_no_more_than_the_parts_of_its_window(events: list[tuple[bool, float]]) -> None:
    breaker, now = Breaker(BreakerSettings(failure_ratio=1.0, min_requests=1000)), 0.0
    for is_good, later in events:
        now += later
        breaker.report(Permit(0), is_good=is_good, now=now)
        assert len(breaker._parts) <= PARTS + 1


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(SETTINGS), 0.0
        self.asked: list[Permit] = []

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_asks(self) -> None:
        refuses = self.breaker.refuses(self.now)
        permit = self.breaker.permit(self.now)
        assert (permit is None) is refuses
        if permit is not None:
            self.asked.append(permit)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), result=st.sampled_from(["good", "bad", "nothing"]))
    def something_comes_of_it(self, data: st.DataObject, result: str) -> None:
        permit = self.asked.pop(data.draw(st.integers(0, len(self.asked) - 1)))
        if result == "nothing":
            self.breaker.give_up(permit)
        else:
            self.breaker.report(permit, is_good=result == "good", now=self.now)

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        era = self.breaker._era
        assert sum(permit.is_probe and permit.era == era for permit in self.asked) <= 1

    @invariant()
    def it_never_stays_shut(self) -> None:
        """Where no probe is out, some time from now one will be let out."""
        era = self.breaker._era
        if not any(permit.is_probe and permit.era == era for permit in self.asked):
            assert not self.breaker.refuses(self.now + SETTINGS.open)


TestAnyOrder = AnyOrder.TestCase


def test_other_numbers_judge_what_was_counted_before_and_an_open_one_stays_open() -> None:
    breaker = Breaker(SETTINGS)
    ask(breaker, "--")
    breaker.change(BreakerSettings(window=60.0, failure_ratio=0.5, min_requests=3, open=5.0))
    assert ask(breaker, "-", 1.0) is State.OPEN
    breaker.change(SETTINGS)
    assert breaker.state(5.9) is State.OPEN
    assert breaker.state(6.0) is State.HALF_OPEN
