"""What the listener is handed: its bounds, its handler and its callbacks, as values. Holds no behaviour."""

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from msgspec import Struct

from proxy.clock import Clock
from proxy.exchange.ports import Answer, OnInterim, RequestBody
from proxy.policy.messages import RequestHead

Handler: TypeAlias = Callable[[RequestHead, RequestBody | None, OnInterim | None], Awaitable[Answer]]
"""Answers one request, and tells of interim responses meanwhile. May raise ClientError (becomes its status) and
ClientGoneError (nobody is told)."""


class ServerSettings(Struct, frozen=True):
    """Deadlines in seconds, sizes in bytes. Every one of them bounds what one client can hold or spend."""

    head_timeout: float = 10.0
    """From the first byte of a request to the end of its head."""
    keepalive_timeout: float = 75.0
    """How long a connection may stay without a request."""
    body_idle_timeout: float = 30.0
    """Between two arrivals of a request's content, while somebody waits for it."""
    body_floor: float = 1000.0
    """Bytes a second that a request's content must bring on average, once ``body_grace`` is used up."""
    body_grace: float = 30.0
    """Seconds of waiting that are free; what comes faster than the floor earns them back."""
    unread_timeout: float = 30.0
    """How long a client may read nothing while there are bytes to write."""
    lingering_timeout: float = 2.0
    """How long a request nobody wants to read to its end is swallowed before its connection is closed."""
    lingering_bytes: int = 1024 * 1024
    """How much of it is swallowed."""
    tls_handshake_timeout: float = 10.0
    max_head: int = 64 * 1024
    """Request line and header section together."""
    max_field: int = 8 * 1024
    """One field line: name and value together."""
    max_fields: int = 128
    max_target: int = 16 * 1024
    max_connections: int = 10_000
    """Client connections held at once."""
    max_pipelined: int = 16
    """Requests of one connection that wait behind the one being answered."""
    backlog: int = 1024
    """Connections the kernel holds until they are accepted."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Who is believed when it says X-Forwarded-For, -Proto or -Host."""


class Finished(Struct, frozen=True):
    """One request and what became of it on the wire."""

    request: RequestHead | None
    """None: it could not be read."""
    answer: Answer | None
    """None: the listener answered by itself, or nobody was left to answer."""
    status: int
    """The status that was sent; 0 when none was."""
    seconds: float
    sent_bytes: int
    """All bytes written for it: head, framing and content."""
    aborted: bool
    """The answer did not reach the client whole."""


class Hooks(Struct, frozen=True):
    """What the listener calls. None of the callbacks may raise or wait."""

    answer: Handler
    finished: Callable[[Finished], None]
    bug: Callable[[str, BaseException], None]
    """An exception that should not be: where, and which."""
    clock: Clock
