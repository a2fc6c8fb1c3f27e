"""Whose word is taken on where a request came from."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.server.origin import origin, read_address
from proxy.policy.messages import Fields

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


def believed(peer: object, *lines: tuple[str, str], secure: bool = False) -> tuple[str, str, str]:
    return origin(peer, PROXIES, secure=secure).believed(Fields(lines), "said")


def test_a_stranger_is_believed_nothing() -> None:
    lines = (("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil"))
    assert believed(("9.9.9.9", 1), *lines) == ("9.9.9.9", "http", "said")


def test_the_socket_says_whether_it_is_secure() -> None:
    assert believed(("9.9.9.9", 1), secure=True) == ("9.9.9.9", "https", "said")


def test_a_trusted_proxy_is_believed() -> None:
    lines = (("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Host", "shop.example:8"))
    assert believed(("10.0.0.1", 1), *lines) == ("1.1.1.1, 10.0.0.1", "https", "shop.example:8")


@pytest.mark.parametrize(
    ("values", "peer"),
    [
        pytest.param(("6.6.6.6, 1.1.1.1",), "1.1.1.1, 10.0.0.1", id="what a stranger said of others is not believed"),
        pytest.param(("1.1.1.1, 10.0.0.2",), "1.1.1.1, 10.0.0.2, 10.0.0.1", id="a chain of trusted proxies"),
        pytest.param(("1.1.1.1", "10.0.0.2"), "1.1.1.1, 10.0.0.2, 10.0.0.1", id="in two lines"),
        pytest.param(("1.1.1.1:4711",), "1.1.1.1, 10.0.0.1", id="with a port"),
        pytest.param(("[2001:db8::1]:4711",), "2001:db8::1, 10.0.0.1", id="IPv6 with a port"),
        pytest.param(("unknown",), "10.0.0.1", id="no address"),
        pytest.param(("1.1.1.1, ", "evil\x01"), "10.0.0.1", id="nonsense"),
        pytest.param((), "10.0.0.1", id="nothing"),
    ],
)
def test_forwarded_for(values: tuple[str, ...], peer: str) -> None:
    assert believed(("10.0.0.1", 1), *(("X-Forwarded-For", value) for value in values))[0] == peer


def test_odd_schemes_and_hosts_are_not_taken() -> None:
    lines = (("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Host", "a b"))
    assert believed(("10.0.0.1", 1), *lines)[1:] == ("http", "said")


@pytest.mark.parametrize(
    ("peername", "peer", "trusted"),
    [
        (("::1", 1, 0, 0), "::1", True),
        (("::ffff:10.1.1.1", 1, 0, 0), "10.1.1.1", True),
        (("fe80::1%eth0", 1, 0, 2), "fe80::1", False),
        ("", "", False),
        (None, "", False),
    ],
)
def test_peer_names(peername: object, peer: str, trusted: bool) -> None:
    there = origin(peername, PROXIES, secure=False)
    assert (there.peer, there.trusted) == (peer, trusted)


@given(st.text())
def test_reading_an_address_is_total(text: str) -> None:
    address = read_address(text)
    assert address is None or read_address(str(address)) == address
