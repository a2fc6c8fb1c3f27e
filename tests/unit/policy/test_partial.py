"""RFC 9111 §3.3, §3.4: parts that are kept, what they answer, and how they grow."""

from typing import Any

import pytest

from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import NotStored, NotStoredReason, Storable, StoreDecision, Verdict
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse
from proxy.policy.partial import appraise, joined, passed_range, usable
from proxy.policy.route import RoutePolicy
from tests.support.builders import a_request, a_stored
from tests.support.policy import AT_T0, a_head, a_route, a_rule, an_override, match_of

WHOLE = b"0123456789"
LIMIT = 1000
FIRM = {"ETag": '"v1"', "Cache-Control": "max-age=60"}


def appraised(
    lines: dict[str, str],
    body: bytes | None = b"0123",
    request: RequestHead | None = None,
    route: RoutePolicy | None = None,
    status: int = 206,
) -> StoreDecision:
    """What is said of the answer to a request for a part."""
    request, route = request or a_request(lines={"Range": "bytes=0-3"}), route or a_route()
    match = match_of(request, route)
    response = a_head({"Content-Range": "bytes 0-3/10", **lines}, status)
    return appraise(request, response, body, match, cache_key(request, match), AT_T0)


def a_part(first: int, last: int, etag: str | None = '"v1"', **changes: Any) -> StoredResponse:
    """A stored part of ten bytes."""
    fields = Fields([("X", f"of {first}"), ("Content-Range", f"bytes {first}-{last}/10")])
    values = {"status": 206, "etag": etag, "etag_is_made": False, "fields": fields, **changes}
    return a_stored(WHOLE[first : last + 1], **values)


# What goes upstream ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "lines", "expected"),
    [
        pytest.param("GET", {"Range": "bytes=0-3"}, ["Range"], id="14.2 a range"),
        pytest.param("GET", {"Range": "bytes=0-3", "If-Range": '"a"'}, ["Range", "If-Range"], id="13.1.5 If-Range too"),
        pytest.param("GET", {"Range": "bytes=0-1,3-4"}, ["Range"], id="14.2 several"),
        pytest.param("GET", {"Range": "items=1"}, ["Range"], id="14.2 another unit, as it is"),
        pytest.param("GET", {"Range": "bytes=0-3", "If-None-Match": "*"}, ["Range"], id="13.1.2 not other conditions"),
        pytest.param("GET", {"If-Range": '"a"'}, [], id="13.1.5 If-Range alone means nothing"),
        pytest.param("HEAD", {"Range": "bytes=0-3"}, [], id="14.2 only of a GET"),
        pytest.param("GET", {}, [], id="14.2 none"),
    ],
)
def test_passed_range(method: str, lines: dict[str, str], expected: list[str]) -> None:
    assert [name for name, _ in passed_range(a_request(method=method, lines=lines), a_route()).lines] == expected


def test_where_bodies_are_judged_the_whole_is_fetched() -> None:
    route = a_route(verdicts=(a_rule("error", Verdict.FAILURE),))
    assert not passed_range(a_request(lines={"Range": "bytes=0-3"}), route).lines


def test_where_the_route_decides_the_whole_is_fetched() -> None:
    assert not passed_range(a_request(lines={"Range": "bytes=0-3"}), an_override()).lines


# What is kept ---------------------------------------------------------------------------------------------------------


def test_a_part_is_kept_as_what_it_is() -> None:
    decision = appraised(FIRM)
    assert isinstance(decision, Storable)
    part = decision.stored
    assert (part.status, part.body, part.etag, part.etag_is_made) == (206, b"0123", '"v1"', False)
    assert part.fields.all("content-range") == ("bytes 0-3/10",)
    assert part.freshness_lifetime == 60


@pytest.mark.parametrize(
    ("lines", "etag"),
    [
        pytest.param({"ETag": 'W/"v1"'}, 'W/"v1"', id="3.3 with a weak entity-tag"),
        pytest.param({"ETag": "v1"}, "v1", id="3.3 with something else than an entity-tag"),
        pytest.param({}, None, id="3.3 with none: none is made of a part"),
    ],
)
def test_a_part_without_strong_validator_is_kept_for_itself(lines: dict[str, str], etag: str | None) -> None:
    decision = appraised({"Cache-Control": "max-age=60", **lines}, route=a_route(made_etag=True))
    assert isinstance(decision, Storable)
    assert (decision.stored.status, decision.stored.etag, decision.stored.etag_is_made) == (206, etag, False)


def test_a_part_that_is_everything_is_a_200() -> None:
    decision = appraised({**FIRM, "Content-Range": "bytes 0-3/4"})
    assert isinstance(decision, Storable)
    assert decision.stored.status == 200
    assert "content-range" not in decision.stored.fields


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        pytest.param({"Cache-Control": "no-cache"}, b"0123", id="3.3 without a lifetime of its own"),
        pytest.param({"Cache-Control": "public"}, b"0123", id="3 without explicit freshness"),
        pytest.param({"Content-Range": "bytes 0-3/*"}, b"0123", id="14.4 of an unknown length"),
        pytest.param({"Content-Range": "items 0-3/10"}, b"0123", id="3.3 a unit that is not understood"),
        pytest.param({"Content-Range": ""}, b"0123", id="14.4 of unknown place"),
        pytest.param({}, b"012", id="3.3 shorter than it says"),
        pytest.param({}, b"01234", id="3.3 longer than it says"),
        pytest.param({"Content-Type": "multipart/byteranges; boundary=x", "Content-Range": "x"}, b"0123", id="14.6"),
    ],
)
def test_a_part_that_is_not_kept(lines: dict[str, str], body: bytes) -> None:
    assert appraised({**FIRM, **lines}, body) == NotStored(NotStoredReason.STATUS)


@pytest.mark.parametrize(
    ("lines", "request_lines", "reason"),
    [
        pytest.param({"Cache-Control": "no-store, max-age=9"}, {}, NotStoredReason.NO_STORE, id="5.2.2.5"),
        pytest.param({"Cache-Control": "private, max-age=9"}, {}, NotStoredReason.PRIVATE, id="5.2.2.7"),
        pytest.param({"Set-Cookie": "a=1"}, {}, NotStoredReason.SET_COOKIE, id="7.3"),
        pytest.param({}, {"Authorization": "x"}, NotStoredReason.AUTHORIZATION, id="3.5"),
        pytest.param({"Vary": "*"}, {}, NotStoredReason.VARY_STAR, id="4.1"),
    ],
)
def test_a_part_is_refused_for_what_a_whole_is(
    lines: dict[str, str], request_lines: dict[str, str], reason: NotStoredReason
) -> None:
    request = a_request(lines={"Range": "bytes=0-3", **request_lines})
    decision = appraised({**FIRM, **lines}, request=request)
    assert isinstance(decision, NotStored)
    assert decision.reason is reason


def test_too_large_a_part_is_not_kept() -> None:
    assert isinstance(appraised(FIRM, None, route=a_route(max_object=3)), NotStored)
    assert isinstance(appraised(FIRM, None, route=a_route(max_object=4)), Storable)


def test_a_part_that_nobody_asked_for_is_not_kept() -> None:
    assert appraised(FIRM, request=a_request()) == NotStored(NotStoredReason.STATUS)


@pytest.mark.parametrize("status", [412, 416])
def test_what_answers_the_range_of_one_request_is_never_kept(status: int) -> None:
    every = a_route(statuses=None)
    assert appraised(FIRM, b"", status=status, route=every) == NotStored(NotStoredReason.STATUS)
    unasked = appraised({**FIRM, "Content-Range": ""}, b"", a_request(), every, status)
    assert isinstance(unasked, Storable), "it is no answer to what was not asked"


def test_the_whole_in_answer_to_a_range_is_kept_as_a_whole() -> None:
    decision = appraised({**FIRM, "Content-Range": ""}, WHOLE, status=200)
    assert isinstance(decision, Storable)
    assert decision.stored.status == 200


# What it answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "lines", "is_usable"),
    [
        pytest.param("GET", {"Range": "bytes=3-6"}, True, id="3.3 all of it"),
        pytest.param("GET", {"Range": "bytes=4-4"}, True, id="3.3 within it"),
        pytest.param("GET", {"Range": "bytes=2-6"}, False, id="3.3 begins before it"),
        pytest.param("GET", {"Range": "bytes=3-7"}, False, id="3.3 ends behind it"),
        pytest.param("GET", {"Range": "bytes=3-"}, False, id="3.3 open ended, behind it"),
        pytest.param("GET", {"Range": "bytes=-4"}, False, id="3.3 a suffix that it does not hold"),
        pytest.param("GET", {"Range": "bytes=3-4,5-6"}, False, id="3.3 several"),
        pytest.param("GET", {"Range": "items=3-6"}, False, id="3.3 another unit"),
        pytest.param("GET", {}, False, id="3.3 the whole"),
        pytest.param("HEAD", {"Range": "bytes=3-6"}, False, id="3.3 HEAD is of the whole"),
        pytest.param("GET", {"Range": "bytes=3-6", "If-Range": '"v1"'}, True, id="13.1.5 of this version"),
        pytest.param("GET", {"Range": "bytes=3-6", "If-Range": '"v2"'}, False, id="13.1.5 of another"),
        pytest.param("GET", {"Range": "bytes=10-"}, True, id="15.5.17 that there is no more is known"),
    ],
)
def test_usable(method: str, lines: dict[str, str], *, is_usable: bool) -> None:
    part, request = a_part(3, 6), a_request(method=method, lines=lines)
    assert list(usable(request, [part])) == ([part] if is_usable else [])


def test_whole_ones_are_always_usable() -> None:
    whole = a_stored(WHOLE)
    assert list(usable(a_request(), [whole, a_part(0, 3)])) == [whole]
    alone = (whole,)
    assert usable(a_request(), alone) is alone


# How it grows ---------------------------------------------------------------------------------------------------------

RANGE = a_request(lines={"Range": "bytes=0-3"})


@pytest.mark.parametrize(
    ("held", "new", "first", "last"),
    [
        pytest.param((0, 3), (4, 6), 0, 6, id="3.4 behind it"),
        pytest.param((4, 6), (1, 3), 1, 6, id="3.4 before it"),
        pytest.param((0, 5), (3, 8), 0, 8, id="3.4 overlapping"),
        pytest.param((3, 8), (0, 5), 0, 8, id="3.4 overlapping before"),
        pytest.param((1, 8), (3, 5), 1, 8, id="3.4 inside"),
        pytest.param((3, 5), (1, 8), 1, 8, id="3.4 around"),
        pytest.param((2, 5), (2, 5), 2, 5, id="3.4 the same"),
        pytest.param((2, 5), (2, 7), 2, 7, id="3.4 the same beginning"),
    ],
)
def test_parts_that_touch_become_one(held: tuple[int, int], new: tuple[int, int], first: int, last: int) -> None:
    union = joined(RANGE, a_part(*new), [a_part(*held)], LIMIT)
    assert union is not None
    assert (union.status, union.body) == (206, WHOLE[first : last + 1])
    assert union.fields.all("content-range") == (f"bytes {first}-{last}/10",)


def test_all_parts_together_are_a_200() -> None:
    union = joined(RANGE, a_part(4, 9), [a_part(0, 3)], LIMIT)
    assert union is not None
    assert (union.status, union.body) == (200, WHOLE)
    assert "content-range" not in union.fields


def test_the_new_parts_fields_replace_those_it_names() -> None:
    """RFC 9111 §3.4, RFC 9110 §15.3.7.3."""
    held = a_part(0, 3, fields=Fields([("X", "old"), ("Y", "kept"), ("Age", "7"), ("Content-Range", "bytes 0-3/10")]))
    union = joined(RANGE, a_part(4, 6, freshness_lifetime=9.0), [held], LIMIT)
    assert union is not None
    assert (union.fields.all("x"), union.fields.all("y"), union.fields.all("age")) == (("of 4",), ("kept",), ())
    assert union.freshness_lifetime == 9


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(a_part(0, 2), id="3.4 a gap"),
        pytest.param(a_part(8, 9), id="3.4 a gap behind"),
        pytest.param(a_part(0, 3, '"v2"'), id="3.4 another version"),
        pytest.param(a_part(0, 3, fields=Fields([("Content-Range", "bytes 0-3/11")])), id="3.4 another length"),
        pytest.param(a_part(0, 3, secondary_key=(("x", "1"),)), id="4.1 another variant"),
        pytest.param(a_part(0, 3, fields=Fields()), id="14.4 of unknown place"),
        pytest.param(a_stored(WHOLE, etag='"v0"', etag_is_made=False), id="3.4 a whole of another version"),
    ],
)
def test_what_does_not_fit_is_replaced(held: StoredResponse) -> None:
    new = a_part(4, 6)
    assert joined(RANGE, new, [held], LIMIT) == new


@pytest.mark.parametrize("etag", [None, 'W/"v1"', "v1"])
def test_parts_without_a_strong_validator_never_become_one(etag: str | None) -> None:
    """RFC 9111 §3.4: the later takes the place of the earlier."""
    held, new = a_part(0, 3, etag=etag), a_part(4, 6, etag=etag)
    assert joined(RANGE, new, [held], LIMIT) == new


@pytest.mark.parametrize("changes", [{}, {"etag": None}, {"etag": '"made"', "etag_is_made": True}])
def test_a_part_without_validator_pushes_no_whole_out_that_has_none(changes: dict[str, Any]) -> None:
    whole = a_stored(WHOLE, **{"etag": None, "etag_is_made": False, **changes})
    assert joined(RANGE, a_part(4, 6, etag=None), [whole], LIMIT) is None


def test_a_union_above_the_limit_is_not_made() -> None:
    new = a_part(4, 6)
    assert joined(RANGE, new, [a_part(0, 3)], 6) == new


def test_a_part_of_what_is_whole_already_is_not_kept() -> None:
    whole = a_stored(WHOLE, etag='"v1"', etag_is_made=False)
    assert joined(RANGE, a_part(0, 3), [whole], LIMIT) is None


def test_an_answer_to_if_range_may_lack_fields_and_only_adds() -> None:
    request = a_request(lines={"Range": "bytes=4-6", "If-Range": '"v1"'})
    assert joined(request, a_part(4, 6), [], LIMIT) is None
    union = joined(request, a_part(4, 6), [a_part(0, 3)], LIMIT)
    assert union is not None
    assert union.body == WHOLE[:7]


def test_the_head_alone_is_judged_like_the_whole() -> None:
    assert isinstance(appraised(FIRM, None), Storable)
    assert appraise(
        a_request(),
        ResponseHead(206, Fields()),
        None,
        match_of(a_request(), a_route()),
        cache_key(a_request(), match_of(a_request(), a_route())),
        AT_T0,
    ) == NotStored(NotStoredReason.STATUS)
