"""RFC 9111 §4.2: lifetimes, ages, windows."""

from typing import Any

import pytest

from proxy.policy.directives import response_directives
from proxy.policy.disposition import Verdict
from proxy.policy.field_values import format_http_date
from proxy.policy.freshness import (
    Lifetime,
    LifetimeSource,
    corrected_initial_age,
    current_age,
    freshness_left,
    jittered,
    lifetime,
    may_serve_stale,
)
from proxy.policy.messages import Fields, Timing, Windows
from proxy.policy.route import Mode, RoutePolicy
from tests.support.builders import T0, a_stored
from tests.support.policy import AT_T0, a_head, a_route, a_rule, an_override, stored_as

S_MAXAGE, MAX_AGE, EXPIRES, NO_CACHE, ROUTE, HEURISTIC = LifetimeSource
DATE = format_http_date(T0)


def at(seconds: float) -> str:
    return format_http_date(T0 + seconds)


@pytest.mark.parametrize(
    ("fields", "seconds", "source"),
    [
        pytest.param({"Cache-Control": "max-age=5"}, 5, MAX_AGE, id="4.2.1 max-age"),
        pytest.param({"Cache-Control": "max-age=5, s-maxage=9"}, 9, S_MAXAGE, id="5.2.2.10 s-maxage wins"),
        pytest.param({"Cache-Control": "max-age=5", "Expires": at(60)}, 5, MAX_AGE, id="5.3 max-age wins over Expires"),
        pytest.param({"Expires": at(60), "Date": DATE}, 60, EXPIRES, id="4.2.1 Expires - Date"),
        pytest.param({"Expires": at(60), "Date": at(-10)}, 70, EXPIRES, id="4.2.1 counted from Date"),
        pytest.param({"Expires": at(60)}, 60, EXPIRES, id="9110-6.6.1 without Date: from its arrival"),
        pytest.param({"Expires": at(60), "Date": "x"}, 60, EXPIRES, id="9110-6.6.1 invalid Date: from its arrival"),
        pytest.param({"Expires": at(-60), "Date": DATE}, 0, EXPIRES, id="5.3 in the past"),
        pytest.param({"Expires": "0", "Date": DATE}, 0, EXPIRES, id="5.3 invalid is the past"),
        pytest.param({"Expires": "0", "Cache-Control": "public"}, 0, EXPIRES, id="5.3 invalid beside public"),
        pytest.param({"Expires": ""}, 0, EXPIRES, id="5.3 empty is the past"),
        pytest.param({"Cache-Control": "no-cache"}, 0, NO_CACHE, id="5.2.2.4 no-cache alone"),
        pytest.param({"Cache-Control": "no-cache, max-age=5"}, 5, MAX_AGE, id="5.2.2.4 no-cache and a lifetime"),
        pytest.param(
            {"CDN-Cache-Control": "max-age=3", "Cache-Control": "max-age=5", "Expires": at(60)},
            3,
            MAX_AGE,
            id="9213-2.2 targeted",
        ),
        pytest.param(
            {"CDN-Cache-Control": "must-revalidate", "Expires": at(60)}, None, None, id="9213-2.2 Expires is not heard"
        ),
        pytest.param({"Cache-Control": "public"}, None, None, id="4.2.2 no heuristic"),
        pytest.param({"Pragma": "no-cache"}, None, None, id="5.4 Pragma says nothing in a response"),
        pytest.param({}, None, None, id="4.2.1 nothing said"),
    ],
)
def test_what_the_response_says(fields: dict[str, str], seconds: float | None, source: LifetimeSource | None) -> None:
    head = a_head({"Content-Type": "text/html", **fields})
    expected = None if seconds is None or source is None else Lifetime(seconds, source)
    assert lifetime(head, response_directives(head.fields), a_route(ttl=100.0), AT_T0) == expected


RFC = a_route(ttl=100.0, ttl_by_status={404: 7.0, 201: 8.0})
OVERRIDE = an_override(ttl=100.0, ttl_by_status={404: 7.0})
JUDGED = an_override(ttl=100.0, verdicts=(a_rule("a", Verdict.FAILURE),))
HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("route", "status", "fields", "seconds"),
    [
        pytest.param(RFC, 200, {}, 100, id="rfc: ttl fills in for a JSON 200"),
        pytest.param(RFC, 200, {"Content-Type": "application/problem+json"}, 100, id="rfc: also for +json"),
        pytest.param(RFC, 200, HTML, None, id="rfc: not for other types"),
        pytest.param(RFC, 200, {"Cache-Control": "max-age=5"}, 5, id="rfc: the response's own word wins"),
        pytest.param(RFC, 200, {"Expires": "0"}, 0, id="rfc: also an Expires that is over"),
        pytest.param(RFC, 404, HTML, 7, id="rfc: a status named by the route"),
        pytest.param(RFC, 404, {"Cache-Control": "max-age=5"}, 5, id="rfc: its own word wins there too"),
        pytest.param(RFC, 500, {}, None, id="rfc: ttl is not for errors"),
        pytest.param(RFC, 301, {}, None, id="rfc: nor for redirects"),
        pytest.param(OVERRIDE, 200, {"Cache-Control": "s-maxage=5"}, 100, id="override: wins over s-maxage"),
        pytest.param(OVERRIDE, 200, {"Cache-Control": "max-age=0, must-revalidate"}, 100, id="override: and the rest"),
        pytest.param(OVERRIDE, 200, HTML, 100, id="override: any type"),
        pytest.param(JUDGED, 200, HTML, None, id="override: with verdicts, not what cannot be judged"),
        pytest.param(JUDGED, 200, {}, 100, id="override: with verdicts, JSON"),
        pytest.param(OVERRIDE, 404, {"Cache-Control": "max-age=5"}, 7, id="override: a status named by the route"),
        pytest.param(OVERRIDE, 301, {"Cache-Control": "max-age=5"}, 5, id="override: silent on a status, its own word"),
        pytest.param(OVERRIDE, 500, {}, None, id="override: ttl is not for errors"),
    ],
)
def test_what_the_route_says(route: RoutePolicy, status: int, fields: dict[str, str], seconds: float | None) -> None:
    head = a_head(fields, status)
    found = lifetime(head, response_directives(head.fields), route, AT_T0)
    assert (None if found is None else found.seconds) == seconds


@pytest.mark.parametrize(
    ("fields", "timing", "age"),
    [
        pytest.param({}, Timing(T0, T0), 0, id="4.2.3 new"),
        pytest.param({"Date": at(-10)}, Timing(T0, T0), 10, id="4.2.3 apparent age"),
        pytest.param({"Date": at(10)}, Timing(T0, T0), 0, id="4.2.3 a Date in the future"),
        pytest.param({"Age": "7"}, Timing(T0, T0), 7, id="4.2.3 age value"),
        pytest.param({"Age": "7"}, Timing(T0 - 3, T0), 10, id="4.2.3 corrected by the delay"),
        pytest.param({"Age": "7", "Date": at(-30)}, Timing(T0 - 3, T0), 30, id="4.2.3 the larger of both"),
        pytest.param({"Age": "x"}, Timing(T0 - 3, T0), 3, id="5.1 an invalid Age is ignored"),
        pytest.param({"Date": "x"}, Timing(T0, T0), 0, id="9110-6.6.1 an invalid Date is its arrival"),
        pytest.param({}, Timing(T0 + 5, T0), 0, id="4.2.3 a clock set back while waiting"),
    ],
)
def test_corrected_initial_age(fields: dict[str, str], timing: Timing, age: float) -> None:
    assert corrected_initial_age(Fields(fields.items()), timing) == age


def test_age_grows_with_residence() -> None:
    stored = a_stored(corrected_initial_age=7.0)
    assert current_age(stored, T0 + 10) == 17
    assert freshness_left(stored, T0 + 10) == 43
    assert freshness_left(stored, T0 + 60) == -7


def test_a_clock_set_back_makes_nothing_younger() -> None:
    assert current_age(a_stored(corrected_initial_age=7.0), T0 - 1000) == 7


def test_what_a_purge_ended_is_never_fresh() -> None:
    assert freshness_left(a_stored(is_ended=True), T0) == 0
    assert freshness_left(a_stored(is_ended=True), T0 + 70) == -10


def test_a_routes_lifetime_begins_when_the_answer_is_here() -> None:
    late = Timing(T0 - 30, T0)
    stored = stored_as(a_head({"Age": "100", "Date": at(-500)}), a_route(ttl=60.0), timing=late)
    assert freshness_left(stored, T0) == 60
    assert current_age(stored, T0) == 500


def test_an_origins_lifetime_begins_when_it_spoke() -> None:
    stored = stored_as(a_head({"Age": "100", "Cache-Control": "max-age=600"}), timing=Timing(T0 - 30, T0))
    assert freshness_left(stored, T0) == 470


def test_jitter_takes_off_at_most_its_part_and_always_the_same() -> None:
    values = [jittered(100.0, 0.1, str(seed)) for seed in range(500)]
    assert values == [jittered(100.0, 0.1, str(seed)) for seed in range(500)]
    assert 90 <= min(values) < 92
    assert 98 < max(values) <= 100


def test_jitter_is_for_the_routes_lifetimes_only() -> None:
    route = a_route(ttl=100.0, jitter=0.5)
    assert stored_as(a_head({"Cache-Control": "max-age=100"}), route).freshness_lifetime == 100
    assert stored_as(a_head(), route).freshness_lifetime < 100


WINDOWED: dict[str, Any] = {"stale_while_revalidate": 10.0, "stale_if_error": 20.0, "archive": 30.0}
ALL_WINDOWS = Windows(10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    ("mode", "settings", "cache_control", "windows", "never_stale"),
    [
        pytest.param(Mode.RFC, {}, "max-age=1", Windows(), False, id="4.2.4 nobody said"),
        pytest.param(
            Mode.RFC,
            {},
            "max-age=1, stale-while-revalidate=3, stale-if-error=4",
            Windows(3, 4),
            False,
            id="5861 the origin's",
        ),
        pytest.param(Mode.RFC, WINDOWED, "max-age=1", ALL_WINDOWS, False, id="the route's"),
        pytest.param(
            Mode.RFC, WINDOWED, "max-age=1, stale-while-revalidate=3", ALL_WINDOWS, False, id="the route's come first"
        ),
        pytest.param(
            Mode.RFC,
            {"stale_while_revalidate": 0.0},
            "max-age=1, stale-while-revalidate=3, stale-if-error=4",
            Windows(0, 4),
            False,
            id="the route says none",
        ),
        pytest.param(Mode.RFC, WINDOWED, "max-age=1, must-revalidate", Windows(), True, id="5.2.2.2 must-revalidate"),
        pytest.param(Mode.RFC, WINDOWED, "max-age=1, proxy-revalidate", Windows(), True, id="5.2.2.8 proxy-revalidate"),
        pytest.param(Mode.RFC, WINDOWED, "max-age=1, no-cache", Windows(), True, id="5.2.2.4 no-cache"),
        pytest.param(Mode.RFC, WINDOWED, "s-maxage=1", Windows(), True, id="5.2.2.10 s-maxage"),
        pytest.param(
            Mode.RFC,
            WINDOWED,
            "s-maxage=1, stale-while-revalidate=3",
            Windows(3),
            False,
            id="5861-3 a window named beside s-maxage",
        ),
        pytest.param(
            Mode.RFC,
            WINDOWED,
            "s-maxage=1, stale-while-revalidate=3, must-revalidate",
            Windows(),
            True,
            id="5.2.2.2 must-revalidate beats a window",
        ),
        pytest.param(
            Mode.OVERRIDE, WINDOWED, "s-maxage=1, must-revalidate", ALL_WINDOWS, False, id="override: this file decides"
        ),
        pytest.param(
            Mode.OVERRIDE, {}, "max-age=1, stale-if-error=4", Windows(0, 4), False, id="override: silent, the origin's"
        ),
    ],
)
def test_windows(
    mode: Mode, settings: dict[str, Any], cache_control: str, windows: Windows, *, never_stale: bool
) -> None:
    stored = stored_as(a_head({"Cache-Control": cache_control}), a_route(mode=mode, ttl=60.0, **settings))
    assert stored.windows == windows
    assert stored.never_stale is never_stale


@pytest.mark.parametrize("status", [400, 404, 503])
def test_the_routes_windows_are_not_for_errors(status: int) -> None:
    route = an_override(ttl_by_status={status: 60.0}, **WINDOWED)
    assert stored_as(a_head(status=status), route).windows == Windows()


def test_a_lifetime_that_fills_in_lifts_no_prohibition() -> None:
    head = a_head({"Cache-Control": "must-revalidate"})
    assert stored_as(head, a_route(ttl=60.0, **WINDOWED)).never_stale


def test_where_the_override_is_silent_the_origins_prohibition_holds() -> None:
    head = a_head({"Cache-Control": "max-age=5, must-revalidate"}, 301)
    assert stored_as(head, an_override(**WINDOWED)).never_stale


def test_no_cache_is_validated_each_time_unless_the_route_decides() -> None:
    head = a_head({"Cache-Control": "no-cache"})
    assert stored_as(head, a_route(ttl=60.0)).always_validate
    assert not stored_as(head, an_override()).always_validate


@pytest.mark.parametrize(
    ("changes", "seconds_later", "window", "may"),
    [
        pytest.param({}, 65, 10.0, True, id="4.2.4 inside the window"),
        pytest.param({}, 70, 10.0, False, id="4.2.4 at its end"),
        pytest.param({}, 60, 0.0, False, id="4.2.4 no window"),
        pytest.param({"never_stale": True}, 65, 10.0, False, id="4.2.4 prohibited"),
        pytest.param({"always_validate": True}, 5, 10.0, False, id="5.2.2.4 no-cache, even while young"),
        pytest.param({"is_ended": True}, 5, 0.0, True, id="ended by a purge, still young"),
        pytest.param({"is_ended": True}, 60, 0.0, False, id="ended by a purge, old by now"),
        pytest.param({"is_ended": True, "negative": True}, 5, 0.0, False, id="ended by a purge, negative"),
        pytest.param({"is_ended": True, "never_stale": True}, 5, 0.0, False, id="ended by a purge, prohibited"),
    ],
)
def test_may_serve_stale(changes: dict[str, Any], seconds_later: float, window: float, *, may: bool) -> None:
    assert may_serve_stale(a_stored(**changes), window, T0 + seconds_later) is may
