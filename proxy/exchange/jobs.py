"""One fetch: what it is for, and what has arrived of it. Asks nobody."""

from collections.abc import Sequence

from msgspec import Struct, field

from proxy.exchange.bodies import RelayedBody
from proxy.exchange.causes import Cause
from proxy.exchange.ports import RequestBody
from proxy.policy.cache_key import CacheKey, secondary_key
from proxy.policy.completion import Remainder
from proxy.policy.disposition import Admission, Credentialed, Freshened
from proxy.policy.messages import Fields, RequestHead, ResponseHead, SecondaryKey, StoredResponse, Timing
from proxy.policy.privacy import caller
from proxy.policy.route import Match
from proxy.policy.validation import conclude, conclude_offer, has_preconditions

NOT_MODIFIED = 304
PARTIAL_CONTENT = 206
_SERVER_ERROR = 500


class Job(Struct, frozen=True):
    """One fetch: for which request and key, and what it validates."""

    request: RequestHead
    match: Match
    key: CacheKey
    admission: Admission
    position: int
    cause: Cause
    validating: StoredResponse | None = None
    conditional: Fields = field(default_factory=Fields)
    wants_whole: bool = False
    """The asker's own conditions can only be judged on the whole answer: nothing is streamed to it."""
    offered: Sequence[StoredResponse] = ()
    """Stored variants that ``conditional`` names: the answer may be one of them."""
    rest: Remainder | None = None
    """What is missing of a stored part, where ``conditional`` asks for that alone."""
    content: RequestBody | None = None
    """Of a QUERY, held: it may be sent again."""
    fence: int = 0
    """Of the lease under which it is fetched; 0: there is none."""

    @property
    def method(self) -> str:
        """What the upstream is asked with: a HEAD is answered from a GET's answer."""
        return "QUERY" if self.request.method == "QUERY" else "GET"


class Arrived(Struct, frozen=True):
    """A final head, its body still to be read, and when it came (``started``: monotonic seconds)."""

    head: ResponseHead
    body: RelayedBody
    timing: Timing
    started: float


def freshened(job: Job, arrived: Arrived) -> StoredResponse | None:
    """What the upstream's 304 says still holds; None where it says no such thing."""
    if arrived.head.status != NOT_MODIFIED:
        return None
    route = job.match.route
    if job.validating is not None:
        concluded = conclude(job.validating, arrived.head, route, arrived.timing, job.request)
    else:
        concluded = conclude_offer(job.request, job.offered, arrived.head, route, arrived.timing)
    return concluded.stored if isinstance(concluded, Freshened) else None


def whole_of(job: Job, arrived: Arrived, body: bytes | None) -> StoredResponse | None:
    """What a 206 makes whole (``body`` None: would make, by its head); None where it does not."""
    if job.rest is None or arrived.head.status != PARTIAL_CONTENT:
        return None
    return job.rest.completed(job.request, arrived.head, body, job.match, job.key, arrived.timing)


def is_astray(job: Job, arrived: Arrived) -> bool:
    """Whether the answer is of no use because of what we asked besides: without that, it would be another."""
    match arrived.head.status:
        case 304:
            return has_preconditions(job.conditional) and not is_answer(job, arrived)
        case 206 | 416:
            return job.rest is not None and whole_of(job, arrived, None) is None
        case _:
            return False


def is_answer(job: Job, arrived: Arrived) -> bool:
    """Whether a 304 answers a condition: one of ours, or one that the client sent and we passed on."""
    if job.conditional.lines:
        return freshened(job, arrived) is not None
    return isinstance(job.admission, Credentialed) and has_preconditions(job.request.fields)


def whose(job: Job, head: ResponseHead) -> SecondaryKey:
    """The selecting fields of those whom an answer that is not kept may reach; by ``Vary: *``, the route's own."""
    route = job.match.route
    key = secondary_key(job.request, head.fields, route)
    return (secondary_key(job.request, Fields(), route) or ()) if key is None else key


def callers(job: Job, head: ResponseHead) -> str | None:
    """Which caller's it is; None: anybody's, for it speaks of the origin. Who shows another key is told by the origin
    what that is good for."""
    return None if head.status >= _SERVER_ERROR else caller(job.request, job.match.route)
