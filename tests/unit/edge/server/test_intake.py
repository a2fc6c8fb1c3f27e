"""Reading requests: what is refused, and that the way the bytes were split on their way changes nothing."""

import asyncio
from typing import TypeAlias

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.server.intake import KNOWN_METHODS, Incoming, Intake
from proxy.edge.server.settings import ServerSettings
from proxy.errors import ClientError

Read: TypeAlias = list[tuple[str, str, bytes] | int]
"""Method, target and content of each request; then the status of the refusal that ended it, if one did."""

H = b"Host: h\r\n"
SMALL = ServerSettings(max_head=1000, max_target=100, max_field=200, max_fields=20)


def read(*pieces: bytes, settings: ServerSettings = SMALL) -> Read:
    """What becomes of these bytes; an upgrade is declined."""

    async def reading() -> Read:
        intake = fresh_intake(settings)
        requests: list[Incoming] = []
        status = None
        try:
            for piece in pieces:
                start = 0
                while start < len(piece):
                    incoming, start = intake.take(piece, start)
                    requests += [] if incoming is None else [incoming]
                    if intake.upgraded:
                        intake.decline_upgrade()
        except ClientError as error:
            status = error.status
            intake.fail(error)
        seen: Read = [(r.method, r.target, r.content.read_nowait()) for r in requests if r.content.exception() is None]
        return seen if status is None else [*seen, status]

    return asyncio.run(reading())


def fresh_intake(settings: ServerSettings = SMALL) -> Intake:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    parser = HttpRequestParser(
        protocol,
        loop,
        2**20,
        max_line_size=settings.max_target + 64,
        max_field_size=settings.max_field,
        max_headers=settings.max_fields,
        auto_decompress=False,
    )
    protocol._parser = parser
    return Intake(parser, settings)


POST = b"POST / HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"\r\n", [("GET", "/", b"")], id="a request"),
        pytest.param(b"\r\n\r\nGET / HTTP/1.1\r\n" + H + b"\r\n", [("GET", "/", b"")], id="RFC 9112 2.2 empty lines"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", [("GET", "/", b"")], id="HTTP/1.0 without Host"),
        pytest.param(b"FOO / HTTP/1.1\r\n" + H + b"\r\n", [("FOO", "/", b"")], id="a method nobody knows"),
        pytest.param(
            b"DESCRIBE / HTTP/1.1\r\n" + H + b"\r\n", [("DESCRIBE", "/", b"")], id="another protocol's method"
        ),
        pytest.param(POST + b"Content-Length: 3\r\n\r\nabc", [("POST", "/", b"abc")], id="sized"),
        pytest.param(POST + b"Content-Length: 0\r\n\r\n", [("POST", "/", b"")], id="sized, empty"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", [("POST", "/", b"abc")], id="chunked"),
        pytest.param(
            CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", [("POST", "/", b"abc")], id="extensions, trailers"
        ),
        pytest.param(
            CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" + H + b"\r\n",
            [("POST", "/", b"\r\n\r\n"), ("GET", "/2", b"")],
            id="empty lines inside chunked content",
        ),
        pytest.param(
            POST + b"Content-Length: 5\r\n\r\nabcdeGET /2 HTTP/1.1\r\n" + H + b"\r\n",
            [("POST", "/", b"abcde"), ("GET", "/2", b"")],
            id="pipelined behind content",
        ),
        pytest.param(
            POST + b"Content-Length: 5\r\n\r\nabcdexx yy\r\n\r\n", [("POST", "/", b"abcde"), 400], id="rubbish behind"
        ),
        pytest.param(
            b"GET /1 HTTP/1.1\r\n"
            + H
            + b"Upgrade: h2c\r\nConnection: upgrade\r\n\r\nGET /2 HTTP/1.1\r\n"
            + H
            + b"\r\n",
            [("GET", "/1", b""), ("GET", "/2", b"")],
            id="pipelined behind an upgrade that is declined",
        ),
        pytest.param(
            b"POST /1 HTTP/1.1\r\n"
            + H
            + b"Upgrade: websocket\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1\r\na\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" + H + b"\r\n",
            [("POST", "/1", b"a"), ("GET", "/2", b"")],
            id="an upgrade with chunked content, declined",
        ),
    ],
)
def test_read(sent: bytes, seen: Read) -> None:
    assert read(sent) == seen
    assert read(*(bytes([byte]) for byte in sent)) == seen


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(
            POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="RFC 9112 6.1 CL and TE"
        ),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, id="TE and CL"),
        pytest.param(POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400, id="two lengths"),
        pytest.param(POST + b"Content-Length: 3, 3\r\n\r\n", 400, id="a list of lengths"),
        pytest.param(POST + b"Content-Length: +3\r\n\r\n", 400, id="signed"),
        pytest.param(POST + b"Content-Length: -3\r\n\r\n", 400, id="negative"),
        pytest.param(POST + b"Content-Length: 0x3\r\n\r\n", 400, id="hexadecimal"),
        pytest.param(POST + b"Content-Length: 3 3\r\n\r\n", 400, id="two numbers"),
        pytest.param(POST + b"Content-Length:\r\n\r\n", 400, id="no number"),
        pytest.param(POST + b"Content-Length: 18446744073709551615\r\n\r\n", 400, id="the largest number llhttp reads"),
        pytest.param(POST + b"Content-Length: 18446744073709551616\r\n\r\n", 400, id="a larger one"),
        pytest.param(POST + b"Content-Length: 9223372036854775808\r\n\r\n", 400, id="more than anybody has"),
        pytest.param(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, id="RFC 9112 6.1 a coding nobody knows"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n", 400, id="not chunked"),
        pytest.param(POST + b"Transfer-Encoding: identity\r\n\r\n", 400, id="identity"),
        pytest.param(POST + b"Transfer-Encoding: chunked, identity\r\n\r\n", 400, id="chunked is not last"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="TE.TE"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n\r\n", 400, id="TE.te"),
        pytest.param(POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n", 400, id="a vertical tab before chunked"),
        pytest.param(POST + b"Transfer-Encoding : chunked\r\n\r\n", 400, id="RFC 9112 5.1 blank before the colon"),
        pytest.param(POST + b"Transfer-Encoding:\r\n\r\n", 501, id="no coding"),
        pytest.param(
            b"POST / HTTP/1.0\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n", 400, id="RFC 9112 6.1 TE in 1.0"
        ),
        pytest.param(CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n", 400, id="blank behind a chunk size"),
        pytest.param(CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400, id="chunk size 0x"),
        pytest.param(CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n", 400, id="negative chunk size"),
        pytest.param(CHUNKED + b"3\nabc\r\n0\r\n\r\n", 400, id="bare LF behind a chunk size"),
        pytest.param(CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", 400, id="a chunk longer than it says"),
        pytest.param(CHUNKED + b"3;\x00\r\nabc\r\n0\r\n\r\n", 400, id="NUL in an extension"),
        pytest.param(CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n", 400, id="a chunk size that overflows"),
        pytest.param(CHUNKED + b"0\r\nContent-Length: 3\r\n\r\n", 400, id="Content-Length among trailers"),
        pytest.param(b"GET / HTTP/1.1\nHost: h\n\n", 400, id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\n\r\n", 400, id="bare LF behind a field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"\n", 400, id="bare LF at the end"),
        pytest.param(b"GET / HTTP/1.1\rHost: h\r\r", 400, id="bare CR"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"X: a\rb\r\n\r\n", 400, id="CR in a value"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"X: a\x00b\r\n\r\n", 400, id="NUL in a value"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"X: a\r\n b\r\n\r\n", 400, id="RFC 9112 5.2 obs-fold"),
        pytest.param(b"GET / HTTP/1.1\r\n X: a\r\n" + H + b"\r\n", 400, id="RFC 9112 2.2 blank before the first field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b": a\r\n\r\n", 400, id="no field name"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"X Y: a\r\n\r\n", 400, id="blank in a field name"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="RFC 9112 3.2 no Host"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + H + b"\r\n", 400, id="RFC 9112 3.2 two Hosts"),
        pytest.param(b"GET  / HTTP/1.1\r\n" + H + b"\r\n", 400, id="two blanks"),
        pytest.param(b"GET /  HTTP/1.1\r\n" + H + b"\r\n", 400, id="two blanks before the version"),
        pytest.param(b"GET / HTTP/1.1 \r\n" + H + b"\r\n", 400, id="blank behind the version"),
        pytest.param(b"GET\t/ HTTP/1.1\r\n" + H + b"\r\n", 400, id="tab"),
        pytest.param(b" GET / HTTP/1.1\r\n" + H + b"\r\n", 400, id="blank before the method"),
        pytest.param(b"G(T / HTTP/1.1\r\n" + H + b"\r\n", 400, id="RFC 9110 9.1 a method that is no token"),
        pytest.param(b"G" * 33 + b" / HTTP/1.1\r\n" + H + b"\r\n", 400, id="a method that is too long"),
        pytest.param(b"GET / http/1.1\r\n" + H + b"\r\n", 400, id="version in lower case"),
        pytest.param(b"GET /\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(b"GET / HTTP/0.9\r\n\r\n", 505, id="HTTP/0.9 by name"),
        pytest.param(b"GET / HTTP/1.2\r\n" + H + b"\r\n", 505, id="HTTP/1.2"),
        pytest.param(b"GET / HTTP/2.0\r\n" + H + b"\r\n", 505, id="HTTP/2.0"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, id="HTTP/2's preface"),
        pytest.param(b"SOURCE / ICE/1.0\r\n" + H + b"\r\n", 400, id="another protocol"),
        pytest.param(b"DESCRIBE / RTSP/1.0\r\n" + H + b"\r\n", 400, id="yet another protocol"),
        pytest.param(b"CONNECT h:80 HTTP/1.1\r\n" + H + b"\r\n", 400, id="CONNECT"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1\r\n" + H + b"\r\n", 400, id="a target that is not ASCII"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
        pytest.param(b"\x00" * 8, 400, id="NULs"),
        pytest.param(b"GET /" + b"a" * 100 + b" HTTP/1.1\r\n" + H + b"\r\n", 414, id="a long target"),
        pytest.param(b"GET /" + b"a" * 1100, 414, id="a target without an end"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"X: " + b"a" * 201 + b"\r\n\r\n", 431, id="a long field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"X: a\r\n" * 20 + b"\r\n", 431, id="many fields"),
        pytest.param(
            b"GET / HTTP/1.1\r\n" + H + (b"X: " + b"a" * 95 + b"\r\n") * 10 + b"\r\n", 431, id="a long section"
        ),
        pytest.param(b"GET / HTTP/1.1\r\n" + H + b"X: a\r\n" * 170, 431, id="a section without an end"),
    ],
)
def test_refused(sent: bytes, status: int) -> None:
    assert read(sent) == [status]
    assert read(*(bytes([byte]) for byte in sent)) == [status]


MESSAGES = st.one_of(
    st.sampled_from(
        [
            b"GET /1 HTTP/1.1\r\n" + H + b"\r\n",
            b"\r\nGET /2 HTTP/1.1\r\nX: \r\n" + H + b"\r\n",
            b"BREW /3 HTTP/1.1\r\n" + H + b"\r\n",
            POST + b"Content-Length: 7\r\n\r\n\r\n\r\nabc",
            CHUNKED + b"5\r\n\r\n\r\na\r\n0;x\r\nT: \r\n\r\n",
            CHUNKED + b"0\r\n\r\n",
            CHUNKED + b"1\r\na\r\n1\r\nb\r\n000\r\n\r\n",
            CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + H + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            POST + b"Content-Length: 3\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nabc",
            b"GET / HTTP/1.1\n" + H + b"\r\n",
            b"X",
            b"\r\n",
            b"0\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
        ]
    ),
    st.binary(max_size=6).map(lambda data: POST + b"Content-Length: %d\r\n\r\n%b" % (len(data), data)),
    st.binary(max_size=6),
)


@given(st.lists(MESSAGES, max_size=5).map(b"".join), st.data())
def test_splitting_changes_nothing(sent: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)), max_size=12)))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert read(*pieces) == read(sent)


@given(st.binary(max_size=300))
def test_reading_is_total(sent: bytes) -> None:
    read(b"GET / HTTP/1.1\r\n" + sent + b"\r\n\r\n")
    read(sent)


async def test_whether_something_has_begun_is_known() -> None:
    intake = fresh_intake()
    states = []
    for piece in (b"GET / HTTP/1.1\r\n" + H, b"\r\n", CHUNKED, b"1\r\na\r\n0", b"\r\n\r", b"\n", b"\r\n", b"G"):
        intake.take(piece, 0)
        states.append((intake.is_between, intake.in_head, intake.content is not None))
    between, head, content = (True, False, False), (False, True, False), (False, False, True)
    assert states == [head, between, content, content, content, between, between, head]


async def test_every_known_method_is_read_by_the_parser() -> None:
    for method in KNOWN_METHODS:
        incoming, _ = fresh_intake().take(method + b" / HTTP/1.1\r\n" + H + b"\r\n", 0)
        assert incoming is not None
        assert incoming.method == method.decode()
