"""One request on its way to an answer, with what was found out about it so far. Decides nothing."""

from dataclasses import dataclass, field

from proxy.policy.cache_key import CacheKey
from proxy.policy.disposition import Admission, ForwardReason, Shareable
from proxy.policy.messages import Fields, RequestHead, StoredResponse
from proxy.policy.route import Match, RoutePolicy


@dataclass(frozen=True, slots=True)
class Ask:
    """One request on its way to an answer. ``why``: what a fetch for it is called; ``stale``: what may stand in."""

    request: RequestHead
    match: Match
    key: CacheKey
    admission: Admission
    position: int
    why: ForwardReason = ForwardReason.URI_MISS
    stale: StoredResponse | None = None
    conditional: Fields = field(default_factory=Fields)
    is_second_try: bool = False

    @property
    def route(self) -> RoutePolicy:
        """The route it takes."""
        return self.match.route

    @property
    def may_share(self) -> bool:
        """Whether it may wait for another's fetch and others for its own."""
        return isinstance(self.admission, Shareable) and not self.is_second_try
