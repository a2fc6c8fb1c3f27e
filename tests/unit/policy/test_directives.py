"""Cache directives: tolerant of form, strict in meaning."""

import pytest

from proxy.policy.directives import RequestDirectives, ResponseDirectives, request_directives, response_directives
from proxy.policy.field_values import SATURATED
from proxy.policy.messages import Fields


def said(*values: str) -> ResponseDirectives:
    return response_directives(Fields(("Cache-Control", value) for value in values))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("max-age=60", ResponseDirectives(max_age=60), id="5.2.2.1 max-age"),
        pytest.param("MAX-AGE=60", ResponseDirectives(max_age=60), id="5.2 names are case-insensitive"),
        pytest.param('max-age="60"', ResponseDirectives(max_age=60), id="5.2 quoted form"),
        pytest.param("max-age", ResponseDirectives(max_age=0), id="4.2.1 no argument"),
        pytest.param("max-age=", ResponseDirectives(max_age=0), id="4.2.1 empty argument"),
        pytest.param("max-age=1.5", ResponseDirectives(max_age=0), id="4.2.1 fraction"),
        pytest.param("max-age=-1", ResponseDirectives(max_age=0), id="4.2.1 negative"),
        pytest.param("max-age='60'", ResponseDirectives(max_age=0), id="5.2 single quotes are no quotes"),
        pytest.param("max-age =60", ResponseDirectives(max_age=0), id="5.2 no blank before ="),
        pytest.param("max-age= 60", ResponseDirectives(max_age=0), id="5.2 no blank after ="),
        pytest.param("max-age=60 x", ResponseDirectives(max_age=0), id="5.2 garbage behind"),
        pytest.param("max-age=99999999999", ResponseDirectives(max_age=SATURATED), id="1.2.2 saturated"),
        pytest.param("max-age=60, max-age=5", ResponseDirectives(max_age=5), id="4.2.1 the smaller of two"),
        pytest.param("max-age=5, max-age=x", ResponseDirectives(max_age=0), id="4.2.1 one of two invalid"),
        pytest.param("s-maxage=9", ResponseDirectives(s_maxage=9), id="5.2.2.10 s-maxage"),
        pytest.param("no-store", ResponseDirectives(no_store=True), id="5.2.2.5 no-store"),
        pytest.param("no-store=x", ResponseDirectives(no_store=True), id="5.2 an argument nobody asked for"),
        pytest.param("no-store;", ResponseDirectives(no_store=True), id="5.2 garbage does not undo it"),
        pytest.param("no-cache", ResponseDirectives(no_cache=True), id="5.2.2.4 no-cache"),
        pytest.param('no-cache="A, b"', ResponseDirectives(withheld=frozenset({"a", "b"})), id="5.2.2.4 of fields"),
        pytest.param("private", ResponseDirectives(private=True), id="5.2.2.7 private"),
        pytest.param('private="x"', ResponseDirectives(withheld=frozenset({"x"})), id="5.2.2.7 of fields"),
        pytest.param("private=x", ResponseDirectives(private=True), id="5.2.2.7 not quoted: all of it"),
        pytest.param('private=""', ResponseDirectives(private=True), id="5.2.2.7 no fields: all of it"),
        pytest.param('private="a b"', ResponseDirectives(private=True), id="5.2.2.7 no field name: all of it"),
        pytest.param("public", ResponseDirectives(public=True), id="5.2.2.9 public"),
        pytest.param("must-revalidate", ResponseDirectives(must_revalidate=True), id="5.2.2.2 must-revalidate"),
        pytest.param("proxy-revalidate", ResponseDirectives(proxy_revalidate=True), id="5.2.2.8 proxy-revalidate"),
        pytest.param("must-understand", ResponseDirectives(must_understand=True), id="5.2.2.3 must-understand"),
        pytest.param("stale-while-revalidate=7", ResponseDirectives(stale_while_revalidate=7), id="5861-3 swr"),
        pytest.param("stale-if-error=7", ResponseDirectives(stale_if_error=7), id="5861-4 sie"),
        pytest.param("foo, bar=1, max-age=2", ResponseDirectives(max_age=2), id="5.2.3 unknown ones are ignored"),
        pytest.param('foo="max-age=9", max-age=2', ResponseDirectives(max_age=2), id="5.2 nothing inside quotes"),
        pytest.param('foo="no-store', ResponseDirectives(), id="5.2 an open quote belongs to its member"),
        pytest.param('foo="x, no-store', ResponseDirectives(no_store=True), id="5.2 an open quote hides nothing"),
        pytest.param("=5, max-age=2", ResponseDirectives(max_age=2), id="5.2 a member without a name"),
        pytest.param("", ResponseDirectives(), id="5.2 empty"),
        pytest.param("immutable, no-transform", ResponseDirectives(immutable=True), id="8246-2 immutable"),
    ],
)
def test_cache_control(value: str, expected: ResponseDirectives) -> None:
    assert said(value) == expected


def test_lines_are_one_list() -> None:
    assert said("max-age=60", "no-store") == ResponseDirectives(max_age=60, no_store=True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            [("CDN-Cache-Control", "max-age=5"), ("Cache-Control", "no-store")],
            ResponseDirectives(max_age=5, is_targeted=True),
            id="9213-2.2 replaces Cache-Control",
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=5"), ("Tambo-Cache-Control", "max-age=6")],
            ResponseDirectives(max_age=6, is_targeted=True),
            id="9213-2.2 ours first",
        ),
        pytest.param(
            [("CDN-Cache-Control", "no-store"), ("Cache-Control", "max-age=6")],
            ResponseDirectives(no_store=True, is_targeted=True),
            id="9213-2.2 no-store included",
        ),
        pytest.param(
            [("Other-Cache-Control", "no-store"), ("Cache-Control", "max-age=6")],
            ResponseDirectives(max_age=6),
            id="9213-2.2 not on our list",
        ),
        pytest.param(
            [("CDN-Cache-Control", ""), ("Cache-Control", "max-age=6")],
            ResponseDirectives(max_age=6),
            id="9213-2.1 empty is ignored",
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=5,"), ("Cache-Control", "max-age=6")],
            ResponseDirectives(max_age=6),
            id="9213-2.1 a parsing error is ignored",
        ),
        pytest.param(
            [("CDN-Cache-Control", "Max-Age=5"), ("Cache-Control", "max-age=6")],
            ResponseDirectives(max_age=6),
            id="9651-3.2 keys are lower case",
        ),
        pytest.param(
            [("Tambo-Cache-Control", "max-age="), ("CDN-Cache-Control", "max-age=4")],
            ResponseDirectives(max_age=4, is_targeted=True),
            id="9213-2.2 the next on the list",
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=5"), ("CDN-Cache-Control", "no-cache")],
            ResponseDirectives(max_age=5, no_cache=True, is_targeted=True),
            id="9651-4.2 lines are joined",
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=5;x=1, foo=(1 2)")],
            ResponseDirectives(max_age=5, is_targeted=True),
            id="9213-2.1 parameters and strangers",
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=1.5")],
            ResponseDirectives(max_age=0, is_targeted=True),
            id="4.2.1 a decimal is invalid",
        ),
        pytest.param(
            [("CDN-Cache-Control", "no-store=?0, max-age=3")],
            ResponseDirectives(max_age=3, is_targeted=True),
            id="9651-3.3.6 false is not said",
        ),
        pytest.param(
            [("CDN-Cache-Control", 'private="a, b", max-age=3')],
            ResponseDirectives(max_age=3, withheld=frozenset({"a", "b"}), is_targeted=True),
            id="5.2.2.7 of fields",
        ),
        pytest.param(
            [("CDN-Cache-Control", "private=a, max-age=3")],
            ResponseDirectives(max_age=3, private=True, is_targeted=True),
            id="5.2.2.7 a token: all of it",
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=5\xe9"), ("Cache-Control", "max-age=6")],
            ResponseDirectives(max_age=6),
            id="9651-4.2 not ASCII",
        ),
    ],
)
def test_targeted_fields(fields: list[tuple[str, str]], expected: ResponseDirectives) -> None:
    assert response_directives(Fields(fields)) == expected


@pytest.mark.parametrize(
    ("cache_control", "pragma", "expected"),
    [
        pytest.param(None, None, RequestDirectives(), id="5.2.1 nothing"),
        pytest.param("no-cache", None, RequestDirectives(no_cache=True), id="5.2.1.4 no-cache"),
        pytest.param("no-store", None, RequestDirectives(no_store=True), id="5.2.1.5 no-store"),
        pytest.param("Only-If-Cached", None, RequestDirectives(only_if_cached=True), id="5.2.1.7 only-if-cached"),
        pytest.param("max-age=5, max-age=3", None, RequestDirectives(max_age=3), id="5.2.1.1 the smaller"),
        pytest.param("min-fresh=5, min-fresh=9", None, RequestDirectives(min_fresh=9), id="5.2.1.3 the larger"),
        pytest.param("max-stale", None, RequestDirectives(max_stale=SATURATED), id="5.2.1.2 any staleness"),
        pytest.param("max-stale, max-stale=5", None, RequestDirectives(max_stale=5), id="5.2.1.2 the smaller"),
        pytest.param(None, "No-Cache", RequestDirectives(no_cache=True), id="5.4 Pragma alone"),
        pytest.param("max-age=5", "no-cache", RequestDirectives(max_age=5), id="5.4 Pragma beside Cache-Control"),
        pytest.param(None, "foo", RequestDirectives(), id="5.4 another Pragma"),
    ],
)
def test_request_directives(cache_control: str | None, pragma: str | None, expected: RequestDirectives) -> None:
    assert request_directives(cache_control, pragma) == expected
