"""Both directions of an upgraded connection: opaque bytes, each as fast as the other side reads. Parses nothing."""

import asyncio

from proxy.edge.server.outlet import Outlet
from proxy.errors import ClientGoneError, UpstreamError
from proxy.exchange.ports import Tunnel

_HIGH_WATER = 128 * 1024


class Inlet:
    """What the client sends after the switch, held until the upstream takes it."""

    def __init__(self, transport: asyncio.Transport, first: bytes) -> None:
        self._transport = transport
        self._buffer = bytearray(first)
        self._is_over = False
        self._ready = asyncio.Event()
        transport.resume_reading()
        self._notice()

    def feed(self, data: bytes) -> None:
        """Bytes came."""
        self._buffer += data
        self._notice()

    def end(self) -> None:
        """The client is gone; what it sent before still counts."""
        self._is_over = True
        self._ready.set()

    def _notice(self) -> None:
        if self._buffer:
            self._ready.set()
        if len(self._buffer) > _HIGH_WATER:
            self._transport.pause_reading()

    async def read(self) -> bytes:
        """Everything that came since; empty at the end."""
        await self._ready.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        if not self._is_over:
            self._ready.clear()
            self._transport.resume_reading()
        return data


async def relay(inlet: Inlet, outlet: Outlet, tunnel: Tunnel) -> None:
    """Carry bytes both ways until either side closes. What one side sent before it closed still reaches the other."""
    async with asyncio.TaskGroup() as group:
        ways = group.create_task(_upwards(inlet, tunnel)), group.create_task(_downwards(tunnel, outlet))
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()


async def _upwards(inlet: Inlet, tunnel: Tunnel) -> None:
    try:
        while data := await inlet.read():
            await tunnel.write(data)
    except UpstreamError:
        return


async def _downwards(tunnel: Tunnel, outlet: Outlet) -> None:
    try:
        async for data in tunnel:
            await outlet.send(data)
    except (UpstreamError, ClientGoneError):
        return
