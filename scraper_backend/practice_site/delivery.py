"""Writes an answer to the connection: whole, in part, never, or as a reset. Must not choose the answer."""

import asyncio
import socket
import struct
from typing import Final

from aiohttp import web

from scraper_backend.practice_site.outcomes import Hang, Reset
from scraper_backend.practice_site.site import Send

NO_LINGER: Final = struct.pack("ii", 1, 0)  # closing then sends RST in place of FIN


async def deliver(request: web.Request, answer: Send | Hang | Reset, stopping: asyncio.Event) -> web.StreamResponse:
    """Do what `answer` says; silence ends when `stopping` is set."""
    match answer:
        case Hang():
            await stopping.wait()
            return reset(request)
        case Reset():
            return reset(request)
        case Send() if not answer.then:
            return web.Response(body=answer.body, status=answer.status, headers=answer.headers)
        case Send():
            return await _in_part(request, answer, stopping)


def reset(request: web.Request) -> web.StreamResponse:
    """End the connection with a TCP reset."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        transport.abort()
    return web.Response()  # goes nowhere: the connection is gone


async def _in_part(request: web.Request, answer: Send, stopping: asyncio.Event) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: int(len(answer.body) * answer.fraction)])
    if answer.then == "hang":
        await stopping.wait()
    if answer.then == "reset":
        reset(request)
    elif request.transport is not None:
        request.transport.close()
    return response
