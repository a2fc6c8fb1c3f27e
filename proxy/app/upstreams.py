"""The upstream's client, and those that a reload has replaced until what they were asked is over. Sends nothing."""

from proxy.edge.upstream.client import UpstreamClient
from proxy.edge.upstream.settings import UpstreamSettings


class Upstreams:
    """Made and closed within a running event loop."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._retired: list[UpstreamClient] = []
        self.current = UpstreamClient(settings)
        """For whatever begins now."""

    def follow(self, settings: UpstreamSettings) -> UpstreamClient:
        """The client for these settings: the same one where they are the same, connections and all."""
        self._retired = [client for client in self._retired if not client.is_unused]
        if settings != self._settings:
            new = UpstreamClient(settings)  # raises where the authorities' file cannot be read: then nothing changes
            self.current.retire()
            self._retired.append(self.current)
            self._settings, self.current = settings, new
        return self.current

    async def aclose(self) -> None:
        """Close every connection; requests under way fail."""
        for client in (*self._retired, self.current):
            await client.aclose()
