"""One request on its way to an answer, with what was found out about it so far. Decides nothing."""

from collections.abc import Sequence

from msgspec import Struct, field

from proxy.exchange.ports import OnInterim, RequestBody
from proxy.exchange.singleflight import Spoken
from proxy.policy.cache_key import CacheKey, selects
from proxy.policy.completion import Remainder
from proxy.policy.disposition import Admission, ForwardReason, Shareable
from proxy.policy.messages import Fields, RequestHead, StoredResponse
from proxy.policy.privacy import caller
from proxy.policy.route import Match, RoutePolicy

MOST_TRIES = 4
"""Fetches of others that a request waits for, one after the other: each can bring one variant that is not its own."""


class Ask(Struct, frozen=True):
    """One request on its way to an answer. ``why``: what a fetch for it is called; ``stale``: what may stand in."""

    request: RequestHead
    match: Match
    key: CacheKey
    admission: Admission
    position: int
    why: ForwardReason = ForwardReason.URI_MISS
    stale: StoredResponse | None = None
    conditional: Fields = field(default_factory=Fields)
    """What is asked besides: a condition of ours, or the part that the client wants."""
    offered: Sequence[StoredResponse] = ()
    """Variants of which one may turn out to be the answer."""
    rest: Remainder | None = None
    """What is missing of a stored part, where ``conditional`` asks for that alone."""
    tries: int = 0
    """How often it has waited for another's fetch that was not for it."""
    on_interim: OnInterim | None = None
    """Who hears of interim responses to the fetch it begins."""
    content: RequestBody | None = None
    """Of a QUERY: part of its key, and sent with every fetch for it."""
    is_alone: bool = False
    """It goes upstream by itself: it waited for what turned out to be somebody's own, or began where a purge
    may have returned unheard of, so that what is under way may be from before it."""

    is_blind: bool = False
    """Its look-up failed: nobody knows what is stored for it."""

    @property
    def route(self) -> RoutePolicy:
        """The route it takes."""
        return self.match.route

    @property
    def may_share(self) -> bool:
        """Whether it may wait for another's fetch and others for its own."""
        return isinstance(self.admission, Shareable) and not self.is_alone and self.tries < MOST_TRIES


def is_for(ask: Ask, spoken: Spoken) -> bool:
    """Whether an answer that is not kept, and was fetched for another request, may be this one's too."""
    is_own = spoken.caller is None or spoken.caller == caller(ask.request, ask.route)
    return is_own and selects(spoken.secondary_key, ask.request)
