"""RFC 9111 §4.2.2: lifetimes that nobody said, guessed where the route allows it."""

from typing import Any

import pytest

from proxy.policy.disposition import NotStored, NotStoredReason, Storable, Verdict
from proxy.policy.field_values import format_http_date
from proxy.policy.freshness import HEURISTIC_STATUSES, LONGEST_HEURISTIC
from tests.support.builders import T0, a_request
from tests.support.policy import a_head, a_route, a_rule, an_override, assessed, stored_as

R = NotStoredReason
HTML = {"Content-Type": "text/html"}
DAY = 86_400


def at(seconds: float) -> str:
    return format_http_date(T0 + seconds)


OLD = {**HTML, "Last-Modified": at(-1000)}
GUESSING = a_route(heuristic=True, statuses=None)


@pytest.mark.parametrize("status", sorted(HEURISTIC_STATUSES - {206}))
def test_statuses_known_for_it(status: int) -> None:
    assert stored_as(a_head(OLD, status), GUESSING).freshness_lifetime == 100


OTHERS = (201, 202, 205, 302, 303, 307, 400, 401, 403, 406, 409, 412, 422, 451, 500, 502, 503, 504, 599)


@pytest.mark.parametrize("status", OTHERS)
def test_other_statuses_only_with_public(status: int) -> None:
    assert assessed(a_head(OLD, status), GUESSING) == NotStored(R.STATUS, shared=status >= 400)
    public = a_head({**OLD, "Cache-Control": "public"}, status)
    assert stored_as(public, GUESSING).freshness_lifetime == 100


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        pytest.param({"Last-Modified": at(-1000)}, 100, id="4.2.2 a tenth"),
        pytest.param({"Last-Modified": at(-1000), "Date": at(-500)}, 50, id="4.2.2 of the time until its Date"),
        pytest.param({"Last-Modified": at(-1000), "Date": "x"}, 100, id="9110-6.6.1 until it arrived"),
        pytest.param({"Last-Modified": at(-365 * DAY)}, LONGEST_HEURISTIC, id="4.2.2 a week at most"),
        pytest.param({"Last-Modified": at(-5)}, 0.5, id="4.2.2 parts of seconds"),
        pytest.param({"Last-Modified": at(0)}, 0, id="4.2.2 modified just now"),
        pytest.param({"Last-Modified": at(100)}, 0, id="4.2.2 modified in the future"),
        pytest.param({"Last-Modified": "Sunday, 06-Nov-94 08:49:37 GMT"}, LONGEST_HEURISTIC, id="9110-5.6.7 RFC 850"),
        pytest.param({"Last-Modified": at(-1000), "ETag": '"a"'}, 100, id="4.2.2 beside an entity-tag"),
        pytest.param({"ETag": '"a"'}, 0, id="3 an entity-tag alone: to validate"),
        pytest.param({"Last-Modified": "x", "ETag": '"a"'}, 0, id="3 an entity-tag and no date: to validate"),
        pytest.param({"Last-Modified": at(-1000), "Cache-Control": "max-age=7"}, 7, id="4.2.2 never beside max-age"),
        pytest.param({"Last-Modified": at(-1000), "Cache-Control": "max-age=x"}, 0, id="4.2.2 nor an invalid one"),
        pytest.param({"Last-Modified": at(-1000), "Cache-Control": "s-maxage=7"}, 7, id="4.2.2 nor s-maxage"),
        pytest.param({"Last-Modified": at(-1000), "Expires": at(7)}, 7, id="4.2.2 nor Expires"),
        pytest.param({"Last-Modified": at(-1000), "Expires": "0"}, 0, id="4.2.2 nor an Expires that is no date"),
        pytest.param({"Last-Modified": at(-1000), "Cache-Control": "no-cache"}, 0, id="5.2.2.4 nor no-cache"),
        pytest.param({"Last-Modified": at(-1000), "Cache-Control": "foo"}, 100, id="5.2.3 a stranger says nothing"),
        pytest.param({"Last-Modified": at(-1000), "Pragma": "no-cache"}, 100, id="5.4 nor does Pragma"),
        pytest.param({"Last-Modified": at(-1000), "Warning": '199 - "x"'}, 100, id="5.5 nor does Warning"),
        pytest.param(
            {"Last-Modified": at(-1000), "CDN-Cache-Control": "foo", "Expires": at(7)},
            100,
            id="9213-2.2 an Expires that is not heard",
        ),
    ],
)
def test_the_guess(lines: dict[str, str], seconds: float) -> None:
    assert stored_as(a_head({**HTML, **lines}), GUESSING).freshness_lifetime == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param({}, R.CONTENT_TYPE, id="3 nothing to guess from"),
        pytest.param({"Last-Modified": "yesterday"}, R.CONTENT_TYPE, id="3 no date to guess from"),
        pytest.param({"Cache-Control": "public"}, R.CONTENT_TYPE, id="3 public, and nothing to guess from"),
        pytest.param({**OLD, "Cache-Control": "no-store"}, R.NO_STORE, id="5.2.2.5 no-store"),
        pytest.param({**OLD, "Cache-Control": "private"}, R.PRIVATE, id="5.2.2.7 private"),
        pytest.param({**OLD, "Set-Cookie": "a=1"}, R.SET_COOKIE, id="7.3 a cookie, and nobody said it is shared"),
        pytest.param({**OLD, "Vary": "*"}, R.VARY_STAR, id="4.1 Vary *"),
    ],
)
def test_what_is_not_guessed(lines: dict[str, str], reason: NotStoredReason) -> None:
    route = a_route(heuristic=True, statuses=None, store_set_cookie=True)
    assert assessed(a_head({**HTML, **lines}), route) == NotStored(reason)


@pytest.mark.parametrize(
    ("settings", "lines", "expected"),
    [
        pytest.param({}, OLD, R.CONTENT_TYPE, id="off unless the route says so"),
        pytest.param({"heuristic": True, "ttl": 9.0}, {"Last-Modified": at(-1000)}, 9, id="ttl fills in first"),
        pytest.param({"heuristic": True, "ttl": 9.0}, OLD, 100, id="for JSON only"),
        pytest.param({"heuristic": True}, {"Last-Modified": at(-1000)}, 100, id="ttl 0 is no word"),
        pytest.param({"heuristic": True}, {}, R.ROUTE_OFF, id="ttl 0, and nothing to guess from"),
        pytest.param(
            {"heuristic": True, "ttl_by_status": {200: 0.0}}, OLD, R.STATUS, id="a status by name, not at all"
        ),
        pytest.param({"heuristic": True, "ttl_by_status": {200: 5.0}}, OLD, 5, id="a status by name"),
        pytest.param({"heuristic": True, "statuses": frozenset({404})}, OLD, R.STATUS, id="the route's own list"),
        pytest.param({"heuristic": True, "jitter": 0.9}, OLD, 100, id="no jitter: it is no lifetime of the route's"),
    ],
)
def test_the_route_says_whether(settings: dict[str, Any], lines: dict[str, str], expected: float | R) -> None:
    decision = assessed(a_head(lines), a_route(**settings))
    if isinstance(expected, R):
        assert decision == NotStored(expected)
    else:
        assert isinstance(decision, Storable)
        assert decision.stored.freshness_lifetime == expected


@pytest.mark.parametrize("name", ["X-Api-Key", "X-Auth-Token"])
def test_nothing_is_guessed_for_who_shows_a_key(name: str) -> None:
    assert assessed(a_head(OLD), GUESSING, a_request(lines={name: "k"})) == NotStored(R.AUTHORIZATION)


def test_nothing_is_guessed_for_credentials() -> None:
    request = a_request(lines={"Authorization": "x"})
    assert assessed(a_head(OLD), GUESSING, request) == NotStored(R.AUTHORIZATION)
    public = a_head({**OLD, "Cache-Control": "public"})
    assert stored_as(public, GUESSING, request).freshness_lifetime == 100


def test_a_route_that_decides_by_itself_leaves_only_its_silence_to_the_guess() -> None:
    route = an_override(heuristic=True, ttl=60.0)
    assert stored_as(a_head(OLD), route).freshness_lifetime == 60
    assert stored_as(a_head(OLD, 301), route).freshness_lifetime == 100
    assert assessed(a_head(OLD), an_override(heuristic=True, ttl=0.0)) == NotStored(R.ROUTE_OFF)


def test_a_negative_answer_lives_no_longer_than_guessed() -> None:
    route = a_route(heuristic=True, negative_ttl=30.0, verdicts=(a_rule("none", Verdict.NEGATIVE),))
    recent = a_head({"Last-Modified": at(-50)})
    assert stored_as(recent, route, body=b'{"none": 1}').freshness_lifetime == 5


def test_the_guess_counts_from_its_date() -> None:
    stored = stored_as(a_head({**OLD, "Date": at(-40), "Age": "50"}), GUESSING)
    assert (stored.freshness_lifetime, stored.corrected_initial_age) == (96, 50)
