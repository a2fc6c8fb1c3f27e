"""A request's content, held or passed on."""

from collections.abc import AsyncIterator

import pytest

from proxy.exchange.content import HeldContent, ResumedContent, held


class Coming:
    """Content in pieces."""

    length = 7

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


@pytest.mark.parametrize("pieces", [(), (b"",), (b"a", b"bc"), (b"abc", b"defg")])
async def test_short_content_can_be_read_again(pieces: tuple[bytes, ...]) -> None:
    content = await held(Coming(*pieces), 7)
    assert isinstance(content, HeldContent)
    assert content.length == len(b"".join(pieces))
    for _ in range(2):
        assert b"".join([piece async for piece in content]) == b"".join(pieces)


async def test_no_content_is_empty() -> None:
    content = await held(None)
    assert isinstance(content, HeldContent)
    assert content.data == b""


async def test_long_content_goes_on_where_it_was_left() -> None:
    content = await held(Coming(b"abc", b"defgh", b"ij", b"kl"), 7)
    assert isinstance(content, ResumedContent)
    assert content.length == 7
    assert b"".join([piece async for piece in content]) == b"abcdefghijkl"
