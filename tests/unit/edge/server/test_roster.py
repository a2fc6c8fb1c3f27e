"""Who has to go when there is no room: about the one that has been idle longest."""

from typing import Any

from proxy.edge.server.roster import Roster
from proxy.edge.server.settings import Hooks, ServerSettings
from tests.support.clock import FakeClock


class Idle:
    """A connection that waits for a request."""

    def __init__(self, heard_at: float = -1.0) -> None:
        self.heard_at = heard_at
        self.is_retired = False

    def retire(self, *, linger: bool) -> None:
        self.is_retired = not linger

    def hurry(self) -> None:
        raise NotImplementedError


def a_roster(*idle: Idle) -> Roster:
    nothing: Any = None
    roster = Roster(ServerSettings(), Hooks(nothing, nothing, nothing, FakeClock()))
    roster.idle = {each: float(at) for at, each in enumerate(idle)}
    return roster


def test_the_longest_idle_goes_first() -> None:
    first, second = Idle(), Idle()
    roster = a_roster(first, second)
    assert roster.retire_oldest()
    assert (first.is_retired, second.is_retired) == (True, False)
    assert roster.retire_oldest()
    assert not roster.retire_oldest(), "nobody is left"


def test_who_was_answered_meanwhile_comes_behind_the_others() -> None:
    first, second, third = Idle(heard_at=10.0), Idle(heard_at=9.0), Idle()
    roster = a_roster(first, second, third)
    assert roster.retire_oldest()
    assert third.is_retired
    assert roster.retire_oldest()
    assert (first.is_retired, second.is_retired) == (True, False)


def test_looking_for_the_oldest_has_a_bound() -> None:
    busy = [Idle(heard_at=1e6) for _ in range(1000)]
    roster = a_roster(*busy, Idle())
    assert roster.retire_oldest()
    assert sum(each.is_retired for each in busy) == 1
