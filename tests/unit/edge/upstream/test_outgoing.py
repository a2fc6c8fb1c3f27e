"""Request content, framed."""

import pytest

from proxy.edge.upstream.outgoing import framed, has_content
from proxy.errors import ClientError, ClientGoneError
from proxy.exchange.ports import RequestBody
from tests.support.content import Content


async def sent(body: RequestBody) -> tuple[bytes, BaseException | None]:
    """What goes on the wire, and what stops it."""
    wire = b""
    try:
        async for piece in framed(body):
            wire += piece
    except (ClientError, ClientGoneError) as error:
        return wire, error
    return wire, None


@pytest.mark.parametrize(
    ("pieces", "wire"),
    [
        ((), b"0\r\n\r\n"),
        ((b"abc", b"", b"d" * 17), b"3\r\nabc\r\n11\r\n" + b"d" * 17 + b"\r\n0\r\n\r\n"),
        ((b"\r\n0\r\n\r\n",), b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"),
    ],
)
async def test_unknown_length_is_chunked(pieces: tuple[bytes, ...], wire: bytes) -> None:
    assert await sent(Content(*pieces, length=None)) == (wire, None)


async def test_known_length_is_sent_as_it_comes() -> None:
    assert await sent(Content(b"ab", b"", b"c", length=3)) == (b"abc", None)


@pytest.mark.parametrize("pieces", [(b"abcd",), (b"ab", b"cd"), (b"abc", b"d")])
async def test_no_byte_more_than_announced(pieces: tuple[bytes, ...]) -> None:
    wire, error = await sent(Content(*pieces, length=3))
    assert len(wire) <= 3
    assert isinstance(error, ClientError)
    assert error.status == 400


async def test_fewer_bytes_than_announced_is_the_client_s_fault() -> None:
    wire, error = await sent(Content(b"ab", length=3))
    assert wire == b"ab"
    assert isinstance(error, ClientError)


async def test_a_client_that_leaves_does_not_end_the_chunks() -> None:
    gone = ClientGoneError("left")
    assert await sent(Content(b"ab", length=None, error=gone)) == (b"2\r\nab\r\n", gone)


@pytest.mark.parametrize(("length", "has"), [(None, True), (0, False), (1, True)])
def test_zero_bytes_are_no_content(length: int | None, has: bool) -> None:
    assert has_content(Content(length=length)) is has
    assert not has_content(None)
