"""The values everything speaks of: fields, heads, stored responses. Holds no rule and performs nothing.

Field names and values are ``str`` decoded as ISO-8859-1, so that every byte a peer sent survives a round trip.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct

FieldLine: TypeAlias = tuple[str, str]
"""A field line: its name as it was received, and its value."""

SecondaryKey: TypeAlias = tuple[tuple[str, str | None], ...]
"""The stored request's selecting fields (RFC 9111 §4.1): lower-case name and normalised value, sorted by name."""


_MOST_REMEMBERED: Final = 1024


def _places(names: Iterable[str]) -> Mapping[str, tuple[int, ...]]:
    """In which lines each name stands, by the name in lower case."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name.lower(), []).append(place)
    return {name: tuple(places) for name, places in found.items()}


@lru_cache(maxsize=2048)
def _known_places(names: str) -> Mapping[str, tuple[int, ...]]:
    """The same of names with line ends between."""
    return _places(names.split("\n") if names else ())


class Fields:
    """Header fields: ordered, case-insensitive by name, immutable (RFC 9110 §5)."""

    __slots__ = ("_places", "lines")

    lines: Final[tuple[FieldLine, ...]]

    def __init__(self, lines: Iterable[FieldLine] = ()) -> None:
        self.lines = tuple(lines)
        names = [name for name, _ in self.lines]
        all_names = "\n".join(names)
        # Most heads have the same names in the same order as others: where each stands is found out once for all.
        is_plain = len(all_names) <= _MOST_REMEMBERED and all_names.count("\n") < max(1, len(names))
        self._places = _known_places(all_names) if is_plain else _places(names)

    def all(self, name: str) -> tuple[str, ...]:
        """Each line's value for a lower-case ``name``, in order; empty when absent."""
        return tuple([self.lines[place][1] for place in self._places.get(name, ())])

    def joined(self, name: str) -> str | None:
        """The combined field value (RFC 9110 §5.3), or None when absent. ``name`` in lower case. Not for Set-Cookie."""
        places = self._places.get(name)
        if places is None:
            return None
        return self.lines[places[0]][1] if len(places) == 1 else ", ".join(self.all(name))

    def __contains__(self, name: object) -> bool:
        """Whether a field of this lower-case name is there."""
        return name in self._places

    def without(self, names: AbstractSet[str]) -> "Fields":
        """A copy that lacks the fields of these lower-case names."""
        if names.isdisjoint(self._places):
            return self
        return Fields([line for line in self.lines if line[0].lower() not in names])

    def adding(self, *lines: FieldLine) -> "Fields":
        """A copy with these lines behind the others."""
        return Fields((*self.lines, *lines))

    def replacing(self, name: str, value: str) -> "Fields":
        """A copy in which one line with this name and value stands, last, for all there were."""
        return self.without({name.lower()}).adding((name, value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fields) and self.lines == other.lines

    def __hash__(self) -> int:
        return hash(self.lines)

    def __repr__(self) -> str:
        return f"Fields({list(self.lines)!r})"


class RequestHead(Struct, frozen=True):
    """A request without its content. ``target`` is the raw path and query as they came, never re-quoted."""

    method: str
    target: str
    """Origin-form: begins with ``/``, carries the query with its ``?``; ``*`` only for OPTIONS."""
    fields: Fields
    scheme: str = "http"
    """``http`` or ``https``: how the client (or a front proxy that is trusted) spoke to us."""
    authority: str = ""
    """The client's Host, validated."""
    peer: str = ""
    """The client's address as we believe it; written to X-Forwarded-For, never used to decide."""
    has_content: bool = False
    """Whether the request announces content (Content-Length above 0, or Transfer-Encoding)."""
    version: str = "1.1"
    """Of HTTP, as the client wrote it: ``1.1`` or ``1.0``."""

    @property
    def path(self) -> str:
        """The raw path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str | None:
        """The raw query without its ``?``; None when there is no ``?``."""
        _, mark, query = self.target.partition("?")
        return query if mark else None


class ResponseHead(Struct, frozen=True):
    """A response without its content: a final one (status 200-999), an interim one (100-199), or 101 of an upgrade."""

    status: int
    fields: Fields
    reason: str = ""
    version: str = "1.1"
    """Of HTTP, as the upstream wrote it: ``1.1`` or ``1.0``."""


class Timing(Struct, frozen=True):
    """When a fetch was begun and when its head arrived: wall seconds since the epoch (RFC 9111 §4.2.3).

    ``cost`` is how long the whole fetch took, in monotonic seconds: what a later hit saves.
    """

    request_time: float
    response_time: float
    cost: float = 0.0


class Windows(Struct, frozen=True):
    """How long a stored response may serve after it stops being fresh, in seconds, each counted from that moment.

    Used one after the other: ``revalidate`` (served at once, refreshed behind), ``error`` (only when fetching
    fails), ``archive`` (only when fetching fails, and marked as such). ``disconnect`` is an ``error`` that nobody
    named: only when the upstream did not answer at all (RFC 9111 §4.2.4).
    """

    revalidate: float = 0.0
    error: float = 0.0
    archive: float = 0.0
    disconnect: float = 0.0

    @property
    def last(self) -> float:
        """The end of the last window: seconds after freshness ends."""
        return max(self.revalidate, self.error, self.archive, self.disconnect)


class StoredResponse(Struct, frozen=True):
    """A response as it is kept, with everything that could be computed when it arrived already computed.

    One object per stored response in a process: whoever reuses it copies nothing.
    """

    target: str
    """The request target it was fetched with: what URL and prefix purges look at."""
    route: str
    status: int
    reason: str
    fields: Fields
    """End-to-end fields as they came (Age too, as received: a reused head gets the current one in its place), with a
    Date, without framing."""
    body: bytes
    secondary_key: SecondaryKey
    tags: tuple[str, ...]
    etag: str | None
    """The entity-tag clients are shown, quotes and ``W/`` included: the upstream's, else a strong one made here."""
    etag_is_made: bool
    """A made entity-tag is never sent upstream."""
    last_modified: str | None
    freshness_lifetime: float
    """Seconds; 0 when already stale on arrival."""
    corrected_initial_age: float
    """Seconds (RFC 9111 §4.2.3)."""
    response_time: float
    """Wall seconds since the epoch."""
    windows: Windows
    never_stale: bool = False
    """must-revalidate, proxy-revalidate, s-maxage or no-cache: not to be served stale (RFC 9111 §4.2.4)."""
    always_validate: bool = False
    """The response said no-cache: stored, but validated before each reuse (RFC 9111 §5.2.2.4)."""
    allows_authorized: bool = False
    """May answer requests that carry Authorization (RFC 9111 §3.5)."""
    negative: bool = False
    """An answer with a short life: a verdict said ``negative``."""
    cost: float = 0.0
    """Seconds of upstream time the fetch took."""
    position: int = 0
    """The purge log's position that was read before its fetch began; later purges concern it."""
    is_ended: bool = False
    """A soft purge or an unsafe request ended its freshness before its time."""
    fence: int = 0
    """Of the lease under which it was fetched (microseconds; later leases have higher ones); 0: there was none. A
    shared store compares it when it is put, and does not keep it."""
