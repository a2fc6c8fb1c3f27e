"""The one configured origin, over pooled HTTP/1.1 connections of our own. Decides nothing about caching.

``client`` implements the port; ``pool`` bounds and keeps connections; ``connection`` is one of them; ``reader`` and
``wire`` are pure: bytes in, a response out; a request in, bytes out.
"""

from proxy.edge.upstream.client import UpstreamClient
from proxy.edge.upstream.settings import Origin, UpstreamSettings

__all__ = ["Origin", "UpstreamClient", "UpstreamSettings"]
