"""The decisions as closed unions, and their reasons as enums. Says what is to be done; decides and performs nothing."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from proxy.policy.messages import Fields, StoredResponse


class ForwardReason(StrEnum):
    """Why a request went to the upstream: the ``fwd`` tokens of RFC 9211 §2.2."""

    BYPASS = "bypass"
    METHOD = "method"
    URI_MISS = "uri-miss"
    VARY_MISS = "vary-miss"
    STALE = "stale"
    REQUEST = "request"
    PARTIAL = "partial"


class NotStoredReason(StrEnum):
    """Why something was neither looked up nor stored: one closed list for header, log, metric and docs."""

    METHOD = "method"
    STATUS = "status"
    COOKIE = "cookie"
    NO_STORE = "no-store"
    PRIVATE = "private"
    AUTHORIZATION = "authorization"
    SET_COOKIE = "set-cookie"
    VARY_STAR = "vary-star"
    TOO_LARGE = "too-large"
    CONTENT_TYPE = "content-type"
    BODY_VERDICT = "body-verdict"
    ROUTE_OFF = "route-off"
    CLIENT_NO_STORE = "client-no-store"
    MODE = "mode"
    STORE_ERROR = "store-error"
    PURGED_IN_FLIGHT = "purged-in-flight"


class StaleReason(StrEnum):
    """Why a stale stored response was served: the ``detail`` beside ``hit``."""

    REVALIDATING = "swr"
    ERROR = "sie"
    BREAKER = "breaker"
    HOLDOFF = "holdoff"
    SHED = "shed"
    ARCHIVE = "archive"


class Verdict(StrEnum):
    """What a route's rule said of a JSON body."""

    OK = "ok"
    NEGATIVE = "negative"
    FAILURE = "failure"
    PASS = "pass"  # noqa: S105 - relay, do not store; not a secret


class Result(StrEnum):
    """What became of a request: the ``result`` label of the metrics."""

    HIT = "hit"
    STALE_REVALIDATE = "stale_revalidate"
    STALE_ERROR = "stale_error"
    ARCHIVE = "archive"
    OFFLINE = "offline"
    """An operator's mode: from what is stored, however old."""
    MISS = "miss"
    COALESCED = "coalesced"
    EXPIRED = "expired"
    REVALIDATED = "revalidated"
    BYPASS = "bypass"
    PASS = "pass"  # noqa: S105 - an unsafe method, not a secret
    FAILURE = "failure"
    ERROR = "error"
    """Answered by Tambo itself: 502, 503, 504, or a 4xx for a request it could not read."""


class Disposition(Struct, frozen=True):
    """How an answer came about: everything that Cache-Status, X-Cache, the log line and the counters say of it."""

    result: Result
    x_cache: str
    hit: bool = False
    fwd: ForwardReason | None = None
    fwd_status: int | None = None
    stored: bool = False
    collapsed: bool = False
    ttl: int | None = None
    """Remaining freshness in whole seconds, negative when stale (RFC 9211 §2.5)."""
    detail: str | None = None
    is_elsewhere: bool = False
    """Collapsed with a fetch of another process."""


# What choose() may decide about a request -------------------------------------------------------------------------


class Reuse(Struct, frozen=True):
    """Answer with this stored response: it is fresh, or stale by no more than the client said it takes."""

    stored: StoredResponse


class ReuseWhileRevalidating(Struct, frozen=True):
    """Answer with this stale response at once, and refresh it behind with these conditional fields."""

    stored: StoredResponse
    conditional: Fields


class Validate(Struct, frozen=True):
    """Ask the upstream whether this stored response still holds; it may serve if that fails."""

    stored: StoredResponse
    conditional: Fields
    reason: ForwardReason = ForwardReason.STALE
    """REQUEST where it is fresh, and the client's own directives ask all the same (RFC 9211 §2.2)."""


class Forward(Struct, frozen=True):
    """Nothing stored can serve: fetch."""

    reason: ForwardReason


class Unsatisfiable(Struct, frozen=True):
    """The client said only-if-cached and nothing stored can serve: 504 (RFC 9111 §5.2.1.7)."""


RequestDecision: TypeAlias = Reuse | ReuseWhileRevalidating | Validate | Forward | Unsatisfiable


# What a request is admitted to ------------------------------------------------------------------------------------


class Shareable(Struct, frozen=True):
    """May be looked up, coalesced with others and stored."""


class Credentialed(Struct, frozen=True):
    """Carries Authorization: only what RFC 9111 §3.5 allows is reused or stored, and it never coalesces."""


class PassThrough(Struct, frozen=True):
    """Goes to the upstream as it came; neither looked up nor stored."""

    reason: NotStoredReason


Admission: TypeAlias = Shareable | Credentialed | PassThrough


# What assess() may decide about a response ------------------------------------------------------------------------


class Storable(Struct, frozen=True):
    """May be stored as this. Asked of the head alone, ``stored.body`` is empty and the verdict is still open."""

    stored: StoredResponse


class NotStored(Struct, frozen=True):
    """May be relayed, not stored. ``shared``: whoever waited for it may have it too (an error that is nobody's)."""

    reason: NotStoredReason
    shared: bool = False


class Faulty(Struct, frozen=True):
    """The upstream failed with an answer that looks fine: never stored, stale is served if there is any.

    ``status`` is what the client gets when nothing stale is there: the upstream's own, or what the rule says.
    """

    status: int


StoreDecision: TypeAlias = Storable | NotStored | Faulty


# What conclude() may decide about a validation, or about a fetch that failed ---------------------------------------


class Freshened(Struct, frozen=True):
    """The upstream answered 304: the stored response with its fields updated (RFC 9111 §4.3.4)."""

    stored: StoredResponse


class ServeStale(Struct, frozen=True):
    """Fetching failed, and this may stand in for it."""

    stored: StoredResponse
    reason: StaleReason


class Relay(Struct, frozen=True):
    """Nothing stored helps: a full response is treated as on a miss, a failure is answered as a failure."""


class Ended(Struct, frozen=True):
    """A HEAD's answer says that the stored response is not what a GET would bring now (RFC 9111 §4.3.5): stale."""

    stored: StoredResponse


ValidationDecision: TypeAlias = Freshened | ServeStale | Relay


# What a range request is answered with ------------------------------------------------------------------------------


class Ranged(Struct, frozen=True):
    """A part of a stored response: the fields to change and the slice of its body (RFC 9110 §14)."""

    fields: Mapping[str, str]
    first: int
    last: int


class OutOfRange(Struct, frozen=True):
    """Nothing of what was asked for exists: 416, and how much there is (RFC 9110 §15.5.17)."""

    content_range: str
