"""RFC 9111 §5.2.1, §5.4, RFC 8246: what a request may ask of a cache, where its route lets it."""

from typing import Any

import pytest

from proxy.policy.directives import RequestDirectives, request_directives
from proxy.policy.disposition import (
    ForwardReason,
    NotStoredReason,
    PassThrough,
    RequestDecision,
    Reuse,
    ReuseWhileRevalidating,
    Shareable,
    Unsatisfiable,
    Validate,
)
from proxy.policy.field_values import SATURATED
from proxy.policy.messages import Fields, RequestHead, Windows
from proxy.policy.reuse import choose, wants_stored_only
from proxy.policy.storability import admit
from tests.support.builders import T0, a_request, a_stored
from tests.support.policy import a_head, a_route, stored_as

HONOURED = a_route(client_directives=True)
IGNORED = a_route()
SWR: dict[str, Any] = {"windows": Windows(revalidate=20.0)}
IMMUTABLE: dict[str, Any] = {"fields": Fields([("Cache-Control", "max-age=60, immutable")])}
FRESH, STALE = 10, 65  # seconds later, of a lifetime of 60


def decided(lines: dict[str, str], changes: dict[str, Any], after: float) -> RequestDecision:
    return choose(a_request(lines=lines), [a_stored(**changes)], HONOURED, T0 + after)


@pytest.mark.parametrize(
    ("asked", "changes", "after", "expected"),
    [
        # no-cache
        pytest.param("no-cache", {}, FRESH, Validate, id="5.2.1.4 no-cache, fresh"),
        pytest.param("NO-CACHE", {}, FRESH, Validate, id="5.2 in any case"),
        pytest.param("no-cache", SWR, STALE, Validate, id="5.2.1.4 no-cache, inside a window"),
        pytest.param("no-cache, max-stale", {}, STALE, Validate, id="5.2.1.4 no-cache beats max-stale"),
        pytest.param("no-cache", IMMUTABLE, FRESH, Validate, id="8246-2.1 no-cache asks even of what never changes"),
        pytest.param('no-cache="x"', {}, FRESH, Validate, id="5.2.1.4 an argument nobody asked for"),
        # max-age
        pytest.param("max-age=9", {}, FRESH, Validate, id="5.2.1.1 too old"),
        pytest.param("max-age=10", {}, FRESH, Reuse, id="5.2.1.1 just young enough"),
        pytest.param("max-age=0", {}, 0, Reuse, id="5.2.1.1 nought, and as young"),
        pytest.param("max-age=0", {}, 1, Validate, id="5.2.1.1 nought"),
        pytest.param('max-age="10"', {}, FRESH, Reuse, id="5.2 the quoted form"),
        pytest.param("max-age=x", {}, FRESH, Validate, id="4.2.1 invalid is nought"),
        pytest.param("max-age=99, max-age=5", {}, FRESH, Validate, id="4.2.1 the stricter of two"),
        pytest.param("max-age=99", {"corrected_initial_age": 40.0}, FRESH, Reuse, id="4.2.3 age on arrival counts"),
        pytest.param("max-age=49", {"corrected_initial_age": 40.0}, FRESH, Validate, id="4.2.3 and makes it too old"),
        pytest.param("max-age=999", SWR, STALE, Validate, id="5.2.1.1 who names an age wants no stale one"),
        pytest.param("max-age=0", IMMUTABLE, FRESH, Reuse, id="8246-2 a reload of what never changes"),
        pytest.param("max-age=0", IMMUTABLE, STALE, Validate, id="8246-2 only as long as it is fresh"),
        # min-fresh
        pytest.param("min-fresh=50", {}, FRESH, Reuse, id="5.2.1.3 just fresh enough"),
        pytest.param("min-fresh=51", {}, FRESH, Validate, id="5.2.1.3 not for long enough"),
        pytest.param("min-fresh=0", SWR, STALE, Validate, id="5.2.1.3 wants a fresh one"),
        pytest.param("min-fresh=1, min-fresh=51", {}, FRESH, Validate, id="5.2.1.3 the stricter of two"),
        pytest.param("min-fresh=51", IMMUTABLE, FRESH, Validate, id="8246-2 that it never changes makes it no fresher"),
        pytest.param("min-fresh=1, max-stale=99", {}, STALE, Validate, id="5.2.1.3 beats max-stale"),
        # max-stale
        pytest.param("max-stale", {}, FRESH, Reuse, id="5.2.1.2 a fresh one all the same"),
        pytest.param("max-stale", {}, STALE, Reuse, id="5.2.1.2 any staleness"),
        pytest.param("max-stale", {}, 1e6, Reuse, id="5.2.1.2 any at all"),
        pytest.param("max-stale=5", {}, STALE, Reuse, id="5.2.1.2 no more than that"),
        pytest.param("max-stale=4", {}, STALE, Validate, id="5.2.1.2 more than that"),
        pytest.param("max-stale=0", {}, STALE, Validate, id="5.2.1.2 none"),
        pytest.param("max-stale=x", {}, STALE, Validate, id="4.2.1 invalid is none"),
        pytest.param("max-stale, max-stale=4", {}, STALE, Validate, id="5.2.1.2 the stricter of two"),
        pytest.param("max-stale=5, max-age=65", {}, STALE, Reuse, id="5.2.1.1 beside max-age, young enough"),
        pytest.param("max-stale=5, max-age=64", {}, STALE, Validate, id="5.2.1.1 beside max-age, too old"),
        pytest.param("max-stale=5", SWR, STALE, ReuseWhileRevalidating, id="5861-3 in a window it is refreshed too"),
        pytest.param("max-stale=4", SWR, STALE, Validate, id="5.2.1.2 less than the origin's window"),
        pytest.param("max-stale", {"never_stale": True}, STALE, Validate, id="4.2.4 where it may never be stale"),
        pytest.param("max-stale", {"always_validate": True}, FRESH, Validate, id="5.2.2.4 nor without validation"),
        pytest.param("max-stale", {"is_ended": True}, STALE, Validate, id="nor what was purged"),
        # none of them
        pytest.param("foo", {}, FRESH, Reuse, id="5.2.3 a stranger"),
        pytest.param("", {}, FRESH, Reuse, id="5.2 empty"),
        pytest.param(" , ,", {}, FRESH, Reuse, id="9110-5.6.1 empty members"),
        pytest.param("no-transform", {}, FRESH, Reuse, id="5.2.1.6 no-transform: nothing is transformed here"),
        pytest.param("foo", SWR, STALE, ReuseWhileRevalidating, id="5861-3 the origin's window"),
        pytest.param("foo", {}, STALE, Validate, id="4.2.4 stale"),
    ],
)
def test_honoured(asked: str, changes: dict[str, Any], after: float, expected: type[RequestDecision]) -> None:
    assert type(decided({"Cache-Control": asked}, changes, after)) is expected


@pytest.mark.parametrize(
    ("asked", "changes", "after", "expected"),
    [
        pytest.param("only-if-cached", {}, FRESH, Reuse, id="5.2.1.7 fresh"),
        pytest.param("only-if-cached", {}, STALE, Unsatisfiable, id="5.2.1.7 stale"),
        pytest.param("only-if-cached, max-stale", {}, STALE, Reuse, id="5.2.1.7 stale, and it takes that"),
        pytest.param("only-if-cached, max-stale=4", {}, STALE, Unsatisfiable, id="5.2.1.7 staler than it takes"),
        pytest.param("only-if-cached, max-age=9", {}, FRESH, Unsatisfiable, id="5.2.1.7 older than it takes"),
        pytest.param("only-if-cached, min-fresh=51", {}, FRESH, Unsatisfiable, id="5.2.1.7 not fresh enough"),
        pytest.param("only-if-cached, no-cache", {}, FRESH, Unsatisfiable, id="5.2.1.7 and not without asking"),
    ],
)
def test_only_if_cached_with_others(
    asked: str, changes: dict[str, Any], after: float, expected: type[RequestDecision]
) -> None:
    assert type(decided({"Cache-Control": asked}, changes, after)) is expected


@pytest.mark.parametrize(
    ("lines", "after", "reason"),
    [
        pytest.param({"Cache-Control": "no-cache"}, FRESH, ForwardReason.REQUEST, id="9211-2.2 request: it was fresh"),
        pytest.param({"Cache-Control": "no-cache"}, STALE, ForwardReason.STALE, id="9211-2.2 stale: it was not"),
        pytest.param({}, STALE, ForwardReason.STALE, id="9211-2.2 stale"),
    ],
)
def test_why_it_goes_on(lines: dict[str, str], after: float, reason: ForwardReason) -> None:
    decision = decided(lines, {}, after)
    assert isinstance(decision, Validate)
    assert decision.reason is reason


ALL = ("no-cache", "no-store", "max-age=0", "min-fresh=999", "max-stale=0", "max-age=x", "no-cache, no-store")


@pytest.mark.parametrize("asked", ALL)
def test_ignored_unless_the_route_says_so(asked: str) -> None:
    request = a_request(lines={"Cache-Control": asked, "Pragma": "no-cache"})
    assert type(choose(request, [a_stored()], IGNORED, T0 + FRESH)) is Reuse
    assert type(choose(request, [a_stored(**SWR)], IGNORED, T0 + STALE)) is ReuseWhileRevalidating
    assert admit(request, IGNORED) == Shareable()


def test_staleness_is_not_for_the_asking_where_directives_are_ignored() -> None:
    request = a_request(lines={"Cache-Control": "max-stale"})
    assert type(choose(request, [a_stored()], IGNORED, T0 + STALE)) is Validate


# no-store -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "admission"),
    [
        pytest.param("no-store", PassThrough(NotStoredReason.CLIENT_NO_STORE), id="5.2.1.5 no-store"),
        pytest.param("No-Store", PassThrough(NotStoredReason.CLIENT_NO_STORE), id="5.2 in any case"),
        pytest.param("max-age=0,no-store", PassThrough(NotStoredReason.CLIENT_NO_STORE), id="5.2 among others"),
        pytest.param('foo="no-store"', Shareable(), id="5.2 not inside quotes"),
        pytest.param("no-cache", Shareable(), id="5.2.1.4 no-cache may be stored"),
    ],
)
def test_no_store(asked: str, admission: object) -> None:
    assert admit(a_request(lines={"Cache-Control": asked}), HONOURED) == admission


def test_pragma_is_no_no_store() -> None:
    assert admit(a_request(lines={"Pragma": "no-store"}), HONOURED) == Shareable()


@pytest.mark.parametrize(
    ("method", "lines", "settings", "wants"),
    [
        pytest.param("GET", {"Cookie": "a=1"}, {}, True, id="5.2.1.7 what goes past the cache"),
        pytest.param("HEAD", {"Cookie": "a=1"}, {}, True, id="5.2.1.7 HEAD too"),
        pytest.param("GET", {}, {"cache": False}, True, id="5.2.1.7 a route without a cache"),
        pytest.param("POST", {}, {}, False, id="4 an unsafe method asks no cache"),
        pytest.param("GET", {"If-Match": '"a"'}, {}, False, id="9110-13.1.1 a question only the origin answers"),
    ],
)
def test_only_if_cached_where_nothing_stored_may_answer(
    method: str, lines: dict[str, str], settings: dict[str, Any], *, wants: bool
) -> None:
    route = a_route(**settings)
    request = a_request(method=method, lines={**lines, "Cache-Control": "only-if-cached"})
    assert wants_stored_only(request, admit(request, route)) is wants
    without = a_request(method=method, lines=lines)
    assert not wants_stored_only(without, admit(without, route))


# Pragma -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cache_control", "pragma", "expected"),
    [
        pytest.param(None, "no-cache", True, id="5.4 alone"),
        pytest.param(None, "NO-CACHE", True, id="5.4 in any case"),
        pytest.param(None, "foo, no-cache", True, id="5.4 a member of a list"),
        pytest.param(None, "x-no-cache", False, id="5.4 a longer name"),
        pytest.param(None, 'foo="no-cache"', False, id="5.4 inside quotes"),
        pytest.param("foo", "no-cache", False, id="5.4 not beside Cache-Control"),
        pytest.param("", "no-cache", False, id="5.4 not even an empty one"),
    ],
)
def test_pragma(cache_control: str | None, pragma: str, *, expected: bool) -> None:
    assert request_directives(cache_control, pragma).no_cache is expected


def test_pragma_of_several_lines() -> None:
    request = RequestHead("GET", "/a", Fields([("Pragma", "foo"), ("Pragma", "no-cache")]))
    assert type(choose(request, [a_stored()], HONOURED, T0)) is Validate


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("max-age", RequestDirectives(max_age=0), id="5.2.1.1 without its argument"),
        pytest.param("max-age=-1", RequestDirectives(max_age=0), id="4.2.1 negative"),
        pytest.param("max-age=1.5", RequestDirectives(max_age=0), id="4.2.1 fraction"),
        pytest.param("max-stale=1.5", RequestDirectives(max_stale=0), id="4.2.1 fraction of staleness"),
        pytest.param("max-stale=", RequestDirectives(max_stale=0), id="4.2.1 an empty argument is no absent one"),
        pytest.param("min-fresh", RequestDirectives(min_fresh=0), id="5.2.1.3 without its argument"),
        pytest.param("max-age=99999999999", RequestDirectives(max_age=SATURATED), id="1.2.2 saturated"),
        pytest.param("min-fresh=99999999999", RequestDirectives(min_fresh=SATURATED), id="1.2.2 saturated freshness"),
        pytest.param("s-maxage=5, public, private", RequestDirectives(), id="5.2.2 what only responses say"),
        pytest.param("\tno-cache\t,\tno-store", RequestDirectives(no_cache=True, no_store=True), id="5.6.3 tabs"),
    ],
)
def test_forms(value: str, expected: RequestDirectives) -> None:
    assert request_directives(value, None) == expected


def test_immutable_is_heard_from_the_field_that_speaks() -> None:
    head = a_head({"CDN-Cache-Control": "max-age=60, immutable", "Cache-Control": "max-age=1"})
    request = a_request(lines={"Cache-Control": "max-age=0"})
    assert type(choose(request, [stored_as(head)], HONOURED, T0 + FRESH)) is Reuse
    said_elsewhere = a_head({"CDN-Cache-Control": "max-age=60", "Cache-Control": "immutable"})
    assert type(choose(request, [stored_as(said_elsewhere)], HONOURED, T0 + FRESH)) is Validate
