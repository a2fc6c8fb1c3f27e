"""How many connections the process may have: as configured, or as its open files allow. Opens none."""

import resource
from typing import Final

from msgspec import Struct

KEPT: Final = 32
"""Descriptors, or an eighth of the limit if that is more: for store, admin listener, log, and Python itself."""


class Room(Struct, frozen=True):
    """Connections at once."""

    clients: int
    upstream: int


def room(clients: int, upstream: int) -> Room:
    """As many as wanted, while the upstream's share is at most half of what can be opened and clients have the rest.

    A stream without end (server-sent events, an upgrade) has a connection of its own to the upstream, which is not
    counted there.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return Room(clients, upstream)
    free = max(2, limit - max(KEPT, limit // 8))
    upstream = min(upstream, free // 2)
    return Room(min(clients, free - upstream), upstream)
