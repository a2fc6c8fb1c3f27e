"""RFC 9111 §4.3, RFC 9110 §13: conditional requests, 304, and what stands in for a failure."""

from typing import Any

import pytest

from proxy.errors import Failure
from proxy.policy.disposition import Freshened, Relay, ServeStale, StaleReason
from proxy.policy.field_values import format_http_date
from proxy.policy.messages import Fields, ResponseHead, StoredResponse, Timing, Windows
from proxy.policy.route import RoutePolicy
from proxy.policy.validation import (
    MOST_OFFERED,
    conclude,
    conclude_offer,
    conditional,
    is_conditional,
    not_modified,
    offered,
    offering,
    stand_in,
)
from tests.support.builders import T0, a_request, a_stored
from tests.support.policy import AT_T0, a_head, a_route, an_override, stored_as

LATER = Timing(T0 + 100, T0 + 100)
LM = "Sun, 06 Nov 1994 08:49:37 GMT"
AFTER_LM = "Sun, 06 Nov 1994 08:49:38 GMT"
BEFORE_LM = "Sun, 06 Nov 1994 08:49:36 GMT"


# Conditional requests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        pytest.param({"etag": '"u"', "etag_is_made": False}, [("If-None-Match", '"u"')], id="4.3.1 entity-tag"),
        pytest.param({"etag": '"m"', "etag_is_made": True}, [], id="a made entity-tag never goes up"),
        pytest.param({"etag": None, "last_modified": LM}, [("If-Modified-Since", LM)], id="4.3.1 Last-Modified"),
        pytest.param(
            {"etag": '"m"', "etag_is_made": True, "last_modified": LM},
            [("If-Modified-Since", LM)],
            id="only what it knows",
        ),
        pytest.param(
            {"etag": 'W/"u"', "etag_is_made": False, "last_modified": LM},
            [("If-None-Match", 'W/"u"'), ("If-Modified-Since", LM)],
            id="4.3.1 both",
        ),
    ],
)
def test_conditional(changes: dict[str, Any], lines: list[tuple[str, str]]) -> None:
    assert conditional(a_stored(**changes)) == Fields(lines)


# Several at once ----------------------------------------------------------------------------------------------------


def a_variant(etag: str | None = '"u"', **changes: Any) -> StoredResponse:
    """A stored response with an entity-tag of the upstream's."""
    return a_stored(**{"etag": etag, "etag_is_made": False, **changes})


def a_packed_one() -> StoredResponse:
    """One in a coding."""
    return a_variant(fields=Fields([("Content-Encoding", "gzip")]))


@pytest.mark.parametrize(
    ("variant", "lines", "is_offered"),
    [
        pytest.param(a_variant(), {}, True, id="4.3.1 a strong entity-tag"),
        pytest.param(a_variant('W/"u"'), {}, False, id="9110-8.8.1 a weak one may be that of all codings"),
        pytest.param(a_variant(None, last_modified=LM), {}, False, id="4.3.1 a date is not one of several"),
        pytest.param(a_variant(etag_is_made=True), {}, False, id="a made one never goes up"),
        pytest.param(a_variant("u"), {}, False, id="9110-8.8.3 without quotes it is none"),
        pytest.param(a_variant(status=404), {}, False, id="only successes"),
        pytest.param(a_variant(status=206), {}, False, id="4.3.2 not a part"),
        pytest.param(a_packed_one(), {"Accept-Encoding": "gzip, br"}, True, id="in a coding that is taken"),
        pytest.param(a_packed_one(), {"Accept-Encoding": "br"}, False, id="in one that is not"),
        pytest.param(a_packed_one(), {"Accept-Encoding": "gzip;q=0"}, False, id="in one that is refused"),
        pytest.param(a_packed_one(), {}, False, id="in one that nobody spoke of"),
    ],
)
def test_offered(variant: StoredResponse, lines: dict[str, str], *, is_offered: bool) -> None:
    assert list(offered(a_request(lines=lines), [variant])) == ([variant] if is_offered else [])


def test_the_youngest_are_offered_and_each_entity_tag_once() -> None:
    many = [a_variant(f'"{number}"', response_time=T0 + number) for number in range(100)]
    again = a_variant('"99"', response_time=T0 + 200)
    chosen = offered(a_request(), [*many, again])
    assert len(chosen) == MOST_OFFERED
    assert again in chosen
    assert many[-1] not in chosen
    assert offering(chosen).joined("if-none-match") == ", ".join(f'"{number}"' for number in range(84, 100))
    assert offering(()) == Fields()


@pytest.mark.parametrize(
    ("lines", "meant"),
    [
        pytest.param({"ETag": '"b"'}, '"b"', id="4.3.4 the one it names"),
        pytest.param({"ETag": 'W/"b"'}, '"b"', id="4.3.4 weakly"),
        pytest.param({"ETag": '"c"'}, None, id="4.3.4 none of them"),
        pytest.param({}, None, id="4.3.4 it names none, and there are two"),
    ],
)
def test_which_of_several_a_304_means(lines: dict[str, str], meant: str | None) -> None:
    request = a_request(lines={"X-A": "2"})
    stored = [
        a_variant(etag, body=etag.encode(), secondary_key=(("x-a", "1"),), fields=Fields([("Vary", "X-A")]))
        for etag in ('"a"', '"b"')
    ]
    decision = conclude_offer(request, stored, ResponseHead(304, Fields(lines.items())), a_route(), LATER)
    if meant is None:
        assert decision == Relay()
    else:
        assert isinstance(decision, Freshened)
        assert (decision.stored.body, decision.stored.secondary_key) == (meant.encode(), (("x-a", "2"),))


def test_of_one_that_was_offered_it_need_not_be_said() -> None:
    decision = conclude_offer(a_request(), [a_variant()], ResponseHead(304, Fields()), a_route(), LATER)
    assert isinstance(decision, Freshened)


def test_a_variant_that_varies_on_everything_now_is_asked_for_each_time() -> None:
    decision = conclude_offer(a_request(), [a_variant()], ResponseHead(304, Fields([("Vary", "*")])), a_route(), LATER)
    assert isinstance(decision, Freshened)
    assert decision.stored.always_validate


def test_anything_but_a_304_means_none_of_them() -> None:
    assert conclude_offer(a_request(), [a_variant()], a_head(), a_route(), LATER) == Relay()


@pytest.mark.parametrize("name", ["If-None-Match", "If-Modified-Since", "Range"])
def test_is_conditional(name: str) -> None:
    assert is_conditional(a_request(lines={name: "x"}))
    assert not is_conditional(a_request(lines={"Accept": "x"}))


@pytest.mark.parametrize(
    ("lines", "etag", "last_modified", "expected"),
    [
        pytest.param({}, '"a"', LM, False, id="13.2.2 no conditions"),
        pytest.param({"If-None-Match": '"a"'}, '"a"', None, True, id="13.1.2 the same"),
        pytest.param({"If-None-Match": '"b"'}, '"a"', None, False, id="13.1.2 another"),
        pytest.param({"If-None-Match": 'W/"a"'}, '"a"', None, True, id="13.1.2 weak comparison"),
        pytest.param({"If-None-Match": '"a"'}, 'W/"a"', None, True, id="13.1.2 weak comparison the other way"),
        pytest.param({"If-None-Match": '"x", "a,b" , "a"'}, '"a,b"', None, True, id="13.1.2 a list, a comma inside"),
        pytest.param({"If-None-Match": "*"}, '"a"', None, True, id="13.1.2 any"),
        pytest.param({"If-None-Match": "*"}, None, None, True, id="13.1.2 any, without entity-tag"),
        pytest.param({"If-None-Match": '"a"'}, None, None, False, id="13.1.2 nothing to compare with"),
        pytest.param({"If-None-Match": "a"}, '"a"', None, False, id="8.8.3 without quotes it is another"),
        pytest.param({"If-None-Match": '"A"'}, '"a"', None, False, id="8.8.3 case counts"),
        pytest.param({"If-None-Match": ""}, '"a"', LM, False, id="13.1.2 empty"),
        pytest.param({"If-Modified-Since": LM}, None, LM, True, id="13.1.3 the same"),
        pytest.param({"If-Modified-Since": AFTER_LM}, None, LM, True, id="13.1.3 later"),
        pytest.param({"If-Modified-Since": BEFORE_LM}, None, LM, False, id="13.1.3 modified since"),
        pytest.param({"If-Modified-Since": "Sunday, 06-Nov-94 08:49:37 GMT"}, None, LM, True, id="13.1.3 an old form"),
        pytest.param({"If-Modified-Since": "x"}, None, LM, False, id="13.1.3 invalid is ignored"),
        pytest.param({"If-Modified-Since": LM}, None, "x", False, id="13.1.3 invalid Last-Modified"),
        pytest.param({"If-Modified-Since": LM}, None, None, False, id="13.1.3 nothing to compare with"),
        pytest.param({"If-None-Match": '"b"', "If-Modified-Since": LM}, '"a"', LM, False, id="13.2.2 precedence"),
        pytest.param({"If-None-Match": '"a"', "If-Modified-Since": BEFORE_LM}, '"a"', LM, True, id="13.2.2 both ways"),
        pytest.param({"Range": "bytes=0-1"}, '"a"', LM, False, id="14.2 a range is no condition"),
    ],
)
def test_not_modified(lines: dict[str, str], etag: str | None, last_modified: str | None, *, expected: bool) -> None:
    assert not_modified(a_request(lines=lines), 200, etag, last_modified) is expected
    assert not_modified(a_request(method="HEAD", lines=lines), 200, etag, last_modified) is expected


def test_two_lines_of_if_modified_since_are_ignored() -> None:
    request = a_request()
    twice = type(request)("GET", "/", Fields([("If-Modified-Since", LM), ("If-Modified-Since", LM)]))
    assert not not_modified(twice, 200, None, LM)


def test_date_stands_in_for_last_modified() -> None:
    request = a_request(lines={"If-Modified-Since": LM})
    assert not_modified(request, 200, None, None, LM)
    assert not not_modified(request, 200, None, AFTER_LM, LM)


@pytest.mark.parametrize("status", [199, 300, 404, 500])
def test_only_successes_are_conditional(status: int) -> None:
    assert not not_modified(a_request(lines={"If-None-Match": "*"}), status, '"a"', None)


# A 304 --------------------------------------------------------------------------------------------------------------


def validated(
    old: dict[str, str], new: dict[str, str], route: RoutePolicy | None = None, timing: Timing = LATER
) -> StoredResponse:
    """What becomes of a stored response that a 304 freshens."""
    route = route or a_route()
    stored = stored_as(a_head({"ETag": '"u"', **old}), route)
    decision = conclude(stored, ResponseHead(304, Fields(new.items())), route, timing)
    assert isinstance(decision, Freshened)
    return decision.stored


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"X": "1"}, {}, {"x": "1"}, id="3.2 what it does not name stays"),
        pytest.param({"X": "1"}, {"X": "2"}, {"x": "2"}, id="3.2 what it names is replaced"),
        pytest.param({}, {"X": "2"}, {"x": "2"}, id="3.2 what is new is added"),
        pytest.param({}, {"Content-Type": "a/b"}, {"content-type": "a/b"}, id="3.2 Content-Type too"),
        pytest.param({}, {"Content-Length": "9"}, {"content-length": None}, id="3.2 but not Content-Length"),
        pytest.param({}, {"Connection": "X", "X": "2"}, {"x": None, "connection": None}, id="3.1 nor hop-by-hop"),
        pytest.param({}, {"Set-Cookie": "a=1"}, {"set-cookie": None}, id="7.3 nor cookies"),
        pytest.param({"Age": "50"}, {}, {"age": None}, id="5.1 an old Age is over"),
        pytest.param({"Age": "50"}, {"Age": "3"}, {"age": "3"}, id="5.1 a new one counts"),
        pytest.param(
            {"Date": format_http_date(T0)}, {}, {"date": format_http_date(T0 + 100)}, id="9110-6.6.1 Date: now"
        ),
        pytest.param(
            {"Cache-Control": "max-age=5"},
            {"Cache-Control": 'max-age=5, private="x"', "X": "2"},
            {"x": None},
            id="5.2.2.7 withheld",
        ),
    ],
)
def test_fields_after_a_304(old: dict[str, str], new: dict[str, str], expected: dict[str, str | None]) -> None:
    stored = validated({"Cache-Control": "max-age=60", **old}, new)
    assert {name: stored.fields.joined(name) for name in expected} == expected


def test_several_lines_of_one_field_are_replaced_together() -> None:
    stored = stored_as(a_head((("ETag", '"u"'), ("X", "1"), ("X", "2"), ("Cache-Control", "max-age=1"))))
    head = ResponseHead(304, Fields([("x", "3"), ("X", "4")]))
    decision = conclude(stored, head, a_route(), LATER)
    assert isinstance(decision, Freshened)
    assert decision.stored.fields.all("x") == ("3", "4")


def test_it_is_fresh_again_from_now_on() -> None:
    stored = validated({"Cache-Control": "max-age=60"}, {})
    assert (stored.freshness_lifetime, stored.corrected_initial_age) == (60, 0)
    assert (stored.response_time, stored.is_ended) == (T0 + 100, False)


def test_it_lives_as_the_304_says() -> None:
    stored = validated({"Cache-Control": "max-age=60"}, {"Cache-Control": "max-age=7, must-revalidate", "Age": "2"})
    assert (stored.freshness_lifetime, stored.corrected_initial_age, stored.never_stale) == (7, 2, True)


def test_a_targeted_field_still_counts_after_a_304() -> None:
    stored = validated({"Tambo-Cache-Control": "max-age=60", "Cache-Control": "no-store"}, {"X": "1"})
    assert stored.freshness_lifetime == 60


def test_the_routes_lifetime_begins_again() -> None:
    stored = validated({}, {}, an_override(stale_if_error=5.0))
    assert stored.freshness_lifetime - stored.corrected_initial_age == 3600
    assert stored.windows == Windows(error=5.0)


def test_the_body_and_what_it_is_selected_by_stay() -> None:
    request = a_request(lines={"X-A": "1"})
    old = stored_as(a_head({"ETag": '"u"', "Vary": "X-A", "Cache-Control": "max-age=1"}), request=request, body=b"body")
    decision = conclude(old, ResponseHead(304, Fields([("Vary", "x-a")])), a_route(), LATER)
    assert isinstance(decision, Freshened)
    new = decision.stored
    assert (new.body, new.secondary_key, new.status, new.cost) == (b"body", (("x-a", "1"),), 200, old.cost)
    assert not new.always_validate


def test_what_the_route_keeps_by_name_a_304_does_not_take_away() -> None:
    route = an_override(store_private=True, store_no_store=True)
    stored = validated({"Cache-Control": "private"}, {"Cache-Control": "no-store"}, route)
    assert not stored.always_validate
    assert stored.freshness_lifetime - stored.corrected_initial_age == 3600


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        pytest.param("X-A, X-B", (("x-a", "1"), ("x-b", "2")), id="4.1 it varies on more: as this request says"),
        pytest.param("X-B", (("x-b", "2"),), id="4.1 on something else"),
    ],
)
def test_what_a_304_newly_varies_on(vary: str, expected: tuple[tuple[str, str], ...]) -> None:
    request = a_request(lines={"X-A": "1", "X-B": "2"})
    old = stored_as(a_head({"ETag": '"u"', "Vary": "X-A", "Cache-Control": "max-age=60"}), request=request)
    decision = conclude(old, ResponseHead(304, Fields([("Vary", vary)])), a_route(), LATER, request)
    assert isinstance(decision, Freshened)
    assert (decision.stored.secondary_key, decision.stored.always_validate) == (expected, False)


def test_cookies_of_a_304_where_the_route_keeps_them() -> None:
    route = a_route(store_set_cookie=True)
    old = {"Cache-Control": "max-age=60", "Set-Cookie": "a=1"}
    assert validated(old, {"Set-Cookie": "a=2"}, route).fields.all("set-cookie") == ("a=2",)
    assert validated(old, {}, route).fields.all("set-cookie") == ("a=1",)


def test_tags_are_added() -> None:
    old = stored_as(a_head({"ETag": '"u"', "xkey": "a", "Cache-Control": "max-age=1"}), a_route(tags=("r",)))
    decision = conclude(old, ResponseHead(304, Fields([("xkey", "b")])), a_route(tags=("r",)), LATER)
    assert isinstance(decision, Freshened)
    assert decision.stored.tags == ("r", "a", "b")


@pytest.mark.parametrize(
    "new",
    [
        pytest.param({"Cache-Control": "no-store"}, id="5.2.2.5 it says no-store now"),
        pytest.param({"Cache-Control": "private, max-age=60"}, id="5.2.2.7 it says private now"),
        pytest.param({"Vary": "X-Other"}, id="4.1 it varies on what was not recorded"),
        pytest.param({"Vary": "*"}, id="4.1 it varies on everything"),
    ],
)
def test_what_may_not_be_reused_is_asked_for_each_time(new: dict[str, str]) -> None:
    stored = validated({"Cache-Control": "max-age=60"}, new)
    assert stored.always_validate
    assert stored.never_stale
    assert stored.freshness_lifetime == 0


@pytest.mark.parametrize(
    ("old_etag", "new_etag", "is_meant"),
    [
        pytest.param('"u"', None, True, id="4.3.4 it names none"),
        pytest.param('"u"', '"u"', True, id="4.3.4 the same, strong"),
        pytest.param('"u"', '"v"', False, id="4.3.4 another"),
        pytest.param('W/"u"', 'W/"u"', True, id="4.3.4 the same, weak"),
        pytest.param('W/"u"', '"u"', False, id="4.3.4 strong does not match weak"),
        pytest.param('"u"', 'W/"u"', True, id="4.3.4 weak matches either"),
    ],
)
def test_a_304_must_mean_what_is_stored(old_etag: str, new_etag: str | None, *, is_meant: bool) -> None:
    stored = stored_as(a_head({"ETag": old_etag, "Cache-Control": "max-age=1"}))
    head = ResponseHead(304, Fields([] if new_etag is None else [("ETag", new_etag)]))
    assert isinstance(conclude(stored, head, a_route(), LATER), Freshened) is is_meant


def test_a_304_to_a_question_that_was_not_ours_freshens_nothing() -> None:
    stored = stored_as(a_head({"Cache-Control": "max-age=1"}))
    assert stored.etag_is_made
    assert conclude(stored, ResponseHead(304, Fields()), a_route(), LATER) == Relay()


def test_a_304_may_bring_an_entity_tag() -> None:
    stored = stored_as(a_head({"Last-Modified": LM, "Cache-Control": "max-age=1"}))
    assert stored.etag_is_made
    decision = conclude(stored, ResponseHead(304, Fields([("ETag", '"u"')])), a_route(), LATER)
    assert isinstance(decision, Freshened)
    assert (decision.stored.etag, decision.stored.etag_is_made) == ('"u"', False)


def test_negative_stays_negative() -> None:
    stored = a_stored(negative=True, etag='"u"', etag_is_made=False)
    decision = conclude(stored, ResponseHead(304, Fields()), an_override(negative_ttl=5.0, archive=9.0), LATER)
    assert isinstance(decision, Freshened)
    assert decision.stored.freshness_lifetime == 5
    assert decision.stored.windows == Windows()


# Anything else ------------------------------------------------------------------------------------------------------

HELD = a_stored(windows=Windows(revalidate=5.0, error=10.0, archive=20.0))


@pytest.mark.parametrize(
    ("outcome", "after", "reason"),
    [
        pytest.param(a_head(status=200), 65, None, id="4.3.3 a full response is used"),
        pytest.param(a_head(status=404), 65, None, id="4.3.3 so is an honest error"),
        *(
            pytest.param(a_head(status=status), 65, StaleReason.ERROR, id=f"5861-4 {status}")
            for status in (500, 502, 503, 504)
        ),
        pytest.param(a_head(status=429), 65, StaleReason.ERROR, id="429 asks us to ask less"),
        pytest.param(a_head(status=501), 65, None, id="501 is an answer"),
        pytest.param(a_head(status=503), 75, StaleReason.ARCHIVE, id="a 503 behind stale-if-error"),
        pytest.param(a_head(status=503), 85, None, id="a 503 behind the archive"),
        *(
            pytest.param(failure, 65, StaleReason.ERROR, id=f"4.2.4 {failure}")
            for failure in (Failure.UNREACHABLE, Failure.TIMEOUT, Failure.PROTOCOL, Failure.FAULTY)
        ),
        pytest.param(Failure.SHED, 65, StaleReason.SHED, id="shed"),
        pytest.param(Failure.SHED, 75, StaleReason.ARCHIVE, id="shed, from the archive"),
        pytest.param(Failure.TIMEOUT, 69.9, StaleReason.ERROR, id="5861-4 at the window's end"),
        pytest.param(Failure.TIMEOUT, 70, StaleReason.ARCHIVE, id="5861-4 behind it"),
        pytest.param(Failure.TIMEOUT, 80, None, id="the archive's end"),
    ],
)
def test_what_stands_in(outcome: ResponseHead | Failure, after: float, reason: StaleReason | None) -> None:
    timing = Timing(T0 + after - 1, T0 + after)
    expected = Relay() if reason is None else ServeStale(HELD, reason)
    assert conclude(HELD, outcome, a_route(), timing) == expected


@pytest.mark.parametrize(
    ("changes", "after", "stands"),
    [
        pytest.param({}, 65, False, id="no windows"),
        pytest.param({"windows": Windows(revalidate=10.0)}, 65, True, id="what may be served anyway"),
        pytest.param({"windows": Windows(error=10.0), "never_stale": True}, 65, False, id="4.2.4 prohibited"),
        pytest.param({"windows": Windows(error=10.0), "always_validate": True}, 65, False, id="5.2.2.4 no-cache"),
        pytest.param({"windows": Windows(error=10.0), "is_ended": True}, 65, True, id="ended by a purge"),
        pytest.param({"is_ended": True}, 5, True, id="ended by a purge while young"),
        pytest.param({"is_ended": True, "negative": True}, 5, False, id="negative, ended"),
        pytest.param({}, 5, True, id="still fresh"),
    ],
)
def test_stand_in(changes: dict[str, Any], after: float, *, stands: bool) -> None:
    stored = a_stored(**changes)
    expected = ServeStale(stored, StaleReason.ERROR) if stands else Relay()
    assert stand_in(stored, Failure.TIMEOUT, T0 + after) == expected


def test_nothing_stands_in_for_nothing() -> None:
    assert stand_in(None, Failure.TIMEOUT, AT_T0.response_time) == Relay()
