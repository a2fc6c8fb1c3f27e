"""Keys: readable, injective, and the same on the wire."""

import pytest

from proxy.policy.cache_key import CacheKey, cache_key, check_template, expand, secondary_key, selecting_value, selects
from proxy.policy.disposition import Verdict
from proxy.policy.messages import Fields, RequestHead, SecondaryKey
from proxy.policy.route import ForwardFields, KeyRule, QueryRule, RoutePolicy
from tests.support.builders import a_request
from tests.support.policy import a_route, a_rule, match_of


def key(target: str, rule: KeyRule = KeyRule(), path: str = "/**", authority: str = "h") -> CacheKey:  # noqa: B008
    request = a_request(target, authority=authority)
    return cache_key(request, match_of(request, a_route(path, key=rule)))


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/a", id="2 path"),
        pytest.param("/a?", id="2 a bare ? is not none"),
        pytest.param("/a?b=1&b=2", id="2 query"),
        pytest.param("/a/../b/./c", id="9110-4.2.3 dot segments stay"),
        pytest.param("//a///b", id="9110-4.2.3 slashes stay"),
        pytest.param("/%61%2f%C3%A9%zz%", id="9110-4.2.3 percent-encoding stays, right or wrong"),
        pytest.param("/a?x=%2C,;+%20??", id="2 everything in a query stays"),
    ],
)
def test_without_a_rule_the_key_is_the_raw_target(target: str) -> None:
    assert key(target) == CacheKey(target, target)


@pytest.mark.parametrize(
    ("rule", "target", "normal"),
    [
        pytest.param(QueryRule(sort=True), "/a?b=2&a=1", "/a?a=1&b=2", id="sorted"),
        pytest.param(QueryRule(sort=True), "/a?b=2&a=1&b=1", "/a?a=1&b=2&b=1", id="repeated names keep their order"),
        pytest.param(QueryRule(sort=True), "/a?%62=1&a=2&B=3", "/a?%62=1&B=3&a=2", id="by raw name"),
        pytest.param(QueryRule(sort=True), "/a?", "/a?", id="a bare ? stays"),
        pytest.param(QueryRule(sort=True), "/a", "/a", id="no query"),
        pytest.param(QueryRule(sort=True), "/a?b&a=&a", "/a?a=&a&b", id="with and without ="),
        pytest.param(QueryRule(ignore=("utm_*", "x")), "/a?utm_a=1&b=2&x&xx=1", "/a?b=2&xx=1", id="ignored"),
        pytest.param(QueryRule(ignore=("utm_*",)), "/a?utm_a=1", "/a", id="all ignored: no ? either"),
        pytest.param(QueryRule(ignore=("*",)), "/a?b=1&c", "/a", id="everything ignored"),
        pytest.param(QueryRule(ignore=("a?c", "[x]")), "/a?abc=1&x=2", "/a?abc=1&x=2", id="only * is special"),
        pytest.param(QueryRule(ignore=("a*z",)), "/a?az=1&abz=2&azb=3", "/a?azb=3", id="* inside"),
        pytest.param(QueryRule(ignore=("q",)), "/a?%71=1", "/a?%71=1", id="names are compared raw"),
    ],
)
def test_the_query_rule_makes_key_and_wire_alike(rule: QueryRule, target: str, normal: str) -> None:
    assert key(target, KeyRule(query=rule)) == CacheKey(normal, normal)


@pytest.mark.parametrize(
    ("path", "template", "target", "text"),
    [
        pytest.param("/r/{ruc}", "sunat:ruc:{ruc}", "/r/20123456789", "sunat:ruc:20123456789", id="a capture"),
        pytest.param("/r/{x}", "t:{x}", "/r/a%2Fb:c", "t:a%252Fb%3Ac", id="escaped, the percent sign too"),
        pytest.param("/r/{x}", "t:{x}", "/r/a?b=1", "t:a?b=1", id="with the query"),
        pytest.param("/r/{x}", "t:{x}", "/r/..", "t:..", id="dot segments stay"),
        pytest.param("/r/{x}", "t", "/r/a", "t", id="no capture at all"),
        pytest.param("/{a}/{b}", "{a}-{b}", "/x-y/z", "x%2Dy-z", id="a separator inside a capture"),
        pytest.param("/{a}/{b}", "{a}-{b}", "/x/y-z", "x-y%2Dz", id="and in the other one"),
        pytest.param("/r/{x}", "t:{x}", "/r/\xe9", "t:%C3%A9", id="raw bytes"),
    ],
)
def test_templates(path: str, template: str, target: str, text: str) -> None:
    assert key(target, KeyRule(template=template), path) == CacheKey(text, target)


def test_with_host_the_authority_is_in_front_in_lower_case() -> None:
    assert key("/a", KeyRule(host=True), authority="A.Test:80").text == "a.test:80/a"
    assert key("/r/1", KeyRule(template="t:{x}", host=True), "/r/{x}", "A").text == "a/t:1"


def test_digits_that_are_not_ascii_are_other_keys() -> None:
    assert key("/r/\xb2", KeyRule(template="t:{x}"), "/r/{x}") != key("/r/2", KeyRule(template="t:{x}"), "/r/{x}")


def test_expand_leaves_what_was_not_captured() -> None:
    assert expand("a:{b}:{c}", {"b": "1-2"}) == "a:1-2:{c}"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        pytest.param("x:{b}", "not captured", id="unknown name"),
        pytest.param("x:{a", "brace", id="open brace"),
        pytest.param("x:a}", "brace", id="closing brace"),
        pytest.param("{a}{c}", "nothing between", id="nothing between"),
        pytest.param("{a}%{c}", "percent", id="percent"),
    ],
)
def test_templates_that_cannot_be_read(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_template(template, {"a", "c"})


def test_a_template_that_is_right() -> None:
    check_template("sunat:{a}:{c}", {"a", "c"})


# The secondary key --------------------------------------------------------------------------------------------------

STRICT = ForwardFields.STRICT
RULES = (a_rule("a", Verdict.FAILURE),)


@pytest.mark.parametrize(
    ("response", "request_lines", "route", "expected"),
    [
        pytest.param({}, {"Accept": "a"}, a_route(), (), id="4.1 no Vary"),
        pytest.param({"Vary": "Accept"}, {"Accept": "a"}, a_route(), (("accept", "a"),), id="4.1 present"),
        pytest.param({"Vary": "Accept"}, {}, a_route(), (("accept", None),), id="4.1 absent"),
        pytest.param({"Vary": "B, a ,"}, {"a": "1"}, a_route(), (("a", "1"), ("b", None)), id="4.1 a list, sorted"),
        pytest.param({"Vary": "a, A"}, {"a": "1"}, a_route(), (("a", "1"),), id="4.1 named twice"),
        pytest.param({"Vary": "*"}, {}, a_route(), None, id="4.1 *"),
        pytest.param({"Vary": "a, *"}, {}, a_route(), None, id="4.1 * among others"),
        pytest.param(
            {"Content-Encoding": "gzip"},
            {"Accept-Encoding": "gzip"},
            a_route(),
            (("accept-encoding", "gzip"),),
            id="packed without Vary",
        ),
        pytest.param({}, {"X-A": "1"}, a_route(key=KeyRule(fields=("x-a",))), (("x-a", "1"),), id="named by the route"),
        pytest.param({"Vary": "Accept, X-B"}, {"X-B": "1"}, a_route(forward_fields=STRICT), (), id="strict: not sent"),
        pytest.param(
            {"Vary": "Accept, X-B"},
            {"X-B": "1"},
            a_route(forward_fields=STRICT, forward=("x-b",)),
            (("x-b", "1"),),
            id="strict: sent",
        ),
        pytest.param(
            {"Vary": "X-B"},
            {"X-B": "1", "Authorization": "x"},
            a_route(forward_fields=STRICT),
            (("x-b", "1"),),
            id="strict: with credentials all was sent",
        ),
        pytest.param(
            {"Vary": "Accept-Encoding"},
            {"Accept-Encoding": "gzip"},
            a_route(verdicts=RULES),
            (),
            id="with verdicts always asked for unpacked",
        ),
        pytest.param(
            {"Vary": "Accept-Encoding", "Content-Encoding": "gzip"},
            {"Accept-Encoding": "gzip"},
            a_route(verdicts=RULES),
            (("accept-encoding", "gzip"),),
            id="with verdicts, packed all the same",
        ),
    ],
)
def test_secondary_key(
    response: dict[str, str], request_lines: dict[str, str], route: RoutePolicy, expected: SecondaryKey | None
) -> None:
    assert secondary_key(a_request(lines=request_lines), Fields(response.items()), route) == expected


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        pytest.param("accept", "a/b, c/d", "a/b,c/d", True, id="4.1 blanks around commas"),
        pytest.param("accept", "a/b", "c/d", False, id="4.1 another value"),
        pytest.param("accept", "a/b", "A/B", False, id="4.1 case, where it is not known to mean nothing"),
        pytest.param("accept", 'a;x="1, 2"', 'a;x="1,2"', False, id="4.1 blanks inside quotes"),
        pytest.param("accept-language", "en-GB, de", "EN-gb,de", True, id="9110-12.5.4 language ranges ignore case"),
        pytest.param("accept-language", "en, de", "de, en", True, id="9110-12.5.4 their order means nothing"),
        pytest.param("accept-encoding", "gzip, br", "br;q=0.5, GZIP", True, id="9110-12.5.3 what it accepts"),
        pytest.param("accept-encoding", "gzip", "identity", False, id="9110-12.5.3 another one"),
        pytest.param("cookie", "a=1, b", "a=1,b", False, id="4.1 not a list: blanks mean something"),
        pytest.param("x-any", "1 ,2", "1, 2", True, id="4.1 any list"),
        pytest.param("x-any", "", None, False, id="4.1 empty is not absent"),
    ],
)
def test_selecting_values(name: str, one: str, other: str | None, *, same: bool) -> None:
    def asked(value: str | None) -> RequestHead:
        return a_request(lines={} if value is None else {name: value})

    assert (selecting_value(name, asked(one)) == selecting_value(name, asked(other))) is same
    assert selects(((name, selecting_value(name, asked(one))),), asked(other)) is same


def test_lines_are_joined_before_they_are_compared() -> None:
    two = RequestHead("GET", "/", Fields([("X-A", "1"), ("x-a", "2")]))
    assert selects((("x-a", "1,2"),), two)


def test_no_selecting_fields_select_always() -> None:
    assert selects((), a_request(lines={"anything": "x"}))
