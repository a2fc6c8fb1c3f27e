"""A request's content, framed for the wire as its head announced. Sends nothing."""

from collections.abc import AsyncGenerator

from proxy.errors import ClientError
from proxy.exchange.ports import RequestBody


def has_content(body: RequestBody | None) -> bool:
    """Whether there is content to send; a request that announces 0 bytes has none."""
    return body is not None and body.length != 0


async def framed(body: RequestBody) -> AsyncGenerator[bytes, None]:
    """The pieces to send: as they come where the length is announced, else as chunks (RFC 9112 §7.1).

    Raises ClientError(400) before a byte too many, or at an end that comes too soon; and what reading ``body`` raises.
    """
    if body.length is None:
        async for piece in body:
            if piece:  # an empty chunk would be the end
                yield b"%x\r\n%b\r\n" % (len(piece), piece)
        yield b"0\r\n\r\n"
        return
    missing = body.length
    async for piece in body:
        missing -= len(piece)
        if missing < 0:
            raise ClientError(400, f"the content is longer than the {body.length} bytes announced")
        yield piece
    if missing:
        raise ClientError(400, f"the content is {missing} bytes shorter than the {body.length} announced")
