"""RFC 9111 §4.4, RFC 9875: which requests invalidate, and what."""

import pytest

from proxy.policy.invalidation import invalidated_groups, invalidated_targets, invalidates
from tests.support.builders import a_request
from tests.support.policy import a_head

UPSTREAM = "http://origin.test:8000/base"


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        *(pytest.param(method, 200, True, id=f"4.4 {method}") for method in ("POST", "PUT", "DELETE", "PATCH", "BREW")),
        *(pytest.param(method, 200, False, id=f"4.4 {method}") for method in ("GET", "HEAD", "OPTIONS", "TRACE")),
        pytest.param("QUERY", 200, False, id="10008 QUERY is safe"),
        pytest.param("get", 200, True, id="9110-9.1 methods have a case: this one is not known"),
        *(pytest.param("POST", status, True, id=f"4.4 {status} is no error") for status in (201, 204, 206, 303, 304)),
        *(pytest.param("POST", status, False, id=f"4.4 {status} is one") for status in (400, 404, 412, 500, 503)),
        pytest.param("POST", 101, False, id="4.4 nor a switch of protocols"),
        pytest.param("POST", 600, False, id="4.4 nor what nobody knows"),
    ],
)
def test_invalidates(method: str, status: int, *, expected: bool) -> None:
    assert invalidates(a_request(method=method), a_head(status=status)) is expected


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        pytest.param({}, [], id="4.4 the target itself"),
        pytest.param({"Location": "/b"}, ["/b"], id="4.4 Location, an absolute path"),
        pytest.param({"Content-Location": "/b"}, ["/b"], id="4.4 Content-Location"),
        pytest.param({"Location": "/b", "Content-Location": "/c"}, ["/b", "/c"], id="4.4 both"),
        pytest.param({"Location": "/a/1?x=1", "Content-Location": "/b"}, ["/b"], id="4.4 the target again"),
        pytest.param({"Location": "b"}, ["/a/b"], id="9110-10.2.2 relative to the target"),
        pytest.param({"Location": "../b?y=%2F"}, ["/b?y=%2F"], id="9110-10.2.2 dots, and the query as it is"),
        pytest.param({"Location": "?y=2"}, ["/a/1?y=2"], id="9110-10.2.2 a query alone"),
        pytest.param({"Location": "/b#part"}, ["/b"], id="9110-10.2.2 no fragment"),
        pytest.param({"Location": ""}, [], id="9110-10.2.2 empty is the target"),
        pytest.param({"Location": "http://tambo.test/b"}, ["/b"], id="4.4 the client's origin"),
        pytest.param({"Location": "http://TAMBO.test:80/b"}, ["/b"], id="9110-4.2.3 case and default port"),
        pytest.param({"Location": "//tambo.test/b"}, ["/b"], id="3986-4.2 without a scheme"),
        pytest.param({"Location": "http://tambo.test"}, ["/"], id="9110-4.2.3 an empty path"),
        pytest.param({"Location": "http://origin.test:8000/b"}, ["/b"], id="4.4 the upstream's origin"),
        pytest.param({"Location": "http://origin.test:8000/base/b?c"}, ["/base/b?c", "/b?c"], id="and its own path"),
        pytest.param({"Location": "/base/b"}, ["/base/b", "/b"], id="as it sees targets itself"),
        pytest.param({"Location": "/baseless"}, ["/baseless"], id="which ends at a slash"),
        pytest.param({"Location": "https://tambo.test/b"}, [], id="4.4 another scheme"),
        pytest.param({"Location": "http://tambo.test:81/b"}, [], id="4.4 another port"),
        pytest.param({"Location": "http://other.test/b"}, [], id="4.4 another host"),
        pytest.param({"Location": "http://tambo.test.evil/b"}, [], id="4.4 a host that begins alike"),
        pytest.param({"Location": "//other.test/b"}, [], id="4.4 another host without a scheme"),
        pytest.param({"Location": "http://origin.test/b"}, [], id="4.4 the upstream's host at another port"),
        pytest.param({"Location": "urn:b"}, [], id="4.4 no authority at all"),
        pytest.param({"Location": "http://[::1/b"}, [], id="3986-3.2.2 not a reference"),
        pytest.param({"Location": "http://tambo.test:x/b"}, [], id="3986-3.2.3 not a port"),
        pytest.param({"Content-Location": "http://other.test/b", "Location": "/c"}, ["/c"], id="4.4 one of the two"),
        pytest.param({"Link": "</b>"}, [], id="4.4 no other field"),
    ],
)
def test_invalidated_targets(lines: dict[str, str], more: list[str]) -> None:
    request = a_request("/a/1?x=1", method="POST")
    assert list(invalidated_targets(request, a_head(lines, 201), UPSTREAM)) == ["/a/1?x=1", *more]
    assert invalidated_targets(a_request("/a/1?x=1"), a_head(lines, 201), UPSTREAM) == ()
    assert invalidated_targets(request, a_head(lines, 400), UPSTREAM) == ()


def test_without_a_host_the_upstreams_counts() -> None:
    request = a_request("/a", method="PUT", authority="")
    assert invalidated_targets(request, a_head({"Location": "/b"}), UPSTREAM) == ("/a", "/b")


def test_a_target_that_is_no_path_invalidates_nothing() -> None:
    assert invalidated_targets(a_request("*", method="BREW"), a_head(), UPSTREAM) == ()


@pytest.mark.parametrize(
    ("method", "status", "value", "expected"),
    [
        pytest.param("POST", 200, '"a"', ("a",), id="9875-3 one"),
        pytest.param("POST", 200, '"a", "b c" , "a"', ("a", "b c"), id="9875-3 several, each once"),
        pytest.param("POST", 200, '"a";x=1', ("a",), id="9875-3 parameters mean nothing"),
        pytest.param("POST", 500, '"a"', ("a",), id="9875-3 whatever the status"),
        pytest.param("BREW", 200, '"a"', ("a",), id="9875-3 an unknown method is unsafe"),
        pytest.param("GET", 200, '"a"', (), id="9875-3 not on a GET"),
        pytest.param("HEAD", 200, '"a"', (), id="9875-3 not on a HEAD"),
        pytest.param("OPTIONS", 200, '"a"', (), id="9875-3 not on OPTIONS"),
        pytest.param("POST", 200, 'a, "b"', ("b",), id="9875-3 a token is no group"),
        pytest.param("POST", 200, '"a', (), id="9651-4.2 what does not parse is not there"),
        pytest.param("POST", 200, "", (), id="9651-4.2.1 an empty list"),
    ],
)
def test_invalidated_groups(method: str, status: int, value: str, expected: tuple[str, ...]) -> None:
    response = a_head({"Cache-Group-Invalidation": value}, status)
    assert invalidated_groups(a_request(method=method), response) == expected


def test_without_the_field_no_group_is() -> None:
    assert invalidated_groups(a_request(method="POST"), a_head()) == ()
