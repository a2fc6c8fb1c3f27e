"""Values that must fit together."""

from typing import Any

import pytest

from proxy.config.checks import errors, is_loopback, warnings
from proxy.config.model import (
    Admin,
    Config,
    Listen,
    Route,
    RouteKey,
    RouteMatch,
    Store,
    Tracing,
)
from proxy.config.routes import route_policies
from proxy.config.secret import Secret, SecretUrl
from proxy.config.upstream import Upstream, UpstreamTimeout


def config(url: str = "http://h", **sections: Any) -> Config:
    return Config(**{"upstream": Upstream(url=url), **sections})


def a_route(**keys: Any) -> Route:
    return Route(name="r", match=RouteMatch(path="/a"), **keys)


def told(one: Config) -> list[str]:
    return [str(error) for error in errors(one)]


def warned(one: Config, *set_keys: str) -> list[str]:
    return warnings(one, route_policies(one), dict.fromkeys(set_keys, "file"))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "https://api.example.com",
        "http://10.0.0.1/",
        "http://[::1]:8000",
        "http://scraper_1:80",
        "http://h/base/path",
        "HTTP://h",
    ],
)
def test_an_upstream_that_can_be(url: str) -> None:
    assert told(config(url)) == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is not set: say which API"),
        ("localhost:8000", "must begin with http:// or https://"),
        ("api.example.com", "must begin with http:// or https://"),
        ("ftp://h", "must begin with http:// or https://"),
        ("http://", "names no valid host"),
        ("http://:80", "names no valid host"),
        ("http://a,b", "names no valid host"),
        ("http://h:0", "has a port where nothing can listen"),
        ("http://h:99999", "is not a URL such as http://host:port"),
        ("http://h:x", "is not a URL such as http://host:port"),
        ("http://[::1", "is not a URL such as http://host:port"),
        ("http://h\nost", "is not a URL such as http://host:port"),
        ("http://ñ", "is not a URL such as http://host:port"),
        ("http://h/?a=b", "must not have a query or fragment"),
        ("http://h/#a", "must not have a query or fragment"),
        ("http://user:s3cret@h", "must not hold a user or password"),
    ],
)
def test_an_upstream_that_cannot_be(url: str, problem: str) -> None:
    (text,) = told(config(url))
    assert text.startswith("upstream.url: ")
    assert problem in text
    assert "s3cret" not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        ({"admin": Admin(port=8080)}, "admin.port: 8080 is the public listener's port already"),
        ({"listen": Listen(trusted_proxies=("10.0.0.1/8",))}, "listen.trusted_proxies.0: must be a network such as"),
        ({"listen": Listen(trusted_proxies=("::1", "x"))}, "listen.trusted_proxies.1: must be a network such as"),
        ({"store": Store(redis_url=SecretUrl("http://u:s3cret@h"))}, "store.redis_url: must begin with redis://"),
        ({"store": Store(redis_url=SecretUrl("redis://h:x"))}, "store.redis_url: is not a URL such as"),
        (
            {"routes": (a_route(key=RouteKey(fields=("X-Tenant", "X-Forwarded-Proto"))),)},
            'routes.r.key.fields.1: "X-Forwarded-Proto" never reaches the upstream (Tambo passes it on for nobody)',
        ),
        (
            {"routes": (a_route(forward=("Host",)),)},
            'routes.r.forward.0: "Host" never reaches the upstream (Tambo writes',
        ),
        (
            {"routes": (a_route(forward=("TE",)),)},
            'routes.r.forward.0: "TE" never reaches the upstream (it speaks of one',
        ),
        ({"tracing": Tracing(endpoint="collector:4318")}, 'tracing.endpoint: "collector:4318" is not a URL'),
        ({"upstream": Upstream(url="http://h", ca_file="/no")}, 'upstream.ca_file: there is no file "/no"'),
    ],
)
def test_what_cannot_work(sections: dict[str, Any], problem: str) -> None:
    (text,) = told(config(**sections))
    assert text.startswith(problem)
    assert "s3cret" not in text


@pytest.mark.parametrize(
    "sections",
    [
        {"listen": Listen(port=0), "admin": Admin(port=0)},
        {"listen": Listen(host="127.0.0.1", port=1), "admin": Admin(host="127.0.0.2", port=1)},
        {"store": Store(redis_url=SecretUrl("redis://:pw@h:6379/0"))},
        {"store": Store(redis_url=SecretUrl("unix:///run/redis.sock"))},
        {"listen": Listen(trusted_proxies=("10.0.0.0/8", "::1"))},
    ],
)
def test_what_can_work(sections: dict[str, Any]) -> None:
    assert told(config(**sections)) == []
    assert warned(config(**sections)) == []


def test_an_admin_listener_for_others_wants_a_token() -> None:
    (text,) = warned(config(admin=Admin(host="0.0.0.0")))
    assert "there is no ADMIN_TOKEN" in text
    assert warned(config(admin=Admin(host="0.0.0.0", token=Secret("x")))) == []


def test_objects_larger_than_the_memory_are_worth_a_word() -> None:
    (text,) = warned(config(store=Store(memory=1024**2)))
    assert text.startswith("store.max_object: bodies up to 8MiB may be kept, but memory holds 1MiB")


def test_a_wait_that_is_never_reached_is_told_only_of_what_was_set() -> None:
    one = config(upstream=Upstream(url="http://h", timeout=UpstreamTimeout(first_byte=90, total=30)))
    assert warned(one, "upstream.timeout.total") == []
    (text,) = warned(one, "upstream.timeout.first_byte")
    assert text.startswith("upstream.timeout.first_byte: 1m30s is never reached")


def test_a_redis_that_clients_wait_for() -> None:
    (text,) = warned(config(store=Store(redis_timeout=2)))
    assert text.startswith("store.redis_timeout: clients would wait 2s")


def test_routes_that_surprise() -> None:
    first = Route(name="a", match=RouteMatch(path="/{x}"), key=RouteKey(template="all"))
    second = Route(name="b", match=RouteMatch(path="/{x}", methods=("GET",)))
    assert warned(config(routes=(first, second))) == [
        "routes.a.key.template: leaves out {x} of the path: all its values share one stored answer",
        "routes.b: is never taken, 'a' before it takes the same requests",
    ]


@pytest.mark.parametrize(
    ("host", "answer"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("LocalHost", True), ("0.0.0.0", False), ("h", False)],
)
def test_loopback(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer
