"""One promised answer, and what is written down of it. Keeps and fetches nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import asdict

from proxy.exchange.ports import Answer, OnInterim, RequestBody
from proxy.policy.messages import FieldLine, Fields, RequestHead

Handler: TypeAlias = Callable[[RequestHead, RequestBody | None, OnInterim | None], Awaitable[Answer]]

_MOST_BYTES: Final = 16 * 1024
"""Of a target and its fields, that are written down."""
_NOT_KEPT: Final = frozenset({"authorization", "cookie", "proxy-authorization", "connection", "prefer"})


class Taker(Enum):
    """For whom the answer is."""

    CLIENT = auto()
    LEDGER = auto()
    """It was promised."""
    NOBODY = auto()
    """Its client left before."""


class Record(Struct, frozen=True):
    """What is written down: which request, and how it stands. ``began``: wall seconds."""

    target: str
    authority: str
    scheme: str
    fields: tuple[FieldLine, ...]
    began: float
    position: int | None = None
    """In the queue, from 1; None: it is being fetched."""
    eta: int | None = None
    """Whole seconds; None: nobody knows yet."""
    status: int | None = None
    """The answer's; None: there is none yet."""
    is_there: bool = False
    """Whether who asks for the resource now is answered from what is stored."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.status is not None

    @property
    def request(self) -> RequestHead:
        """The request that it answers."""
        return RequestHead("GET", self.target, Fields(self.fields), self.scheme, self.authority)

    def packed(self) -> bytes:
        """For the ledger."""
        return json.dumps(asdict(self)).encode()


def read_record(data: bytes) -> Record | None:
    """The opposite of ``packed``; None: it is nothing of the kind, or of another version."""
    try:
        said = json.loads(data)
        fields = tuple((str(name), str(value)) for name, value in said.pop("fields"))
        return Record(fields=fields, **said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def keepable(request: RequestHead) -> bool:
    """Whether the request is short enough to be written down."""
    return len(request.target) + sum(len(name) + len(value) for name, value in request.fields.lines) <= _MOST_BYTES


class Promise(Struct, eq=False):
    """An answer that is on its way. ``since``: monotonic seconds, ``began``: wall seconds."""

    id: str
    request: RequestHead
    since: float
    began: float
    taker: Taker = Taker.CLIENT
    runs_since: float | None = None
    noted: Record | None = None
    answered: "asyncio.Future[Answer]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def taken(self) -> Answer | None:
        """The answer, if it has come for its client."""
        is_there = self.answered.done() and not self.answered.cancelled() and self.answered.exception() is None
        return self.answered.result() if is_there else None

    def pending(self, position: int | None, eta: int | None) -> Record:
        """As it stands."""
        return Record(*self._asked(), self.began, position, eta)

    def over(self, status: int, *, is_there: bool) -> Record:
        """As it ended."""
        return Record(*self._asked(), self.began, status=status, is_there=is_there)

    def _asked(self) -> tuple[str, str, str, tuple[FieldLine, ...]]:
        request = self.request
        return request.target, request.authority, request.scheme, request.fields.without(_NOT_KEPT).lines
