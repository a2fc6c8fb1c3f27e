"""What the exchange needs from the outside, as protocols over small values. Holds no logic."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from proxy.errors import Failure
from proxy.exchange.causes import Cause
from proxy.exchange.purges import Purge, Purged, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.policy.disposition import Disposition, NotStoredReason, StaleReason, Verdict
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse

# Bodies ------------------------------------------------------------------------------------------------------------


class RequestBody(Protocol):
    """A request's content on its way in, read once."""

    @property
    def length(self) -> int | None:
        """Bytes announced by Content-Length; None when chunked."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The raw bytes as they come. Raises ClientGoneError, or ClientError where they are malformed."""
        ...


class ResponseBody(Protocol):
    """A response's content on its way out, read once.

    Its users take one iterator of it and may leave and resume that one: closing is by ``aclose`` alone.
    """

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The raw bytes as they come. Raises UpstreamError when they end before they are complete."""
        ...

    async def aclose(self) -> None:
        """Give up the rest. Idempotent; safe after the end; frees the connection."""
        ...


class Tunnel(Protocol):
    """Both directions of a connection that was upgraded (101): opaque bytes."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Bytes from the upstream until it closes."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes to the upstream, waiting while it does not read. Raises UpstreamError when it is gone."""
        ...

    async def aclose(self) -> None:
        """Close the upstream's side. Idempotent."""
        ...


# Interim responses ------------------------------------------------------------------------------------------------

OnInterim: TypeAlias = Callable[[ResponseHead], None]
"""Hears of each 1xx response but 101, in order, before the final head (RFC 9110 §15.2). Never raises, never waits."""


# Upstream ----------------------------------------------------------------------------------------------------------


class UpstreamRequest(Struct, frozen=True):
    """What goes on the wire: final, framed by the adapter alone (``fields`` carries no framing and no Host)."""

    method: str
    target: str
    host: str | None
    """The Host to send; None: the upstream's own."""
    fields: Fields
    body: RequestBody | None = None
    upgrade: str | None = None
    """The protocol to ask for (``websocket``), for a request that wants to switch."""


class UpstreamAnswer(Struct):
    """A final response's head, and its content or its tunnel (after 101)."""

    head: ResponseHead
    body: ResponseBody
    tunnel: Tunnel | None = None


class Upstream(Protocol):
    """The one configured origin."""

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        """Send once and wait for the final head, within the connect and first-byte deadlines.

        ``on_interim`` hears of the interim responses before it.
        Never sends again, but for a GET or HEAD, once, when a reused connection closed before any byte came.
        Raises UpstreamError; ClientGoneError and ClientError from reading the request's content.
        """
        ...


# Store -------------------------------------------------------------------------------------------------------------


class Lookup(Struct, frozen=True):
    """All variants stored under a key that no hard purge concerns, and the purge log's position when we looked.

    A response that a soft purge concerns comes with ``is_ended`` set.
    """

    candidates: Sequence[StoredResponse]
    position: int
    is_vouched: bool = True
    """See Store; where the look-up itself succeeded, it is."""
    has_failed: bool = False
    """Nobody knows what is stored."""


class Store(Protocol):
    """Where stored responses are kept. Returns all variants of a key; judges neither freshness nor Vary."""

    async def lookup(self, key: CacheKey) -> Lookup:
        """What is stored. Raises StoreUnavailable (with nothing usable in memory)."""
        ...

    async def look_again(self, key: CacheKey) -> Lookup:
        """What is stored, by others too meanwhile; may take longer than a look-up. Raises StoreUnavailable."""
        ...

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> bool:
        """Store beside the other variants, replacing the one with the same secondary key; forget it ``keep_for``
        seconds from now. False: a purge later than ``stored.position`` concerns it hard, nothing was stored
        (a soft one stores it as ended). One whose fence is behind that of what is stored is let go of: a later fetch
        brought it. Raises StoreUnavailable."""
        ...

    async def purge(self, purge: Purge, by: str = "") -> Purged:
        """Make a purge true for every look-up that begins after this returns, here and in every other process that
        is not named as unconfirmed. ``by``: which operator asked; nothing is counted where none did.
        Raises StoreUnavailable where it cannot be made to last."""
        ...

    @property
    def position(self) -> int:
        """The purge log's last position that is known here."""
        ...

    @property
    def is_vouched(self) -> bool:
        """Whether every purge that has returned is known here without looking, or, Redis being out, counts as known."""
        ...

    def purged_since(self, position: int, key: CacheKey) -> PurgeMode | None:
        """The strongest purge behind ``position`` that concerns ``key`` and its target, or may: what is being fetched
        could have any tag. None: none."""
        ...


# Observer ----------------------------------------------------------------------------------------------------------


class Exchanged(Struct):
    """One request and what became of it: what counters and the log line are made of."""

    request: RequestHead
    route: str
    disposition: Disposition
    status: int
    seconds: float
    key: str = ""
    saved_seconds: float = 0.0
    sent_bytes: int = 0
    aborted: bool = False
    """The answer did not reach the client whole."""


class Fetched(Struct, frozen=True):
    """One request to the upstream and how it ended: a status, or the failure."""

    route: str
    cause: Cause
    outcome: str
    """``2xx`` .. ``5xx``, or a Failure."""
    seconds: float


class Filled(Struct, frozen=True):
    """A fetch for what is stored, or was to be, and how it ended."""

    key: str
    route: str
    seconds: float
    """From the first request to the upstream to the last byte, or to the failure; waiting for a place is not in it."""
    failure: str | None
    """None: it brought a good answer."""


class Observer(Protocol):
    """Hears what happened. Never raises, never awaits."""

    def exchanged(self, event: Exchanged) -> None:
        """A request was answered, or its client left."""
        ...

    def fetched(self, event: Fetched) -> None:
        """The upstream was asked."""
        ...

    def filled(self, event: Filled) -> None:
        """A fetch for one key is over."""
        ...

    def not_stored(self, route: str, reason: NotStoredReason) -> None:
        """An answer was relayed without being stored."""
        ...

    def judged(self, route: str, verdict: Verdict) -> None:
        """A route's rules spoke of a body."""
        ...

    def waited(self, seconds: float) -> None:
        """A fetch got its place at the upstream after so long in the queue."""
        ...

    def stale_served(self, route: str, reason: StaleReason) -> None:
        """A stale stored response stood in."""
        ...

    def upstream_failed(self, route: str, failure: Failure, detail: str) -> None:
        """Fetching failed; ``detail`` is for the log."""
        ...

    def store_failed(self, operation: str, detail: str) -> None:
        """The store did not do an operation. Logged once per outage, counted each time."""
        ...

    def internal_error(self, where: str, error: BaseException) -> None:
        """A bug: logged with its traceback."""
        ...


# Answers -----------------------------------------------------------------------------------------------------------


class Answer(Struct):
    """What the edge writes: a final head whose fields are complete but for framing, and the content.

    ``body`` is ready-made bytes, or a stream that the edge must close. For HEAD and 304 the edge sends no content;
    ``length`` is then what Content-Length should say (None: leave it out).
    """

    head: ResponseHead
    body: bytes | ResponseBody
    disposition: Disposition
    route: str
    key: str = ""
    length: int | None = None
    tunnel: Tunnel | None = None
    saved_seconds: float = 0.0
    request_id: str | None = None  # that its request was given, or brought
    tags: tuple[str, ...] = ()
    """Of the stored response that it was made of."""
