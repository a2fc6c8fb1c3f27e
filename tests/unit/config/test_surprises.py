"""What is valid and yet surprises."""

from typing import Any

import pytest

from proxy.config.model import Authorization, Config, Defaults, Route, RouteKey, RouteMatch, Stopping
from proxy.config.routes import route_policies
from proxy.config.surprises import covers, surprises
from proxy.config.upstream import Concurrency, Upstream, UpstreamTimeout
from proxy.edge.admin import passage
from proxy.policy.route import Mode


def told(**sections: Any) -> list[str]:
    config = Config(**{"upstream": Upstream(url="http://h"), **sections})
    return surprises(config, route_policies(config))


def a_route(name: str, path: str, **keys: Any) -> Route:
    return Route(name=name, match=RouteMatch(path=path), **keys)


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("/**", "/a", True),
        ("/a/**", "/a/b", True),
        ("/a/**", "/a/", True),
        ("/a/**", "/a", False),
        ("/a/**", "/a/b/**", True),
        ("/a/**", "/**", False),
        ("/{x}", "/a", True),
        ("/{x}", "/", False),
        ("/a/{x}", "/a/{y:[0-9]+}", True),
        ("/a/{x:[0-9]+}", "/a/{y}", False),
        ("/a/{x:[0-9]+}", "/a/{x:[0-9]+}", True),
        ("/a/{x}", "/a/b/c", False),
        ("/a/{x}", "/a/**", False),
        ("/a/{x}.json", "/a/{y}", False),
        ("/{x}/{y}", "/a/b{z}", True),
    ],
)
def test_what_a_pattern_covers(wide: str, narrow: str, covered: bool) -> None:
    assert covers(wide, narrow) is covered


def test_nothing_surprises_in_the_defaults() -> None:
    assert told() == []


def test_a_route_with_the_name_of_the_admin_listeners_requests() -> None:
    (text,) = told(routes=(a_route(passage.ROUTE, "/admin/{x}"),))
    assert text.startswith("routes.admin.name: requests under ADMIN_PREFIX are counted under this name")


def test_a_route_behind_a_wider_one_is_never_taken() -> None:
    (text,) = told(routes=(a_route("all", "/ruc/{ruc}"), a_route("one", "/ruc/{ruc:[0-9]{11}}")))
    assert text.startswith("routes.one.match.path: is never taken, 'all' before it takes every path like")


def test_a_route_for_other_methods_is_taken() -> None:
    query = Route(name="q", match=RouteMatch(path="/a/b", methods=("QUERY",)))
    assert told(routes=(a_route("all", "/a/{x}"), query)) == []


def test_waits_that_end_before_what_they_wait_for() -> None:
    upstream = Upstream(
        url="http://h", timeout=UpstreamTimeout(total=60.0), concurrency=Concurrency(max=4, queue_timeout=30.0)
    )
    queue, drain = told(upstream=upstream, stopping=Stopping(drain_timeout=10.0))
    assert queue.startswith("upstream.concurrency.queue_timeout: who waits for a place is refused after 30s")
    assert drain.startswith("stopping.drain_timeout: a stop cuts what is in flight after 10s")


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            {"stale_while_revalidate": 7200.0, "stale_if_error": 3600.0},
            "routes.a.stale_if_error: 1h ends before stale_while_revalidate does (2h)",
        ),
        ({"stale_if_error": 3600.0, "archive": 60.0}, "routes.a.archive: 1m ends before stale_if_error does (1h)"),
        ({"mode": Mode.OVERRIDE, "ttl": 0.0}, "routes.a.ttl: is 0 in override mode"),
    ],
)
def test_windows_that_change_nothing(keys: dict[str, Any], problem: str) -> None:
    (text,) = told(routes=(a_route("a", "/a", **keys),))
    assert text.startswith(problem)


def test_the_defaults_are_named_as_such() -> None:
    (text,) = told(defaults=Defaults(stale_while_revalidate=60.0, stale_if_error=30.0))
    assert text.startswith("defaults.stale_if_error: 30s")


def test_a_credential_that_is_passed_on_and_tells_nobody_apart() -> None:
    keys = {"mode": Mode.OVERRIDE, "forward": ("X-Api-Key", "X-Debug", "Cookie", "Authorization")}
    (warning,) = told(routes=[a_route("r", "/a", **keys)])
    assert warning.startswith("routes.r.forward: 'x-api-key' says who asks, so nothing that is asked with it is stored")
    for more in ({"key": RouteKey(fields=("X-Api-Key",))}, {"cache": False}, {"authorization": Authorization.IGNORE}):
        assert told(routes=[a_route("r", "/a", **keys, **more)]) == []
    assert told(routes=[a_route("r", "/a", forward=("X-Api-Key",))]) == [], "all is passed on in rfc mode"
