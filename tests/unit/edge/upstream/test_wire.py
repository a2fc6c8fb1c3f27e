"""Request heads, byte by byte."""

from typing import Any

import pytest
from httptools import HttpRequestParser
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.edge.upstream.settings import Origin
from proxy.edge.upstream.wire import request_head
from proxy.errors import ClientError
from proxy.exchange.ports import RequestBody, UpstreamRequest
from proxy.policy.messages import Fields
from tests.support.content import Content

ORIGIN = Origin("http", "api.test", 8000)


def a_request(method: str = "GET", target: str = "/a", **more: Any) -> UpstreamRequest:
    """A request without fields unless given."""
    return UpstreamRequest(method, target, **{"host": None, "fields": Fields(), **more})


def test_sends_exactly_what_it_is_given_host_first() -> None:
    lines = [("X-B", "2"), ("x-a", "1"), ("X-B", "3"), ("Accept", ""), ("Cookie", "a=b; c=\xe9")]
    assert request_head(a_request(fields=Fields(lines)), ORIGIN) == (
        b"GET /a HTTP/1.1\r\nHost: api.test:8000\r\n"
        b"X-B: 2\r\nx-a: 1\r\nX-B: 3\r\nAccept: \r\nCookie: a=b; c=\xe9\r\n\r\n"
    )


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "//",
        "/a%2Cb%61",
        "/a?",
        "/a?b=%zz",
        "/../a//b/./c",
        "/a;b=c:d,e",
        "/%0a",
        '/"<>\\^`{|}',
        "/a?b#c",
    ],
)
def test_target_is_not_requoted(target: str) -> None:
    assert request_head(a_request(target=target), ORIGIN).startswith(
        b"GET " + target.encode("latin-1") + b" HTTP/1.1\r\n"
    )


def test_prefix_stands_before_the_target() -> None:
    origin = Origin("http", "api.test", 80, "/base")
    assert request_head(a_request(target="/a?b"), origin) == b"GET /base/a?b HTTP/1.1\r\nHost: api.test\r\n\r\n"


def test_prefix_does_not_stand_before_an_asterisk() -> None:
    origin = Origin("http", "api.test", 80, "/base")
    assert request_head(a_request("OPTIONS", "*"), origin).startswith(b"OPTIONS * HTTP/1.1\r\n")


def test_host_of_the_client_replaces_the_origin_s() -> None:
    assert b"\r\nHost: shop.test\r\n" in request_head(a_request(host="shop.test"), ORIGIN)


@pytest.mark.parametrize(
    ("method", "body", "framing"),
    [
        ("GET", None, b""),
        ("HEAD", None, b""),
        ("DELETE", None, b""),
        ("POST", None, b""),
        ("POST", Content(length=0), b"Content-Length: 0\r\n"),
        ("PUT", Content(length=0), b"Content-Length: 0\r\n"),
        ("PATCH", Content(length=0), b"Content-Length: 0\r\n"),
        ("GET", Content(length=0), b""),
        ("HEAD", Content(length=0), b""),
        ("DELETE", Content(length=0), b""),
        ("GET", Content(b"abc", length=3), b"Content-Length: 3\r\n"),
        ("POST", Content(b"abc", length=3), b"Content-Length: 3\r\n"),
        ("POST", Content(b"abc", length=None), b"Transfer-Encoding: chunked\r\n"),
        ("DELETE", Content(b"abc", length=None), b"Transfer-Encoding: chunked\r\n"),
    ],
)
def test_exactly_one_framing(method: str, body: RequestBody | None, framing: bytes) -> None:
    head = request_head(a_request(method, body=body), ORIGIN)
    assert head == method.encode() + b" /a HTTP/1.1\r\nHost: api.test:8000\r\n" + framing + b"\r\n"


def test_asks_to_switch_only_when_told() -> None:
    head = request_head(a_request(upgrade="websocket"), ORIGIN)
    assert head == b"GET /a HTTP/1.1\r\nHost: api.test:8000\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


INJECTIONS = ["\r\n", "\n", "\r", "\0", "\x0b", "\x7f", "a\r\nX: y", "\u0100", "\u560a"]


@pytest.mark.parametrize("bad", [*INJECTIONS, " ", "\t"])
@pytest.mark.parametrize("where", ["method", "target", "host", "name", "name:"])
def test_nothing_can_be_injected_into_tokens(where: str, bad: str) -> None:
    requests = {
        "method": a_request("GE" + bad + "T"),
        "target": a_request(target="/a" + bad + "b"),
        "host": a_request(host="api" + bad + "test"),
        "name": a_request(fields=Fields([("X-A" + bad, "b")])),
        "name:": a_request(fields=Fields([("X-A:" + bad, "b")])),
    }
    with pytest.raises(ClientError) as caught:
        request_head(requests[where], ORIGIN)
    assert caught.value.status == 400


@pytest.mark.parametrize("bad", INJECTIONS)
@pytest.mark.parametrize("form", ["{}b", "a{}b", "a{}"])
def test_nothing_can_be_injected_into_values(bad: str, form: str) -> None:
    value = form.format(bad)
    with pytest.raises(ClientError, match="the value of X-A"):
        request_head(a_request(fields=Fields([("X-A", value)])), ORIGIN)
    with pytest.raises(ClientError, match="the value of Upgrade"):
        request_head(a_request(upgrade=value), ORIGIN)


@pytest.mark.parametrize("name", ["", "A B", "A:", "A(", "\xe9", "A/B"])
def test_names_are_tokens(name: str) -> None:
    with pytest.raises(ClientError, match="a field's name"):
        request_head(a_request(fields=Fields([(name, "b")])), ORIGIN)


@pytest.mark.parametrize("target", ["", "a", "http://elsewhere.test/a", "*"])
def test_target_begins_with_a_slash(target: str) -> None:
    with pytest.raises(ClientError, match="the target"):
        request_head(a_request(target=target), ORIGIN)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Upgrade"])
def test_framing_is_the_adapter_s_alone(name: str) -> None:
    with pytest.raises(ValueError, match=name.lower()):
        request_head(a_request(fields=Fields([(name, "1")])), ORIGIN)


class Parsed:
    """What a server reads."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.url = b""
        self.messages = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field line."""
        self.lines.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_message_complete(self) -> None:
        """A request."""
        self.messages += 1


WILD = st.text(st.sampled_from("aA0-: \t\r\n\0\x7f\xe9\u0100/?%#,;"), max_size=12)
TAME = st.text(st.sampled_from("aA0-"), min_size=1, max_size=6)


@given(
    target=WILD.map(lambda text: "/" + text),
    host=st.one_of(st.none(), TAME, WILD),
    lines=st.lists(st.tuples(st.one_of(TAME, WILD), WILD), max_size=4),
)
@example(target="/\xe9", host=None, lines=[])
def test_a_server_reads_what_was_meant_or_nothing_was_sent(
    target: str, host: str | None, lines: list[tuple[str, str]]
) -> None:
    try:
        head = request_head(a_request(target=target, host=host, fields=Fields(lines)), ORIGIN)
    except ClientError:
        return
    parsed = Parsed()
    HttpRequestParser(parsed).feed_data(head)
    expected = [("Host", host or ORIGIN.authority), *((name, value.strip(" \t")) for name, value in lines)]
    assert [(name, value.strip(" \t")) for name, value in parsed.lines] == expected
    assert parsed.url.decode("latin-1") == target
    assert parsed.messages == 1
