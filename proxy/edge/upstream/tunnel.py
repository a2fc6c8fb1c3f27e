"""Both directions of a connection after 101: opaque bytes. Looks into none of them."""

from typing import Self

from proxy.edge.upstream.connection import Connection
from proxy.edge.upstream.incoming import Incoming


class UpstreamTunnel:
    """The upstream's side of an upgraded connection. No deadline holds."""

    def __init__(self, incoming: Incoming, connection: Connection) -> None:
        self._incoming = incoming
        self._connection = connection

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._incoming)

    async def write(self, data: bytes) -> None:
        """Send; waits while the upstream does not read. Raises UpstreamError(PROTOCOL) when it is gone."""
        self._connection.write(data)
        await self._connection.unclogged()

    async def aclose(self) -> None:
        """Close; idempotent. What was written goes out first."""
        self._incoming.end()
        self._connection.close()
