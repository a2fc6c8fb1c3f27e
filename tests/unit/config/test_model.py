"""The defaults that are promised."""

import pytest

from proxy.config.model import Config, Route, RouteMatch
from proxy.config.upstream import Concurrency, Upstream


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("listen.host", "0.0.0.0"),
        ("listen.port", 8080),
        ("admin.host", "127.0.0.1"),
        ("admin.port", 8081),
        ("admin.token", None),
        ("upstream.host", "upstream"),
        ("upstream.timeout.connect", 5),
        ("upstream.timeout.first_byte", 90),
        ("upstream.timeout.total", 120),
        ("upstream.timeout.idle", 60),
        ("upstream.concurrency.max", None),
        ("upstream.concurrency.queue", 100),
        ("upstream.concurrency.queue_timeout", None),
        ("upstream.retries.max", 0),
        ("upstream.retries.on", ("connect", 502, 503)),
        ("upstream.breaker", None),
        ("store.redis_url", None),
        ("store.redis_timeout", 0.05),
        ("store.redis_command_timeout", 1),
        ("store.memory", 256 * 1024**2),
        ("store.max_object", 8 * 1024**2),
        ("store.max_variants", 64),
        ("defaults.ttl", 7 * 86_400),
        ("defaults.stale_while_revalidate", None),
        ("defaults.stale_if_error", None),
        ("defaults.stale_on_disconnect", 86_400),
        ("defaults.archive", 0),
        ("defaults.hold_off", 60),
        ("defaults.refresh_ahead", 0),
        ("defaults.heuristic", False),
        ("defaults.client_directives", "ignore"),
        ("routes", ()),
        ("log.format", "auto"),
        ("stopping.drain_timeout", None),
        ("stopping.lame_duck", 0),
    ],
)
def test_defaults(key: str, value: object) -> None:
    found: object = Config()
    for name in key.split("."):
        found = getattr(found, name)
    assert found == value


def test_a_routes_defaults() -> None:
    route = Route(name="a", match=RouteMatch(path="/a"))
    assert (route.match.methods, route.mode, route.cache) == (("GET", "HEAD"), "rfc", True)
    assert (route.cookies, route.store_set_cookie, route.statuses, route.ttl) == ("pass", False, None, None)


@pytest.mark.parametrize(("said", "queue_timeout", "patience"), [(None, 120, 240), (7.0, 7, 127)])
def test_a_place_is_waited_for_as_long_as_a_fetch_may_take(
    said: float | None, queue_timeout: float, patience: float
) -> None:
    upstream = Upstream(concurrency=Concurrency(queue_timeout=said))
    assert (upstream.queue_timeout, upstream.patience) == (queue_timeout, patience)


def test_it_cannot_be_changed() -> None:
    config = Config()
    with pytest.raises(AttributeError):
        config.listen.port = 1  # type: ignore[misc] # that it is refused is the point
