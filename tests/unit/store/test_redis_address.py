"""Which URLs are an address, and what a wrong one is told."""

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from proxy.errors import ConfigError
from proxy.store.redis_address import Topology, parse_address


@pytest.mark.parametrize(
    ("url", "kind", "shown"),
    [
        ("redis://cache", Connection, "redis://cache:6379/0"),
        ("redis://cache:7000/3", Connection, "redis://cache:7000/3"),
        ("redis://cache/?db=4", Connection, "redis://cache:6379/4"),
        ("redis://me:s3cret@cache:7000/3", Connection, "redis://cache:7000/3"),
        ("redis://:s3cret@[::1]:7000", Connection, "redis://::1:7000/0"),
        ("rediss://cache?ssl_ca_certs=/etc/ca.pem", SSLConnection, "rediss://cache:6379/0"),
        ("unix:///run/redis.sock", UnixDomainSocketConnection, "unix:///run/redis.sock/0"),
        ("unix://me:s3cret@/run/redis.sock?db=2", UnixDomainSocketConnection, "unix:///run/redis.sock/2"),
    ],
)
def test_an_address_is_read_and_shown_without_its_password(url: str, kind: type, shown: str) -> None:
    address = parse_address(url)
    assert (address.kind, address.shown) == (kind, shown)
    assert "s3cret" not in repr(address)


def test_sentinels_have_a_password_of_their_own() -> None:
    url = "rediss+sentinel://me:s3cret@a,[::1]:5000/main/2?sentinel_password=0ther&ssl_ca_certs=/ca.pem"
    address = parse_address(url)
    assert (address.topology, address.service) == (Topology.SENTINEL, "main")
    assert address.seeds == (("a", 26379), ("::1", 5000))
    assert address.shown == "rediss+sentinel://a:26379,::1:5000/main"
    node, sentinel = address.at(("b", 1)), address.of_sentinel(("a", 26379))
    told = {"username": "me", "password": "s3cret", "db": 2, "ssl_ca_certs": "/ca.pem", "host": "b", "port": 1}
    assert (node.kind, node.options, node.shown) == (SSLConnection, told, "rediss://b:1/2")
    assert sentinel.options == {"password": "0ther", "ssl_ca_certs": "/ca.pem", "host": "a", "port": 26379}
    assert not any(secret in repr(address) for secret in ("s3cret", "0ther"))


def test_a_cluster_is_reached_through_any_of_its_nodes() -> None:
    address = parse_address("redis+cluster://:s3cret@a:7000,b")
    assert (address.topology, address.seeds) == (Topology.CLUSTER, (("a", 7000), ("b", 6379)))
    assert address.shown == "redis+cluster://a:7000,b:6379"
    assert address.at(("b", 6379)).options == {"password": "s3cret", "host": "b", "port": 6379}


def test_user_and_password_are_unescaped() -> None:
    assert parse_address("redis://us%40er:p%2Fw@cache").options["password"] == "p/w"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://a,b", "needs the name of the service"),
        ("redis+sentinel://a:x/service", "'a:x' is not a host"),
        ("redis+sentinel://,/service", "names no host"),
        ("redis+cluster://a,b/0", "a Cluster has no databases"),
        ("redis+cluster://a?sentinel_password=x", "'sentinel_password'; only db may"),
        ("http://cache", "begins with 'http'"),
        ("cache:6379", "begins with 'cache'"),
        ("", "no scheme"),
        ("redis://cache:port", "is not a URL"),
        ("redis://cache/zero", "is not a number"),
        ("redis://cache?db=zero", "Invalid value for 'db'"),
        ("redis://cache?socket_timeout=3", r"'socket_timeout'; only db may .*store\.redis_timeout"),
        ("rediss://cache?ssl_cert=x", "'ssl_cert'; only db and ssl_"),
        ("unix://", "absolute path"),
        ("unix://run/redis.sock", "absolute path"),
    ],
)
def test_a_wrong_url_is_told_what_would_be_right(url: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        parse_address(url)
    assert caught.value.key == "store.redis_url"


def test_an_error_does_not_repeat_the_password() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address("redis://me:s3cret@cache/zero")
    assert "s3cret" not in str(caught.value)
