"""Which URLs are an address, and what a wrong one is told."""

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from proxy.errors import ConfigError
from proxy.store.redis_address import parse_address


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


def test_user_and_password_are_unescaped() -> None:
    assert parse_address("redis://us%40er:p%2Fw@cache").options["password"] == "p/w"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://a,b/service", "not supported yet"),
        ("redis+cluster://a,b", "not supported yet"),
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
