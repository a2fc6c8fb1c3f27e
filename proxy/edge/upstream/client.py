"""The Upstream port over the pool: sends once, and says how it failed. Follows nothing, repeats next to nothing."""

from msgspec import Struct

from proxy.edge.upstream.connection import Connection
from proxy.edge.upstream.outgoing import has_content
from proxy.edge.upstream.pool import Pool
from proxy.edge.upstream.roundtrip import ClosedUnansweredError, RoundTrip
from proxy.edge.upstream.settings import UpstreamSettings
from proxy.edge.upstream.wire import request_head
from proxy.exchange.ports import OnInterim, UpstreamAnswer, UpstreamRequest


class UpstreamStats(Struct, frozen=True):
    """Connections: how many there are now, and how many there were."""

    open: int
    idle: int
    detached: int
    """Event streams and tunnels, not among the open."""
    waiting: int
    """Requests that wait for a connection."""
    created: int
    reused: int
    repeated: int
    """Requests that were sent again."""


class UpstreamClient:
    """The one origin. Made and closed within a running event loop."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._pool = Pool(settings)
        self._repeated = 0

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        """Send once, and wait for the final head; ``on_interim`` hears of each 1xx before it.

        Sent a second time only where it does no harm and probably was not read the first time: a GET or HEAD without
        content, on a reused connection that closed before any byte of an answer; then on a new one (RFC 9112 §9.3.1).
        Raises UpstreamError; ClientError where the request cannot be put on the wire, and what reading its content
        raises. The answer's body must be read to its end or closed.
        """
        head = request_head(request, self._settings.origin)
        harmless = request.method in {"GET", "HEAD"} and not has_content(request.body)
        connection = self._pool.take(careful=not harmless) or await self._pool.open_one()
        try:
            return await self._over(connection, request, head, on_interim)
        except ClosedUnansweredError:
            if not harmless:
                raise
        self._repeated += 1
        return await self._over(await self._pool.open_one(), request, head, on_interim)

    async def _over(
        self, connection: Connection, request: UpstreamRequest, head: bytes, on_interim: OnInterim | None
    ) -> UpstreamAnswer:
        return await RoundTrip(connection, self._settings, request, on_interim).run(head, request.body)

    @property
    def stats(self) -> UpstreamStats:
        """Counts as of now."""
        pool = self._pool
        return UpstreamStats(
            pool.open, pool.idle, pool.detached, pool.waiting, pool.created, pool.reused, self._repeated
        )

    @property
    def is_unused(self) -> bool:
        """Whether nothing is under way."""
        return self._pool.is_unused

    def retire(self) -> None:
        """Finish what is under way and what still comes, and keep no connection longer than that."""
        self._pool.retire()

    async def aclose(self) -> None:
        """Close every connection; requests under way fail."""
        await self._pool.aclose()
