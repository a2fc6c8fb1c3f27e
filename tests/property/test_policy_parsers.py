"""Whatever the network sends, the policy's parsers answer with a value and raise nothing."""

import json

import http_sf
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.policy.body_rules import judge
from proxy.policy.directives import request_directives, response_directives
from proxy.policy.disposition import Disposition, OutOfRange, Result, Verdict
from proxy.policy.field_values import (
    SATURATED,
    age_value,
    delta_seconds,
    format_http_date,
    http_date,
    list_members,
    normalised_codings,
    tokens,
    unquoted,
)
from proxy.policy.forwarding import end_to_end, is_upgrade
from proxy.policy.heads import cache_status
from proxy.policy.messages import Fields, RequestHead
from proxy.policy.ranges import ranged
from proxy.policy.route import compile_pattern
from proxy.policy.tags import LONGEST_TAG, MOST_TAGS, response_tags
from proxy.policy.validation import not_modified
from tests.support.builders import a_stored
from tests.support.policy import a_head, a_route, a_rule

latin = st.text(st.characters(max_codepoint=255), max_size=60)
pieces = st.sampled_from(
    [
        '"',
        "\\",
        ",",
        "=",
        ";",
        " ",
        "\t",
        "*",
        "max-age",
        "private",
        "no-store",
        "60",
        "1.5",
        "-1",
        "W/",
        "bytes=",
        "q=0",
    ]
)
values = latin | st.lists(pieces, max_size=12).map("".join) | st.text(max_size=20)
nows = st.floats(-1e12, 1e12)


@given(values)
@example("9" * 5000)
def test_numbers(text: str) -> None:
    assert 0 <= delta_seconds(text) <= SATURATED
    assert 0 <= age_value(text) <= SATURATED


near_dates = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Tue", "mon", "Monday", "Foo"]),
    st.sampled_from(["00", "01", "29", "30", "31", "32", "1"]),
    st.sampled_from(["Jan", "Feb", "FEB", "Apr", "Foo"]),
    st.sampled_from(["0000", "0001", "1900", "1970", "2023", "2024", "9999", "23"]),
    *[st.sampled_from(["00", "23", "24", "59", "60", "61", "1"])] * 3,
    st.sampled_from(["GMT", "gmt", "UTC", ""]),
)
"""Most of them are no dates, and all look like some."""
old_dates = st.builds(
    "{}, {}-{}-{} {}:00:{} GMT".format,
    st.sampled_from(["Monday", "Sunday"]),
    st.sampled_from(["00", "01", "29", "30", "31"]),
    st.sampled_from(["Jan", "Feb", "Jun"]),
    st.integers(0, 99).map("{:02}".format),
    *[st.sampled_from(["00", "23", "24", "59", "60"])] * 2,
)


@given(values | near_dates | old_dates, nows)
def test_dates(text: str, now: float) -> None:
    http_date(text, now)


@given(st.integers(0, 253_402_300_799), nows)
def test_dates_survive_a_round_trip(seconds: int, now: float) -> None:
    text = format_http_date(seconds)
    assert http_date(text, now) == seconds
    assert http_date(text.upper(), now) == seconds


@given(values)
def test_lists(text: str) -> None:
    members = list_members(text)
    assert all(member and member == member.strip(" \t") for member in members)
    assert list_members(",".join(members)) == members
    tokens(text)
    unquoted(text)


@given(st.lists(st.from_regex(r"[a-z]+(=\"([^\"\\]|\\.){0,8}\")?", fullmatch=True)))
def test_well_formed_lists_come_apart_as_they_were_joined(members: list[str]) -> None:
    assert list_members(" , ".join(members)) == members


@given(values)
def test_codings_are_normal_once_normalised(text: str) -> None:
    once = normalised_codings(text)
    assert normalised_codings(once) == once


@given(st.lists(st.tuples(st.sampled_from(["Cache-Control", "CDN-Cache-Control", "Tambo-Cache-Control"]), values)))
def test_response_directives(lines: list[tuple[str, str]]) -> None:
    said = response_directives(Fields(lines))
    for seconds in (said.max_age, said.s_maxage, said.stale_while_revalidate, said.stale_if_error):
        assert seconds is None or 0 <= seconds <= SATURATED


@given(latin, st.sampled_from(["no-store", "private", "no-cache", "must-revalidate"]), latin)
def test_no_neighbour_hides_a_restriction(before: str, directive: str, after: str) -> None:
    # Only an open quote or a longer member could, so those are what is taken out of the neighbours.
    clean = before.replace('"', "").replace("\\", ""), after.replace('"', "").replace("\\", "")
    said = response_directives(Fields([("Cache-Control", f"{clean[0]},{directive},{clean[1]}")]))
    assert getattr(said, directive.replace("-", "_"))


@given(st.none() | values, st.none() | values)
def test_request_directives(cache_control: str | None, pragma: str | None) -> None:
    request_directives(cache_control, pragma)


@given(st.lists(st.tuples(st.sampled_from(["Cache-Groups", "xkey", "Surrogate-Key", "Cache-Tag"]), values)))
def test_tags_are_bounded(lines: list[tuple[str, str]]) -> None:
    tags = response_tags(Fields(lines), a_route(), {})
    assert len(tags) <= MOST_TAGS
    assert all(0 < len(tag) <= LONGEST_TAG for tag in tags)
    assert len(set(tags)) == len(tags)


names = st.sampled_from(["If-None-Match", "If-Modified-Since", "Range", "If-Range", "Connection", "Upgrade", "X"])


@given(st.lists(st.tuples(names, values)), st.binary(max_size=30), st.none() | values, st.none() | values)
def test_conditions_and_ranges(
    lines: list[tuple[str, str]], body: bytes, etag: str | None, last_modified: str | None
) -> None:
    request = RequestHead("GET", "/", Fields(lines))
    not_modified(request, 200, etag, last_modified)
    is_upgrade(request)
    end_to_end(request.fields)
    part = ranged(request, a_stored(body, etag=etag, last_modified=last_modified))
    if isinstance(part, OutOfRange):
        assert part.content_range == f"bytes */{len(body)}"
    elif part is not None:
        assert 0 <= part.first <= part.last < len(body)


RULES = (
    a_rule("message && detail", Verdict.FAILURE),
    a_rule("type([1]) == 'number' && [1] >= `400`", Verdict.FAILURE),
    a_rule("sort_by(items, &name)[0].name == 'x'", Verdict.PASS),
    a_rule("max(numbers) > `3`", Verdict.NEGATIVE),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["message", "detail", "items", "name", "numbers"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_every_body_gets_a_verdict(body: bytes) -> None:
    assert judge(body, a_head(), a_route(verdicts=RULES)).verdict in Verdict


@given(st.binary(max_size=60), st.sampled_from(["gzip", "deflate", "br", "identity", "", "gzip, gzip"]))
def test_every_packed_body_gets_a_verdict(body: bytes, coding: str) -> None:
    judge(body, a_head({"Content-Encoding": coding}), a_route(verdicts=RULES))


@given(st.text(max_size=30), st.none() | st.integers())
def test_cache_status_is_always_a_structured_field(detail: str, ttl: int | None) -> None:
    text = cache_status(Disposition(Result.HIT, "HIT", hit=True, ttl=ttl, detail=detail))
    assert isinstance(http_sf.parse(text.encode("ascii"), tltype="list"), list)


pattern_pieces = st.sampled_from(
    ["/", "{a}", "{b:[0-9]{2}}", "{c:", "}", "**", "*", "x", "(", "[", "\\", "{", "a+", "%2F"]
)


@given(st.text(max_size=20) | st.lists(pattern_pieces, max_size=8).map(lambda parts: "/" + "".join(parts)))
def test_a_pattern_is_compiled_or_explained(text: str) -> None:
    try:
        pattern = compile_pattern(text)
    except ValueError:
        return
    for value in (pattern.captures(text) or {}).values():
        assert value
        assert "/" not in value


def test_the_longest_explanation_is_for_one_line() -> None:
    with pytest.raises(ValueError, match="at most"):
        compile_pattern("/" + "x" * 5000)
