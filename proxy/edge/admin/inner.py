"""A private socket behind which an admin application serves: asks it, or passes a request on to it. Decides nothing."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from proxy.edge.admin.gatekeeper import ASKER, BY

FIRST_BYTE: Final = 8.0
"""Seconds: a purge waits three at most for those who do not confirm it, and a trial counts for two."""
PATIENCE: Final = 2.0
"""Seconds for what is asked of every worker: one that stands still must not hold up the others."""
HOP_BY_HOP: Final = frozenset(
    {
        "connection", "content-length", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "date", "server",
    }
)  # fmt: skip


class GoneError(Exception):
    """Nobody answers there."""


class Reply(Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes


class Inner:
    """One application. Made and closed within a running event loop."""

    def __init__(self, path: Path) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(path)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def ask(self, method: str, path: str, body: bytes = b"", by: str = "", patience: float = PATIENCE) -> Reply:
        """Its answer. Raises GoneError, also where it takes more than ``patience`` seconds."""
        try:
            async with asyncio.timeout(patience):
                url = URL(f"http://tambo{path}", encoded=True)
                async with self._asking().request(method, url, data=body or None, headers={BY: by}) as answer:
                    return Reply(answer.status, await answer.read())
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise GoneError(str(error)) from error

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Have it answer a request of somebody else's. Raises GoneError where nothing of an answer came within
        ``FIRST_BYTE`` seconds; later the answer is cut."""
        fields = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        fields = [(name, value) for name, value in fields if name.lower() != BY.lower()] + [(BY, request[ASKER])]
        url = URL(f"http://tambo{request.raw_path}", encoded=True)
        data = await request.read() or None
        try:
            async with asyncio.timeout(FIRST_BYTE):
                answer = await self._asking().request(
                    request.method, url, headers=fields, data=data, allow_redirects=False
                )
            async with answer:
                return await _relayed(request, answer)
        except (aiohttp.ClientError, OSError) as error:
            raise GoneError(str(error)) from error

    def _asking(self) -> aiohttp.ClientSession:
        """Raises GoneError where it was closed since somebody saw it among those to ask: in a rolling restart."""
        if self._session.closed:
            raise GoneError("closed")
        return self._session

    async def close(self) -> None:
        """Ask nothing more."""
        await self._session.close()


async def _relayed(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=CIMultiDict(_passed(answer.headers)))
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
    except aiohttp.ClientError:
        if request.transport is not None:
            request.transport.abort()  # never a clean end of what is not whole
        return response
    await response.write_eof()
    return response


def _passed(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in fields.items() if name.lower() not in HOP_BY_HOP]
