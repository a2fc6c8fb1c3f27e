"""The admin listener under a prefix of the public port: hands such requests to the private socket where it serves.

Everything else goes its usual way. Who may do what is for the gate there; nothing of it is looked up or stored.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiohttp
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from proxy.edge.admin.gatekeeper import BY
from proxy.edge.admin.inner import HOP_BY_HOP
from proxy.edge.server.settings import Handler
from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import Answer, OnInterim, RequestBody
from proxy.policy import dispositions
from proxy.policy.disposition import Disposition, NotStoredReason
from proxy.policy.messages import Fields, RequestHead, ResponseHead

ROUTE: Final = "admin"
"""As what such requests are counted."""
_MOVED: Final = 308
_UNAVAILABLE: Final = 503


def is_under(prefix: str, path: str) -> bool:
    """Whether a raw path is the prefix, or below it."""
    return path == prefix or path.startswith(f"{prefix}/")


class _Content(Struct, frozen=True):
    """What the admin listener answers, as it comes. Satisfies proxy.exchange.ports.ResponseBody."""

    answer: aiohttp.ClientResponse

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self.answer.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(Failure.PROTOCOL, str(error)) from error

    async def aclose(self) -> None:
        self.answer.close()


class Passage:
    """One prefix, and the socket that it leads to. Made and closed within a running event loop."""

    def __init__(self, prefix: str, socket: Path, reserved: str) -> None:
        """``reserved``: below this path requests go their usual way, whatever the prefix."""
        self.prefix = prefix
        self._reserved = reserved
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    def around(self, usual: Handler) -> Handler:
        """A handler that takes what is under the prefix, and leaves the rest to the usual one."""

        async def answer(request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None) -> Answer:
            path = request.path
            if not is_under(self.prefix, path) or path.startswith(self._reserved):
                return await usual(request, body, on_interim)
            return await self._answer(request, body)

        return answer

    async def _answer(self, request: RequestHead, body: RequestBody | None) -> Answer:
        target = request.target[len(self.prefix) :]
        if not target.startswith("/"):
            head = ResponseHead(_MOVED, Fields([("Location", f"{self.prefix}/{target}")]))
            return Answer(head, b"", _disposition(), ROUTE)
        fields = CIMultiDict(line for line in request.fields.lines if line[0].lower() not in HOP_BY_HOP)
        fields[BY] = request.peer
        url = URL(f"http://tambo{target}", encoded=True)
        try:
            answer = await self._session.request(request.method, url, headers=fields, data=body, allow_redirects=False)
        except (aiohttp.ClientError, OSError):
            text = b"The admin listener does not answer.\n"
            head = ResponseHead(_UNAVAILABLE, Fields([("Content-Type", "text/plain"), ("Retry-After", "1")]))
            return Answer(head, text, _disposition(), ROUTE, length=len(text))
        lines = tuple((name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP)
        return Answer(ResponseHead(answer.status, Fields(lines)), _Content(answer), _disposition(), ROUTE)

    async def close(self) -> None:
        """Pass nothing on any more."""
        await self._session.close()


def _disposition() -> Disposition:
    return dispositions.bypassed(NotStoredReason.ROUTE_OFF)
