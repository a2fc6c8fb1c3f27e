"""Keeps answers to POST that say they are what a GET would bring (RFC 9110 §9.3.3). Judges nothing: the policy does."""

from collections import Counter

from msgspec import Struct, field
from msgspec.structs import replace

from proxy.clock import Clock
from proxy.exchange.bodies import CopiedBody, RelayedBody
from proxy.exchange.ports import Store
from proxy.exchange.refresh import Refresher
from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import Storable
from proxy.policy.messages import RequestHead, ResponseHead, Timing
from proxy.policy.posted import as_get, is_for_gets, may_be_kept
from proxy.policy.route import Match, RoutePolicy, match_route
from proxy.policy.storability import assess


class PostedKeeper(Struct, frozen=True):
    """Looks at what answers POSTs."""

    routes: tuple[RoutePolicy, ...]
    store: Store
    refresher: Refresher
    clock: Clock
    upstream: str
    pending: Counter[str] = field(default_factory=Counter)
    """Keys under which answers are on their way and may be kept when all of them has come."""

    def is_pending(self, key: str) -> bool:
        """Whether an answer may still be kept under this key's text."""
        return self.pending[key] > 0

    def watch(self, request: RequestHead) -> "Watch | None":
        """Who looks at the answer to this request; None: nobody. Called before it is sent."""
        match = match_route(self.routes, "GET", request.path)
        if not may_be_kept(request, match.route):
            return None
        return Watch(self, request, match, self.store.position, self.clock.now())


class Watch(Struct, frozen=True):
    """One POST whose answer may be kept.

    ``position`` was read before it was sent: what it displaced itself is a purge behind that, so that an answer is
    kept where nothing was stored before, and never one that any purge could have meant.
    """

    keeper: PostedKeeper
    request: RequestHead
    match: Match
    position: int
    request_time: float

    def begin(self, body: object) -> None:
        """What this request itself made doubtful is gone: from now on others that end its key must write so down."""
        if not isinstance(body, CopiedBody):
            return
        pending, key = self.keeper.pending, cache_key(as_get(self.request), self.match).text
        pending[key] += 1

        def end() -> None:
            pending[key] -= 1
            if not pending[key]:
                del pending[key]

        body.on_over = end

    def over(self, head: ResponseHead, body: RelayedBody) -> RelayedBody | CopiedBody:
        """The answer's body, which is kept when all of it has come to its client; as it is where it may not be."""
        timing = Timing(self.request_time, self.keeper.clock.now())
        if not is_for_gets(self.request, head, timing, self.keeper.upstream):
            return body

        async def keep(content: bytes) -> None:
            await self._keep(head, content, timing)

        return CopiedBody(body, self.match.route.max_object, keep)

    async def _keep(self, head: ResponseHead, content: bytes, timing: Timing) -> None:
        get, refresher = as_get(self.request), self.keeper.refresher
        asked = cache_key(get, self.match)
        timing = replace(timing, cost=self.keeper.clock.now() - self.request_time)
        decision = assess(get, head, content, self.match, asked, timing)
        if isinstance(decision, Storable):
            stored = replace(decision.stored, position=self.position)
            await refresher.put(refresher.keys.learned(asked, get, self.match, stored), stored)
