"""A hub and its workers in one process: real sockets, and clients that can be cut off."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from proxy.clock import Clock, SystemClock
from proxy.store.hub.client import HubClient
from proxy.store.hub.server import Hub
from proxy.store.hub.words import FromWorker, Reader, from_worker


class Line(asyncio.WriteTransport):
    """What a client says, where a test is its hub; ``unsent``: bytes that do not get through."""

    def __init__(self) -> None:
        super().__init__()
        self._reader = Reader()
        self.words: list[FromWorker] = []
        self.unsent = 0
        self.is_cut = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See WriteTransport."""
        if self.is_cut:
            raise RuntimeError("the handler is closed")  # as uvloop does
        self.words += map(from_worker, self._reader.feed(bytes(data)))

    def get_write_buffer_size(self) -> int:
        """See WriteTransport."""
        return self.unsent

    def is_closing(self) -> bool:
        """See WriteTransport."""
        return self.is_cut

    def abort(self) -> None:
        """See WriteTransport."""
        self.is_cut = True


class Hubs:
    """The hub, and as many clients of it as are asked for."""

    def __init__(self, path: Path, hub: Hub, stack: AsyncExitStack) -> None:
        self.path = path
        self.hub = hub
        self._stack = stack

    def client(self, name: str = "worker 0") -> HubClient:
        """A client that is not open yet: what listens to it is made first."""
        client = HubClient(self.path, name)
        self._stack.push_async_callback(client.close)
        return client

    async def opened(self, *clients: HubClient) -> None:
        """Open them, and wait until the hub knows them all."""
        before = self.hub.workers
        for client in clients:
            client.open()
        async with asyncio.timeout(60):
            while self.hub.workers < before + len(clients):
                await asyncio.sleep(0.001)


@asynccontextmanager
async def a_hub(clock: Clock | None = None) -> AsyncIterator[Hubs]:
    """A hub that listens, and ends with all its clients."""
    with tempfile.TemporaryDirectory() as folder:  # a unix socket's path has little room
        path = Path(folder) / "hub.sock"
        hub = Hub(clock or SystemClock())
        await hub.start(path)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(hub.close)
            yield Hubs(path, hub, stack)
