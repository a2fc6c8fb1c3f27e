"""The purge index: which purges concern what, and how it stays small without ever saying less than it knew."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.exchange.entry_ids import entry_id
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import SecondaryKey
from proxy.store.backing import LoggedPurge
from proxy.store.purge_log import PurgeLog
from tests.support.builders import a_key

SOFT, HARD = PurgeMode.SOFT, PurgeMode.HARD
BY_X: SecondaryKey = (("accept", "x"),)


def a_purge(kind: PurgeKind = PurgeKind.ALL, argument: str = "", mode: PurgeMode = HARD) -> Purge:
    return Purge(kind, argument, mode)


def _log(*purges: Purge, limit: int = 100) -> PurgeLog:
    log = PurgeLog(limit)
    for position, purge in enumerate(purges, start=1):
        log.add(LoggedPurge(position, purge, at=100.0 + position))
    return log


@pytest.mark.parametrize(
    ("purge", "concerned"),
    [
        pytest.param(a_purge(PurgeKind.URL, "k:/a"), True, id="its key"),
        pytest.param(a_purge(PurgeKind.URL, "k:/b"), False, id="another key"),
        pytest.param(a_purge(PurgeKind.URL, "k:/"), False, id="a beginning of its key"),
        pytest.param(a_purge(PurgeKind.PREFIX, "/a"), True, id="a prefix of its target"),
        pytest.param(a_purge(PurgeKind.PREFIX, "/a?x=1"), True, id="its whole target"),
        pytest.param(a_purge(PurgeKind.PREFIX, "/a?x=12"), False, id="longer than its target"),
        pytest.param(a_purge(PurgeKind.PREFIX, "k:/"), False, id="a prefix of its key only"),
        pytest.param(a_purge(PurgeKind.PATTERN, "/*"), True, id="a pattern of its path"),
        pytest.param(a_purge(PurgeKind.PATTERN, "*k:*"), False, id="a pattern of its key only"),
        pytest.param(a_purge(PurgeKind.TAG, "t"), True, id="its tag"),
        pytest.param(a_purge(PurgeKind.TAG, "T"), False, id="another tag"),
        pytest.param(a_purge(PurgeKind.ROUTE, "r"), True, id="its route"),
        pytest.param(a_purge(PurgeKind.ROUTE, "s"), False, id="another route"),
        pytest.param(a_purge(PurgeKind.ENTRY, entry_id("k:/a", BY_X)), True, id="it"),
        pytest.param(a_purge(PurgeKind.ENTRY, entry_id("k:/a", ())), False, id="another of its key"),
        pytest.param(a_purge(PurgeKind.ENTRY, entry_id("k:/b", BY_X)), False, id="its like of another key"),
        pytest.param(a_purge(PurgeKind.ALL), True, id="everything"),
    ],
)
@pytest.mark.parametrize("mode", PurgeMode)
def test_a_purge_concerns_what_is_older(purge: Purge, concerned: bool, mode: PurgeMode) -> None:
    log = _log(Purge(purge.kind, purge.argument, mode))
    assert log.strongest(0, "k:/a", "/a?x=1", ("t",), "r", BY_X) == (mode if concerned else None)
    assert log.strongest(1, "k:/a", "/a?x=1", ("t",), "r", BY_X) is None


def test_hard_is_stronger_whatever_came_last() -> None:
    log = _log(a_purge(mode=HARD), a_purge(PurgeKind.URL, "/a", SOFT))
    assert log.strongest(0, "/a", "/a") is HARD
    assert log.strongest(1, "/a", "/a") is SOFT


def test_the_same_purge_again_takes_no_more_room() -> None:
    log = _log(*[a_purge(PurgeKind.URL, "/a")] * 50, a_purge(PurgeKind.PREFIX, "/b"))
    assert len(log) == 2
    assert log.strongest(49, "/a", "/a") is HARD


def test_everything_replaces_the_weaker_ones_before_it() -> None:
    kinds = [a_purge(PurgeKind.URL, "/a", HARD), a_purge(PurgeKind.URL, "/b", SOFT), a_purge(mode=SOFT)]
    log = _log(*kinds)
    assert len(log) == 2
    assert [log.strongest(0, key, key) for key in ("/a", "/b", "/c")] == [HARD, SOFT, SOFT]
    assert len(_log(*kinds, a_purge(mode=HARD))) == 1


def test_forgetting_refuses_what_began_before() -> None:
    log = _log(a_purge(PurgeKind.URL, "/a"), a_purge(PurgeKind.PREFIX, "/b"), a_purge(PurgeKind.URL, "/c"))
    log.forget(2)
    assert len(log) == 1
    assert log.strongest(0, "/a", "/a") is None
    assert log.since(0, a_key("/z"), "/z") is HARD
    assert log.since(2, a_key("/z"), "/z") is None
    assert log.since(2, a_key("/c"), "/c") is HARD
    log.forget(3)
    assert log.last == 3
    assert log.strongest(0, "/c", "/c") is None


def test_what_was_forgotten_does_not_come_back() -> None:
    log = _log(a_purge(PurgeKind.URL, "/a"))
    log.forget(1)
    log.add(LoggedPurge(1, a_purge(PurgeKind.URL, "/a"), 101.0))
    assert len(log) == 0


def test_how_far_the_purges_before_a_moment_go() -> None:
    log = _log(a_purge(PurgeKind.URL, "/a"), a_purge(PurgeKind.URL, "/b"))
    assert [log.last_before(moment) for moment in (101.0, 101.5, 102.0, 103.0)] == [0, 1, 1, 2]


def test_too_many_are_folded_into_one_of_everything() -> None:
    log = _log(*(a_purge(PurgeKind.URL, f"/{number}", SOFT) for number in range(11)), limit=10)
    assert len(log) <= 10
    assert log.strongest(0, "/never", "/never") is SOFT
    assert log.strongest(10, "/10", "/10") is SOFT
    assert log.strongest(10, "/never", "/never") is None


SELECTED: list[SecondaryKey] = [(), BY_X, (("accept", None),)]
purges = st.builds(
    Purge,
    st.sampled_from([kind for kind in PurgeKind if kind is not PurgeKind.ENTRY]),
    st.sampled_from(["/", "/a", "/a/b", "/b", "/a/b/c", "/a?x=1", "/a?x=2", "/*b", "/a*", "*/x*"]),
    st.sampled_from(PurgeMode),
) | st.builds(
    Purge,
    st.just(PurgeKind.ENTRY),
    st.builds(entry_id, st.sampled_from(["/a", "/b/x", "/a#q1"]), st.sampled_from(SELECTED)),
    st.sampled_from(PurgeMode),
)


TARGETS = st.sampled_from(["/a", "/a/b", "/b/x", "/c", "/a#q1", "/a?x=1", "/a?x=1#s2"])
"""The last have kin: what is purged by one URL of their path."""
tags = st.none() | st.lists(st.sampled_from(["/a", "/b", "x"]), max_size=2)
routes = st.none() | st.sampled_from(["/a", "/b", "x"])
secondaries = st.none() | st.sampled_from(SELECTED)


@settings(deadline=None)
@given(st.lists(purges, max_size=30), st.integers(0, 30), TARGETS, tags, routes, secondaries)
def test_it_says_what_a_walk_over_the_whole_log_says(
    history: list[Purge], position: int, target: str, has: list[str] | None, route: str | None, by: SecondaryKey | None
) -> None:
    key = CacheKey(target, target)
    later = [purge for number, purge in enumerate(history, start=1) if number > position]
    modes = {purge.mode for purge in later if purge.concerns(key, target, has, route, by)}
    expected = HARD if HARD in modes else SOFT if SOFT in modes else None
    assert _log(*history, limit=1000).strongest(position, target, target, has, route, by) == expected


@settings(deadline=None)
@given(st.lists(purges, max_size=30), st.integers(0, 30), TARGETS, tags, routes, secondaries)
def test_a_short_log_may_say_more_but_never_less(
    history: list[Purge], position: int, target: str, has: list[str] | None, route: str | None, by: SecondaryKey | None
) -> None:
    strength = [None, SOFT, HARD]
    full = _log(*history, limit=1000).strongest(position, target, target, has, route, by)
    short = _log(*history, limit=4)
    assert len(short) <= 4
    assert strength.index(short.strongest(position, target, target, has, route, by)) >= strength.index(full)
