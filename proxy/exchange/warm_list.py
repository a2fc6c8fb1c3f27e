"""A list of URLs to be warmed: how it is ordered, how far it has come, and both as bytes. Fetches nothing."""

import json
import re
import zlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from proxy.policy.messages import FieldLine

MOST_URLS: Final = 100_000
MOST_BYTES: Final = 8 * 1024 * 1024
"""Of a list, as its URLs."""
LONGEST_URL: Final = 8000
MOST_PARALLEL: Final = 64
MOST_FAILURES: Final = 100
"""That are told one by one; further ones are counted."""
MOST_AHEAD: Final = 10_000
"""URLs that may be done behind one that is not."""
_SHOWN: Final = 300
"""Characters of a URL or a reason in the report."""
_PLACE: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}|\{\}")


class WarmState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing will be fetched any more."""
        return self in (WarmState.DONE, WarmState.CANCELLED)


class WarmOrder(Struct, frozen=True):
    """What an operator wants: URLs (each valid, none twice), with which request fields, whether what is fresh is
    fetched too, how many at once (None: as many as leave clients room)."""

    urls: Sequence[str]
    fields: tuple[FieldLine, ...] = ()
    force: bool = False
    parallel: int | None = None


class WarmJob(Struct):
    """A list that is being worked at, without the list. Times are wall seconds."""

    id: str
    created: float
    by: str
    total: int
    parallel: int
    force: bool = False
    fields: tuple[FieldLine, ...] = ()
    state: WarmState = WarmState.QUEUED
    next: int = 0
    """Everything before this place is done."""
    ahead: set[int] = field(default_factory=set)
    """What is done behind it."""
    fetched: int = 0
    fresh: int = 0
    failed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    """URL and reason of the first MOST_FAILURES."""
    seconds_each: float = 0.0
    """What one URL took of late, fetched or not."""
    waits_for: str | None = None
    """Why nothing is being fetched at present."""
    finished: float | None = None

    @property
    def done(self) -> int:
        """How many are over with."""
        return self.fetched + self.fresh + self.failed

    @property
    def eta(self) -> float | None:
        """Seconds that the rest will take, by what URLs took of late; None: nobody knows yet."""
        if self.state.is_over:
            return 0.0
        return None if not self.done else (self.total - self.done) * self.seconds_each / self.parallel

    def pending(self, at: int) -> bool:
        """Whether the URL at this place is still to be done."""
        return at >= self.next and at not in self.ahead

    def settle(self, at: int) -> None:
        """The URL at this place is done."""
        self.ahead.add(at)
        while self.next in self.ahead:
            self.ahead.discard(self.next)
            self.next += 1

    def fail(self, url: str, why: str) -> None:
        """Report one."""
        self.failed += 1
        if len(self.failures) < MOST_FAILURES:
            self.failures.append((url[:_SHOWN], why[:_SHOWN]))

    def took(self, seconds: float) -> None:
        """One more URL was done in so many seconds: about the last fifty count."""
        weight = max(0.02, 1 / self.done)
        self.seconds_each += weight * (seconds - self.seconds_each)


def expanded(template: str, values: Sequence[object]) -> list[str]:
    """One URL for each value, which stands as one path segment, or query value, in the template's one place in braces.

    Raises ValueError that says what would be right.
    """
    places = _PLACE.findall(template)
    if len(places) != 1:
        raise ValueError("a template has one place in braces for the values, as in /obtener-ruc/{ruc}")
    before, after = template.split(places[0])
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
            raise ValueError(f"a value is a text that is not empty, or a whole number, not {value!r}")
    return [f"{before}{quote(str(value), safe='')}{after}" for value in values]


# As bytes ----------------------------------------------------------------------------------------------------------


def pack_job(job: WarmJob) -> bytes:
    """For the ledger."""
    return json.dumps(asdict(job) | {"ahead": sorted(job.ahead)}).encode()


def read_job(data: bytes) -> WarmJob | None:
    """The opposite; None: it is nothing of the kind, or of another version."""
    try:
        said = json.loads(data)
        job = WarmJob(**said)
        return replace(
            job,
            state=WarmState(job.state),
            ahead=set(job.ahead),
            fields=tuple((str(name), str(value)) for name, value in job.fields),
            failures=[(str(url), str(why)) for url, why in job.failures],
        )
    except (ValueError, TypeError, RecursionError):
        return None


def pack_urls(urls: Sequence[str]) -> bytes:
    """For the ledger."""
    return zlib.compress("\n".join(urls).encode("ascii"))


def read_urls(data: bytes) -> list[str]:
    """The opposite; empty: it is nothing of the kind."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, MOST_BYTES + MOST_URLS)
        return text.decode("ascii").split("\n") if unpacker.eof else []
    except (zlib.error, UnicodeDecodeError):
        return []
