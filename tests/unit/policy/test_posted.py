"""RFC 9110 §9.3.3: which answers to POST may answer later GETs."""

from typing import Any

import pytest

from proxy.policy.messages import Fields, ResponseHead
from proxy.policy.posted import as_get, is_for_gets, may_be_kept
from proxy.policy.route import ForwardFields, RoutePolicy
from tests.support.builders import a_request
from tests.support.policy import AT_T0, a_route, an_override

UPSTREAM = "http://upstream.test:8000/base"
GOOD = (("Cache-Control", "max-age=60"), ("Content-Location", "/a"))
METHODS = frozenset({"GET", "POST"})


def posting(**changes: Any) -> RoutePolicy:
    return a_route(methods=METHODS, **changes)


@pytest.mark.parametrize(
    ("method", "lines", "route", "holds"),
    [
        pytest.param("POST", {}, posting(), True, id="9.3.3 a POST"),
        pytest.param("PUT", {}, posting(), False, id="9.3.4 no PUT"),
        pytest.param("POST", {}, a_route(), False, id="where the route does not name it"),
        pytest.param("POST", {}, posting(cache=False), False, id="where the route has no cache"),
        pytest.param("POST", {}, an_override(methods=METHODS), False, id="where the route decides on lifetimes"),
        pytest.param("POST", {}, posting(forward_fields=ForwardFields.STRICT), False, id="where no GET sends as much"),
        pytest.param("POST", {"Cookie": "a=1"}, posting(), False, id="with a cookie"),
        pytest.param("POST", {"Cookie": "a=1"}, posting(cookies_ignored=True), True, id="with one that is ignored"),
        pytest.param("POST", {"If-Match": '"a"'}, posting(), False, id="13.1.1 under a condition on the state"),
    ],
)
def test_whose_answer_may_be_kept(method: str, lines: dict[str, str], route: RoutePolicy, *, holds: bool) -> None:
    assert may_be_kept(a_request(method=method, lines=lines), route) is holds


@pytest.mark.parametrize(
    ("status", "lines", "holds"),
    [
        pytest.param(200, GOOD, True, id="9.3.3 both"),
        pytest.param(200, GOOD[:1], False, id="9.3.3 no Content-Location"),
        pytest.param(200, GOOD[1:], False, id="9.3.3 no explicit freshness"),
        pytest.param(200, (*GOOD[1:], ("Cache-Control", "no-cache")), False, id="9.3.3 no lifetime"),
        pytest.param(200, (*GOOD[1:], ("Last-Modified", "x"), ("Cache-Control", "public")), False, id="9.3.3 a guess"),
        pytest.param(200, (GOOD[0], ("Content-Location", "/b")), False, id="8.7 of something else"),
        pytest.param(200, (GOOD[0], ("Content-Location", "/a?x")), False, id="8.7 another query"),
        pytest.param(200, (GOOD[0], ("Content-Location", "a")), True, id="8.7 relative"),
        pytest.param(200, (GOOD[0], ("Content-Location", "http://h.test/a")), True, id="8.7 by the client's name"),
        pytest.param(
            200, (GOOD[0], ("Content-Location", "http://upstream.test:8000/base/a")), True, id="8.7 by the upstream's"
        ),
        pytest.param(200, (GOOD[0], ("Content-Location", "http://other.test/a")), False, id="8.7 another origin"),
        pytest.param(200, (*GOOD, ("Content-Location", "/a")), False, id="8.7 twice"),
        pytest.param(200, (GOOD[0], ("Content-Location", "http://[")), False, id="8.7 no URL"),
        pytest.param(201, GOOD, False, id="9.3.3 what was created"),
        pytest.param(303, GOOD, False, id="9.3.3 a redirection"),
        pytest.param(404, GOOD, False, id="9.3.3 an error"),
    ],
)
def test_what_says_that_it_is_for_gets(status: int, lines: tuple[tuple[str, str], ...], *, holds: bool) -> None:
    request = a_request(method="POST", authority="h.test")
    assert is_for_gets(request, ResponseHead(status, Fields(lines)), AT_T0, UPSTREAM) is holds


def test_the_get_that_it_is_for() -> None:
    get = as_get(a_request(method="POST", lines={"X": "1"}))
    assert (get.method, get.target, get.has_content, get.fields.all("x")) == ("GET", "/a", False, ("1",))
