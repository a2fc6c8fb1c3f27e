"""What is asked of Redis, as values, and whom it is asked of, as a protocol. Connects to nothing."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar, cast

import hiredis
from msgspec import Struct
from redis.exceptions import ResponseError

from proxy.store.redis_address import Place
from proxy.store.redis_connection import RedisConnection
from proxy.store.redis_pool import PACE
from proxy.store.stats import TierStats

T = TypeVar("T")
Command = tuple[bytes | int, ...]
Dial = Callable[[], RedisConnection]
"""Makes a connection that is not opened yet."""
Nodes = Mapping[Place | None, Dial]
"""The primaries at present and how each is reached; None: the only one, wherever that is."""

_pack: Final = cast("Callable[[Command], bytes]", hiredis.pack_command)  # its stub allows one element only


class NonsenseError(Exception):
    """A reply that no Redis would give to what was asked: its connection cannot be trusted any more."""


class RedirectedError(Exception):
    """Another node of the Cluster has the name that was asked for; nothing was done here."""

    def __init__(self, place: Place, slot: int, *, is_moved: bool) -> None:
        """``place``: with an empty host, the same as that of who says so. ``is_moved``: for good."""
        super().__init__(place, slot)
        self.place = place
        self.slot = slot
        self.is_moved = is_moved


class Limits(Struct, frozen=True):
    """What asking may cost."""

    timeout: float = 0.05
    """Seconds for a look-up, from the call to its result, waiting for a connection included."""
    command_timeout: float = 1.0
    """Seconds for what must last, and for opening a connection."""
    connections: int = 16
    """To each node."""
    pace: float = PACE
    """Seconds between two attempts to connect, at least."""
    max_reply: int = 16 * 1024 * 1024
    """Bytes of one reply; a longer one is given up and its connection closed."""

    def for_writing(self, size: int, cost: float) -> float:
        """Seconds for storing so many bytes that took ``cost`` seconds to fetch: what a look-up may take, or a tenth of
        the cost if that is more, and a second per 10 MB; ``command_timeout`` at most."""
        return min(max(self.timeout, cost / 10) + size / 10e6, self.command_timeout)


class Question(Struct, Generic[T], frozen=True):
    """Packed commands, how many replies they bring, and how a value is made of these.

    ``read`` is called while the connection is held. It may raise NonsenseError (the connection is closed then) or an
    error reply that it was given.
    """

    operation: str
    """For counters and errors."""
    commands: bytes
    replies: int
    read: Callable[[list[Any]], T]
    outcome: Callable[[T], str] = lambda _: "ok"
    """What is counted."""
    at: bytes = b""
    """A name that it is about: in a Cluster, whoever has it is asked. Several must be in one slot. None: anyone."""
    insists: bool = False
    """Asked although Redis is out of use: it may just have been too slow for look-ups, and who asks can wait longer."""


def pack(commands: Sequence[Command]) -> bytes:
    """Commands as they go on the wire."""
    return b"".join(map(_pack, commands))


def _read_probe(replies: list[Any]) -> None:
    (reply,) = replies
    if isinstance(reply, ResponseError):
        raise reply
    if reply not in {0, 1}:
        raise NonsenseError("an answer that does not fit the question")


# A read, not PING: Redis refuses PING where only writing is impossible (MISCONF).
PROBE: Final = Question("probe", pack([(b"EXISTS", b"tambo:probe")]), 1, _read_probe)


class Redis(Protocol):
    """One Redis, however many servers it is made of."""

    limits: Limits
    stats: TierStats
    is_divided: bool
    """Whether names live in slots: no transaction over two of them."""

    @property
    def is_up(self) -> bool:
        """Whether Redis is being asked."""
        ...

    @property
    def out_for(self) -> float:
        """Seconds since Redis was given up; 0 while it is being asked."""
        ...

    @property
    def is_doubtful(self) -> bool:
        """Whether the last question got no answer: what can be done without Redis should be, now."""
        ...

    async def open(self) -> None:
        """Ask once, so that ``is_up`` is true to life, and keep watching. A Redis that is down is no error."""
        ...

    async def close(self) -> None:
        """End every task and connection. Idempotent; later calls raise StoreUnavailable."""
        ...

    async def run(self, question: Question[T], budget: float) -> T:
        """Ask, and read the answer, in ``budget`` seconds. Raises StoreUnavailable."""
        ...

    def places(self) -> Sequence[Place | None]:
        """The primaries at present, each for ``run_at``; None: the only one, wherever that is."""
        ...

    def place_of(self, name: bytes) -> Place | None:
        """Which of them has a name, as far as is known."""
        ...

    async def run_at(self, place: Place | None, question: Question[T], budget: float) -> T:
        """Ask one of them, which may answer that another has what was asked for. Raises StoreUnavailable."""
        ...

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something behind; ``close`` ends it. StoreUnavailable ends it quietly; with too much behind, it is left
        undone."""
        ...

    async def settled(self) -> None:
        """Wait for what runs behind now."""
        ...

    def dial(self) -> RedisConnection:
        """A connection beside the others, not opened yet, to whichever node hears every message."""
        ...

    def follow(self, hears: Callable[[Nodes], None]) -> None:
        """Tell ``hears`` of the primaries, now and whenever they are others."""
        ...
