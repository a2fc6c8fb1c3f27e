"""RFC 9111 §3: which requests are admitted, which responses are kept, and as what."""

from typing import Any

import pytest
from msgspec.structs import fields as members_of
from msgspec.structs import replace

from proxy.policy.disposition import (
    Admission,
    Credentialed,
    Faulty,
    Forward,
    ForwardReason,
    NotStored,
    NotStoredReason,
    PassThrough,
    Reuse,
    Shareable,
    Storable,
    Verdict,
)
from proxy.policy.field_values import format_http_date
from proxy.policy.messages import Fields, ResponseHead, Timing, Windows
from proxy.policy.reuse import choose
from proxy.policy.route import ForwardFields, KeyRule, RoutePolicy
from proxy.policy.storability import admit, assess, held_back, is_event_stream
from tests.support.builders import T0, a_key, a_request
from tests.support.policy import AT_T0, a_head, a_route, a_rule, an_override, assessed, match_of, stored_as

R = NotStoredReason
FRESH = {"Cache-Control": "max-age=60"}


@pytest.mark.parametrize(
    ("method", "lines", "settings", "expected"),
    [
        pytest.param("GET", {}, {}, Shareable(), id="4 GET"),
        pytest.param("HEAD", {}, {}, Shareable(), id="4 HEAD"),
        pytest.param("POST", {}, {}, PassThrough(R.METHOD), id="4 unsafe"),
        pytest.param("OPTIONS", {}, {}, PassThrough(R.METHOD), id="9110-9.3.7 OPTIONS"),
        pytest.param("get", {}, {}, PassThrough(R.METHOD), id="9110-9.1 methods are case-sensitive"),
        pytest.param("BREW", {}, {}, PassThrough(R.METHOD), id="9110-9.1 unknown"),
        pytest.param("GET", {"Authorization": "x"}, {}, Credentialed(), id="3.5 Authorization"),
        pytest.param("GET", {"Cookie": "a=1"}, {}, PassThrough(R.COOKIE), id="Cookie"),
        pytest.param(
            "GET", {"Cookie": "a=1", "Authorization": "x"}, {}, PassThrough(R.COOKIE), id="Cookie and Authorization"
        ),
        pytest.param("GET", {"Cookie": "a=1"}, {"cookies_ignored": True}, Shareable(), id="Cookie ignored"),
        pytest.param("GET", {}, {"cache": False}, PassThrough(R.ROUTE_OFF), id="the route does not cache"),
        pytest.param("POST", {}, {"cache": False}, PassThrough(R.METHOD), id="unsafe, whatever the route"),
        pytest.param("GET", {"If-Match": '"a"'}, {}, PassThrough(R.METHOD), id="9110-13.1.1 If-Match"),
        pytest.param("GET", {"If-Unmodified-Since": "x"}, {}, PassThrough(R.METHOD), id="9110-13.1.4"),
        pytest.param("GET", {"If-None-Match": '"a"'}, {}, Shareable(), id="4.3.2 If-None-Match"),
        pytest.param("GET", {"Range": "bytes=0-1"}, {}, Shareable(), id="9110-14 Range"),
        pytest.param("GET", {"Cache-Control": "no-store"}, {}, Shareable(), id="5.2.1.5 not honoured"),
        pytest.param(
            "GET",
            {"Connection": "Upgrade", "Upgrade": "websocket"},
            {},
            PassThrough(R.METHOD),
            id="9110-7.8 a request that wants to switch",
        ),
        pytest.param("GET", {"Upgrade": "websocket"}, {}, Shareable(), id="9110-7.8 Upgrade not in Connection"),
    ],
)
def test_admit(method: str, lines: dict[str, str], settings: dict[str, Any], expected: Admission) -> None:
    assert admit(a_request(method=method, lines=lines), a_route(**settings)) == expected


def test_a_get_with_content_passes_through() -> None:
    assert admit(a_request(has_content=True), a_route()) == PassThrough(R.METHOD)


# What the response itself forbids or allows -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param({"Cache-Control": "max-age=60"}, None, id="3 explicitly fresh"),
        pytest.param({"Cache-Control": "max-age=0"}, None, id="3 explicitly stale: for validation and who waited"),
        pytest.param({"Cache-Control": "no-cache"}, None, id="5.2.2.4 no-cache may be stored"),
        pytest.param({"Cache-Control": "max-age=60, no-store"}, R.NO_STORE, id="5.2.2.5 no-store"),
        pytest.param({"Cache-Control": "max-age=60, private"}, R.PRIVATE, id="5.2.2.7 private"),
        pytest.param({"Cache-Control": 'max-age=60, private="x-a"'}, None, id="5.2.2.7 private fields only"),
        pytest.param({"Cache-Control": "max-age=60", "Set-Cookie": "a=1"}, R.SET_COOKIE, id="7.3 Set-Cookie"),
        pytest.param({"Cache-Control": "max-age=60", "Vary": "*"}, R.VARY_STAR, id="4.1 Vary *"),
        pytest.param({"Cache-Control": "max-age=60", "Vary": "a, *"}, R.VARY_STAR, id="4.1 Vary * among others"),
        pytest.param({"Cache-Control": "max-age=60", "Vary": "a"}, None, id="4.1 Vary"),
        pytest.param(
            {"Cache-Control": "max-age=60, must-understand, no-store"}, None, id="5.2.2.3 must-understand, known status"
        ),
        pytest.param(
            {"Cache-Control": "max-age=60, must-understand, private"}, R.PRIVATE, id="5.2.2.3 lifts no-store only"
        ),
        pytest.param(
            {"Cache-Control": "private", "CDN-Cache-Control": "max-age=60"},
            None,
            id="9213-2.2 targeted replaces private",
        ),
        pytest.param(
            {"Cache-Control": "max-age=60", "CDN-Cache-Control": "no-store"},
            R.NO_STORE,
            id="9213-2.2 targeted no-store",
        ),
        pytest.param({"Cache-Control": "public"}, R.ROUTE_OFF, id="4.2.2 nobody said for how long"),
        pytest.param({"Cache-Control": "public", "Content-Type": "a/b"}, R.CONTENT_TYPE, id="4.2.2 and not JSON"),
        pytest.param(
            {"Cache-Control": "max-age=60", "Content-Type": "text/event-stream"}, R.CONTENT_TYPE, id="an event stream"
        ),
        pytest.param(
            {"Cache-Control": "max-age=60", "Connection": "cache-control", "X": "y"}, None, id="9110-7.6.1 still heard"
        ),
        pytest.param(
            {"Cache-Control": "private", "Connection": "cache-control"}, R.PRIVATE, id="9110-7.6.1 private still heard"
        ),
    ],
)
def test_what_the_response_says(lines: dict[str, str], reason: NotStoredReason | None) -> None:
    decision = assessed(a_head(lines))
    assert (decision.reason if isinstance(decision, NotStored) else None) == reason
    assert isinstance(decision, NotStored | Storable)


@pytest.mark.parametrize(
    ("status", "statuses", "is_kept"),
    [
        *(
            pytest.param(status, "default", True, id=f"3 {status} explicitly fresh")
            for status in (200, 203, 204, 300, 301, 302, 307, 308, 404, 410)
        ),
        *(
            pytest.param(status, "default", False, id=f"3 {status} by default not")
            for status in (201, 206, 303, 304, 400, 401, 405, 414, 431, 500, 501, 503, 599)
        ),
        *(pytest.param(status, None, True, id=f"3 {status} where all are") for status in (201, 400, 503, 599)),
        *(pytest.param(status, None, False, id=f"6585 {status} even where all are") for status in (428, 429, 431, 511)),
        pytest.param(429, frozenset({429}), True, id="6585 429 by name"),
        pytest.param(206, None, False, id="3.3 206 even where all are"),
        pytest.param(304, None, False, id="3 304 even where all are"),
        pytest.param(101, None, False, id="3 101 is not final"),
        pytest.param(200, frozenset({404}), False, id="3 the route's own list"),
    ],
)
def test_statuses(status: int, statuses: frozenset[int] | str | None, *, is_kept: bool) -> None:
    route = a_route() if statuses == "default" else a_route(statuses=statuses)
    decision = assessed(a_head(FRESH, status), route)
    if is_kept:
        assert isinstance(decision, Storable)
    else:
        assert decision == NotStored(R.STATUS, shared=status >= 400)


def test_must_understand_of_a_status_nobody_knows() -> None:
    head = a_head({"Cache-Control": "max-age=60, must-understand"}, 299)
    assert assessed(head, a_route(statuses=None)) == NotStored(R.STATUS)


@pytest.mark.parametrize(
    ("route", "status", "lines", "expected"),
    [
        pytest.param(a_route(ttl=9.0), 200, {}, 9, id="rfc: JSON for ttl"),
        pytest.param(a_route(ttl=9.0), 200, {"Content-Type": "text/html"}, R.CONTENT_TYPE, id="rfc: html"),
        pytest.param(a_route(ttl=0.0), 200, {}, R.ROUTE_OFF, id="rfc: ttl 0"),
        pytest.param(a_route(ttl=9.0), 404, {}, R.STATUS, id="rfc: a silent 404"),
        pytest.param(a_route(ttl=9.0), 201, {}, R.STATUS, id="rfc: a silent 201"),
        pytest.param(a_route(ttl_by_status={404: 5.0}), 404, {}, 5, id="rfc: a status by name"),
        pytest.param(a_route(ttl_by_status={503: 5.0}), 503, {}, 5, id="rfc: an error by name"),
        pytest.param(a_route(ttl_by_status={404: 0.0}), 404, {}, R.STATUS, id="rfc: a status by name, not at all"),
        pytest.param(a_route(ttl=9.0), 200, {"Set-Cookie": "a=1"}, R.SET_COOKIE, id="rfc: a cookie"),
        pytest.param(
            a_route(ttl=9.0, store_set_cookie=True), 200, {"Set-Cookie": "a=1"}, R.SET_COOKIE, id="rfc: a silent cookie"
        ),
        pytest.param(
            a_route(store_set_cookie=True), 200, {"Set-Cookie": "a=1", **FRESH}, 60, id="rfc: a cookie said to be fresh"
        ),
        pytest.param(an_override(), 200, {"Cache-Control": "max-age=0"}, 3600, id="override"),
        pytest.param(an_override(), 200, {"Cache-Control": "no-cache"}, 3600, id="override: no-cache"),
        pytest.param(an_override(), 200, {"Cache-Control": "no-store"}, R.NO_STORE, id="override: no-store holds"),
        pytest.param(an_override(), 200, {"Cache-Control": "private"}, R.PRIVATE, id="override: private holds"),
        pytest.param(an_override(), 200, {"Set-Cookie": "a=1"}, R.SET_COOKIE, id="override: Set-Cookie holds"),
        pytest.param(an_override(store_set_cookie=True), 200, {"Set-Cookie": "a=1"}, 3600, id="override: by name"),
        pytest.param(an_override(store_private=True), 200, {"Cache-Control": "private"}, 3600, id="private, by name"),
        pytest.param(an_override(store_no_store=True), 200, {"Cache-Control": "no-store"}, 3600, id="no-store too"),
        pytest.param(
            *(an_override(store_private=True), 200, {"Cache-Control": "private, no-store"}, R.NO_STORE),
            id="only what is named",
        ),
        pytest.param(an_override(), 200, {"Vary": "*"}, R.VARY_STAR, id="override: Vary *"),
        pytest.param(an_override(), 404, {}, R.STATUS, id="override: ttl is for 200"),
        pytest.param(an_override(), 500, FRESH, R.STATUS, id="override: an error that calls itself fresh"),
        pytest.param(an_override(ttl=0.0), 200, FRESH, R.ROUTE_OFF, id="override: ttl 0"),
        pytest.param(an_override(ttl=0.0, stale_while_revalidate=9.0), 200, {}, 0, id="override: ttl 0 and a window"),
    ],
)
def test_what_the_route_says(
    route: RoutePolicy, status: int, lines: dict[str, str], expected: float | NotStoredReason
) -> None:
    decision = assessed(a_head(lines, status), route)
    if isinstance(expected, NotStoredReason):
        assert isinstance(decision, NotStored)
        assert decision.reason == expected
    else:
        assert isinstance(decision, Storable)
        assert decision.stored.freshness_lifetime == expected


@pytest.mark.parametrize(
    ("cache_control", "is_kept", "allows"),
    [
        pytest.param("max-age=60", False, False, id="3.5 not by max-age"),
        pytest.param("public, max-age=60", True, True, id="3.5 public"),
        pytest.param("must-revalidate, max-age=60", True, True, id="3.5 must-revalidate"),
        pytest.param("s-maxage=60", True, True, id="3.5 s-maxage"),
        pytest.param("proxy-revalidate, max-age=60", False, False, id="3.5 not by proxy-revalidate"),
    ],
)
def test_authorization(cache_control: str, *, is_kept: bool, allows: bool) -> None:
    head = a_head({"Cache-Control": cache_control})
    decision = assessed(head, request=a_request(lines={"Authorization": "x"}))
    assert isinstance(decision, Storable) is is_kept
    if not is_kept:
        assert decision == NotStored(R.AUTHORIZATION)
    assert stored_as(head).allows_authorized is allows


@pytest.mark.parametrize("forward_fields", list(ForwardFields))
def test_credentials_that_the_route_ignores(forward_fields: ForwardFields) -> None:
    """What one with credentials stores answers others with and without them; in the key, each his own."""
    one, other = (a_request(lines={"Authorization": value}) for value in ("one", "other"))
    route = an_override(authorization_ignored=True, forward_fields=forward_fields)
    assert admit(one, route) == Shareable()
    stored = stored_as(a_head(), route, one)
    for request in (one, other, a_request()):
        assert choose(request, [stored], route, AT_T0.response_time + 1) == Reuse(stored)
    route = replace(route, key=KeyRule(fields=("authorization",)))
    stored = stored_as(a_head(), route, one)
    assert choose(one, [stored], route, AT_T0.response_time + 1) == Reuse(stored)
    for request in (other, a_request()):
        assert choose(request, [stored], route, AT_T0.response_time + 1) == Forward(ForwardReason.VARY_MISS)


API_KEY = {"X-Api-Key": "k"}


@pytest.mark.parametrize(
    ("route", "lines", "is_kept"),
    [
        pytest.param(a_route(ttl=9.0), {}, False, id="rfc: nobody said that others may have it"),
        pytest.param(a_route(ttl=9.0), FRESH, True, id="3 the origin said so"),
        pytest.param(a_route(ttl=9.0, key=KeyRule(fields=("x-api-key",))), {}, True, id="rfc: it is in the key"),
        pytest.param(
            an_override(forward_fields=ForwardFields.STRICT), {}, True, id="override: it does not reach the origin"
        ),
        pytest.param(
            an_override(forward_fields=ForwardFields.STRICT, forward=("x-api-key",)), {}, False, id="override: it does"
        ),
        pytest.param(an_override(forward_fields=ForwardFields.ALL), {}, False, id="override, all: it does, too"),
        pytest.param(
            an_override(forward_fields=ForwardFields.ALL), FRESH, False, id="override: whatever the origin said"
        ),
        pytest.param(an_override(authorization_ignored=True), {}, True, id="override: the route says so"),
        pytest.param(an_override(key=KeyRule(fields=("x-api-key",))), {}, True, id="override: it is in the key"),
    ],
)
def test_keys_of_apis_are_a_sign_of_privacy(route: RoutePolicy, lines: dict[str, str], *, is_kept: bool) -> None:
    decision = assessed(a_head(lines), route, a_request(lines=API_KEY))
    if is_kept:
        assert isinstance(decision, Storable)
    else:
        assert decision == NotStored(R.AUTHORIZATION)


@pytest.mark.parametrize(
    ("target", "route", "lines", "is_kept"),
    [
        pytest.param("/account/x.css", a_route(ttl=9.0), {}, False, id="rfc: a personal page in disguise"),
        pytest.param("/account/x.CSS?a=b.c", a_route(ttl=9.0), {}, False, id="rfc: in capitals, with a query"),
        pytest.param("/account/x.css", a_route(ttl=9.0), FRESH, True, id="3 the origin said so"),
        pytest.param("/account/x.css", an_override(), {}, True, id="override: the route said so"),
        pytest.param(
            "/account/x.css", a_route(ttl=9.0, ttl_by_status={404: 9.0}), 404, True, id="rfc: no answer, an error"
        ),
        pytest.param("/package.json", a_route(ttl=9.0), {}, True, id="json"),
        pytest.param("/users/ann.js.lee", a_route(ttl=9.0), {}, True, id="it only contains one"),
        pytest.param("/v1.css/a", a_route(ttl=9.0), {}, True, id="another segment"),
    ],
)
def test_json_that_calls_itself_a_file(
    target: str, route: RoutePolicy, lines: dict[str, str] | int, *, is_kept: bool
) -> None:
    head = a_head(status=lines) if isinstance(lines, int) else a_head(lines)
    decision = assessed(head, route, a_request(target))
    assert isinstance(decision, Storable) if is_kept else decision == NotStored(R.CONTENT_TYPE)


def test_a_file_that_is_one_may_be_kept_on_a_guess() -> None:
    lines = {"Content-Type": "text/css", "Last-Modified": format_http_date(T0 - 1000)}
    decision = assessed(a_head(lines), a_route(heuristic=True), a_request("/a/x.css"))
    assert isinstance(decision, Storable)


def test_a_strict_route_keeps_no_answer_to_credentials() -> None:
    route = a_route(forward_fields=ForwardFields.STRICT)
    head = a_head({"Cache-Control": "public, max-age=60"})
    assert assessed(head, route, a_request(lines={"Authorization": "x"})) == NotStored(R.AUTHORIZATION)
    assert stored_as(head, route).allows_authorized


@pytest.mark.parametrize(
    ("lines", "request_lines", "shared"),
    [
        pytest.param({}, {}, True, id="nobody's own"),
        pytest.param({"Vary": "*"}, {}, True, id="Vary *"),
        pytest.param({"Set-Cookie": "a=1"}, {}, False, id="Set-Cookie"),
        pytest.param({"Cache-Control": "private"}, {}, False, id="private"),
        pytest.param({"Cache-Control": "no-store"}, {}, False, id="5.2.2.5 no-store: for no other request"),
        pytest.param({}, {"Authorization": "x"}, False, id="Authorization"),
    ],
)
def test_errors_that_those_who_waited_share(
    lines: dict[str, str], request_lines: dict[str, str], *, shared: bool
) -> None:
    decision = assessed(a_head(lines, 503), request=a_request(lines=request_lines))
    assert isinstance(decision, NotStored)
    assert decision.shared is shared


def test_a_success_that_is_not_kept_is_its_askers_only() -> None:
    assert assessed(a_head(status=201)) == NotStored(R.STATUS, shared=False)


# Size, and the two moments ------------------------------------------------------------------------------------------


def test_too_large_by_its_body() -> None:
    route = a_route(max_object=4)
    assert assessed(a_head(FRESH), route, body=b"12345") == NotStored(R.TOO_LARGE)
    assert stored_as(a_head(FRESH), route, body=b"1234").body == b"1234"


def test_too_large_by_its_announced_length() -> None:
    head = a_head({**FRESH, "Content-Length": "5"})
    assert assessed(head, a_route(max_object=4), body=None) == NotStored(R.TOO_LARGE)
    assert isinstance(assessed(head, a_route(max_object=5), body=None), Storable)


def test_of_the_head_alone_it_says_the_same() -> None:
    head = a_head({**FRESH, "ETag": '"a"'})
    whole, alone = stored_as(head, body=b"x"), stored_as(head, body=None)
    assert alone.body == b""
    assert whole.body == b"x"
    different = {m.name for m in members_of(whole) if getattr(whole, m.name) != getattr(alone, m.name)}
    assert different == {"body"}


# Verdicts -----------------------------------------------------------------------------------------------------------

RULES = (
    a_rule("bad", Verdict.FAILURE, 502),
    a_rule("sick", Verdict.FAILURE),
    a_rule("none", Verdict.NEGATIVE),
    a_rule("mine", Verdict.PASS),
)
JUDGED = an_override(verdicts=RULES, negative_ttl=30.0, stale_while_revalidate=9.0, archive=9.0)


def test_a_failure_is_faulty_with_the_status_the_rule_says() -> None:
    assert assessed(a_head(), JUDGED, body=b'{"bad": 1}') == Faulty(502)
    assert assessed(a_head(), JUDGED, body=b'{"sick": 1}') == Faulty(200)
    assert assessed(a_head(), JUDGED, body=b"<html>") == Faulty(200)


def test_a_failure_is_one_even_where_nothing_could_be_kept() -> None:
    assert assessed(a_head({"Cache-Control": "private"}), JUDGED, body=b'{"bad": 1}') == Faulty(502)


def test_pass_is_relayed() -> None:
    assert assessed(a_head(), JUDGED, body=b'{"mine": 1}') == NotStored(R.BODY_VERDICT)


def test_privacy_is_named_before_the_verdict() -> None:
    assert assessed(a_head({"Cache-Control": "private"}), JUDGED, body=b'{"mine": 1}') == NotStored(R.PRIVATE)


def test_negative_lives_shortly_and_never_stale() -> None:
    stored = stored_as(a_head(), JUDGED, body=b'{"none": 1}')
    assert stored.negative
    assert stored.freshness_lifetime == 30
    assert stored.windows == Windows()


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        pytest.param("max-age=5", 5, id="its own where that is shorter"),
        pytest.param("max-age=90", 30, id="the route's where that is shorter"),
    ],
)
def test_negative_in_rfc_mode(cache_control: str, seconds: float) -> None:
    route = a_route(verdicts=RULES, negative_ttl=30.0)
    stored = stored_as(a_head({"Cache-Control": cache_control}), route, body=b'{"none": 1}')
    assert stored.freshness_lifetime == seconds


def test_negative_for_no_time_is_not_kept() -> None:
    route = a_route(verdicts=RULES, negative_ttl=0.0)
    assert assessed(a_head(), route, body=b'{"none": 1}') == NotStored(R.BODY_VERDICT)


def test_an_honest_error_needs_no_verdict() -> None:
    route = an_override(verdicts=RULES, ttl_by_status={404: 5.0})
    assert stored_as(a_head(status=404), route, body=b'{"bad": 1}').freshness_lifetime == 5


@pytest.mark.parametrize(
    ("head", "settings", "is_held"),
    [
        pytest.param(a_head(), {"verdicts": RULES}, True, id="JSON"),
        pytest.param(a_head(), {}, False, id="no verdicts"),
        pytest.param(a_head({"Content-Type": "text/html"}), {"verdicts": RULES}, False, id="html"),
        pytest.param(a_head(status=404), {"verdicts": RULES}, False, id="an error"),
        pytest.param(a_head(status=206), {"verdicts": RULES}, False, id="a part"),
        pytest.param(
            a_head({"Content-Length": "9"}), {"verdicts": RULES, "max_object": 8}, False, id="too large to hold"
        ),
        pytest.param(a_head({"Content-Length": "8"}), {"verdicts": RULES, "max_object": 8}, True, id="just not"),
    ],
)
def test_held_back(head: ResponseHead, settings: dict[str, Any], *, is_held: bool) -> None:
    assert held_back(head, a_route(**settings)) is is_held


def test_event_streams_are_known_by_their_type() -> None:
    assert is_event_stream(a_head({"Content-Type": "Text/Event-Stream; charset=utf-8"}))
    assert not is_event_stream(a_head())


# What is kept -------------------------------------------------------------------------------------------------------


def test_what_is_kept_of_the_fields() -> None:
    head = a_head(
        (
            ("Date", "x"),
            ("Age", "3"),
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "2"),
            ("Proxy-Authenticate", "x"),
            ("Cache-Control", 'max-age=60, private="X-Mine", no-cache="x-fresh"'),
            ("X-Mine", "1"),
            ("X-Fresh", "1"),
            ("X-End", "1"),
            ("X-End", "2"),
            ("CDN-Cache-Control", "x y"),
        )
    )
    names = [name for name, _ in stored_as(head).fields.lines]
    assert names == ["Content-Type", "Date", "Age", "Cache-Control", "X-End", "X-End", "CDN-Cache-Control"]


def test_cookies_are_kept_where_the_route_says_so() -> None:
    head = a_head((("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), *FRESH.items()))
    assert stored_as(head, a_route(store_set_cookie=True)).fields.all("set-cookie") == ("a=1", "b=2")


def test_a_date_is_added_where_there_is_none() -> None:
    assert stored_as(a_head(FRESH)).fields.joined("date") == format_http_date(T0)


def test_what_is_kept_of_the_rest() -> None:
    route = a_route("/a/{x}", tags=("t:{x}",), key=a_route().key)
    request = a_request("/a/1?b=2")
    head = ResponseHead(
        200, Fields([("Cache-Control", "max-age=9"), ("Last-Modified", "lm"), ("xkey", "k1 k2")]), "Fine"
    )
    stored = stored_as(head, route, request, b"body", Timing(T0 - 1, T0, 4.5))
    assert (stored.target, stored.route, stored.status, stored.reason) == ("/a/1?b=2", "r", 200, "Fine")
    assert (stored.tags, stored.last_modified, stored.cost) == (("t:1", "k1", "k2"), "lm", 4.5)
    assert (stored.response_time, stored.corrected_initial_age) == (T0, 1.0)
    assert not stored.is_ended


def test_the_target_is_the_keys() -> None:
    request, route = a_request("/a?x"), a_route()
    decision = assess(request, a_head(FRESH), b"", match_of(request, route), a_key("k", "/wire"), Timing(T0, T0))
    assert isinstance(decision, Storable)
    assert decision.stored.target == "/wire"


def test_a_packed_response_depends_on_accept_encoding_though_it_does_not_say_so() -> None:
    head = a_head({**FRESH, "Content-Encoding": "gzip"})
    stored = stored_as(head, request=a_request(lines={"Accept-Encoding": "gzip, foo"}))
    assert stored.secondary_key == (("accept-encoding", "gzip"),)


# The entity-tag -----------------------------------------------------------------------------------------------------


def test_the_upstreams_entity_tag_is_kept() -> None:
    stored = stored_as(a_head({**FRESH, "ETag": 'W/"x"'}))
    assert (stored.etag, stored.etag_is_made) == ('W/"x"', False)


def test_a_made_entity_tag_is_strong_and_names_the_bytes_and_what_they_mean() -> None:
    def tag(body: bytes, **lines: str) -> str | None:
        stored = stored_as(
            a_head({**FRESH, **{name.replace("_", "-"): value for name, value in lines.items()}}), body=body
        )
        assert stored.etag_is_made
        return stored.etag

    one = tag(b"x")
    assert one is not None
    assert one.startswith('"')
    assert one == tag(b"x", X_Other="1")
    others = {one, tag(b"y"), tag(b"x", Content_Type="a/b"), tag(b"x", Content_Encoding="gzip"), tag(b"")}
    assert len(others) == 5


@pytest.mark.parametrize(
    ("status", "settings"),
    [
        pytest.param(200, {"made_etag": False}, id="the route says no"),
        pytest.param(404, {}, id="9110-8.8.3 not of an error"),
    ],
)
def test_no_entity_tag_is_made(status: int, settings: dict[str, Any]) -> None:
    stored = stored_as(a_head(FRESH, status), a_route(**settings))
    assert (stored.etag, stored.etag_is_made) == (None, False)
