"""A scripted JSON API on a real socket: counts what it is asked, waits behind gates, errs on demand."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Api:
    """Paths: ``/json/NAME`` counts up in its body; ``/slow/NAME`` waits for ``gate``; ``/paced/NAME`` takes ``pace``
    seconds and answers a status of ``statuses``; ``/error-in-200``; ``/stream``; ``/echo`` says what it was sent;
    ``/ws`` is a WebSocket that answers each message; ``/redirect``; ``/big/BYTES``."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.pace = 0.0
        self.statuses = [200]
        """Of ``/paced``, one after the other; the last one stays."""
        self.inflight = 0
        self.most_inflight = 0
        self.app = web.Application(client_max_size=1 << 30)
        add = self.app.router.add_route
        add("*", "/json/{name}", self._json)
        add("*", "/slow/{name}", self._slow)
        add("*", "/paced/{name}", self._paced)
        add("GET", "/obtener-ruc/{ruc}", self._json)
        add("GET", "/error-in-200", self._error)
        add("GET", "/stream", self._stream)
        add("*", "/echo{rest:.*}", self._echo)
        add("GET", "/ws", self._socket)
        add("GET", "/redirect", self._redirect)
        add("GET", "/big/{size}", self._big)

    async def _json(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        return web.json_response({"n": self.asked[request.path]})

    async def _slow(self, request: web.Request) -> web.Response:
        async with self._working(request):
            await self.gate.wait()
        return web.json_response({"n": self.asked[request.path]})

    async def _paced(self, request: web.Request) -> web.Response:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        async with self._working(request):
            await asyncio.sleep(self.pace)
        return web.json_response({"n": self.asked[request.path]}, status=status)

    @asynccontextmanager
    async def _working(self, request: web.Request) -> AsyncIterator[None]:
        self.asked[request.path] += 1
        self.inflight += 1
        self.most_inflight = max(self.most_inflight, self.inflight)
        try:
            yield
        finally:
            self.inflight -= 1

    async def _error(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        return web.json_response({"message": "Error al consultar RUC", "detail": "x", "ruc": "1"})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await self.gate.wait()
        await response.write(b"data: 2\n\n")
        return response

    async def _echo(self, request: web.Request) -> web.Response:
        body = await request.read()
        fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers]
        return web.json_response(
            {"method": request.method, "target": request.raw_path, "fields": fields, "size": len(body)},
            headers={"Cache-Control": "no-store"},
        )

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"you said {message.data}")
        return socket

    async def _redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/"})

    async def _big(self, request: web.Request) -> web.StreamResponse:
        size = int(request.match_info["size"])
        response = web.StreamResponse(headers={"Content-Length": str(size)})
        await response.prepare(request)
        chunk = b"x" * 65536
        while size > 0:
            await response.write(chunk[:size])
            size -= len(chunk)
        return response


@asynccontextmanager
async def serving(api: Api, port: int = 0) -> AsyncIterator[str]:
    """The API's URL while it is up."""
    runner = web.AppRunner(api.app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
