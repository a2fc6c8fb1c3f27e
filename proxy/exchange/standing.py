"""Hits that memory alone can give, and for how long they stay what they are. Waits for nothing, fetches nothing.

What is found here is good for every request like the one it was found for, until ``until`` and as long as the store
holds what it was made of: so whoever keeps it does so under a seal, which every purge, refresh, eviction and expiry
breaks.
"""

from collections.abc import Callable, Sequence
from math import floor
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from proxy.exchange.ahead import Ahead
from proxy.exchange.ask import Ask
from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.ports import Answer
from proxy.exchange.replies import Replies
from proxy.exchange.residence import Known, Residence, Seal, Sought
from proxy.policy.cache_key import CacheKey, selecting_value
from proxy.policy.disposition import Reuse, Shareable
from proxy.policy.freshness import current_age, freshness_left
from proxy.policy.heads import MOST_SECONDS, not_modified_head
from proxy.policy.messages import RequestHead, StoredResponse
from proxy.policy.partial import usable
from proxy.policy.reuse import choose
from proxy.policy.route import RoutePolicy, match_route
from proxy.policy.storability import admit
from proxy.policy.validation import not_modified

_CONDITIONS: Final = frozenset({"if-none-match", "if-modified-since"})
_DIRECTIVES: Final = ("cache-control", "pragma")


class ResidentStore(Protocol):
    """What memory can tell at once."""

    def resident(self, key: CacheKey) -> Sequence[StoredResponse] | None:
        """What a look-up would find, where memory alone can tell; None: it cannot."""
        ...

    def at_hand(self, key: CacheKey, known: Known | None) -> Sought | None:
        """What a look-up beyond memory finds, where it waits for nothing and what is ``known`` may still be; None: it
        has to be looked up in another way."""
        ...

    def seek(self, key: CacheKey, known: Known | None, then: Callable[[Sought | None], None]) -> bool:
        """Begin a look-up beyond memory, where what is ``known`` may still be; ``then`` is told later, never at once,
        what is stored; None: it has to be looked up in another way. False: so has it now, and nobody is told."""
        ...

    @property
    def residence(self) -> Residence:
        """What it shares with those who answer under a seal."""
        ...

    def seal(self, key: CacheKey, variants: Sequence[StoredResponse]) -> Seal | None:
        """A seal on ``variants``, where they are what ``resident`` would give now."""
        ...


class Standing(Struct, frozen=True):
    """A hit on a fresh stored response, as it stands."""

    answer: Answer
    """To the request without its conditions."""
    unmodified: Answer
    """The 304 in its place."""
    key: CacheKey
    variants: Sequence[StoredResponse]
    """Everything stored under the key: the very objects."""
    stored: StoredResponse
    route: RoutePolicy
    names: tuple[str, ...]
    """The request fields that select among the variants, in lower case; Host among them where it is in the key."""
    since: float
    until: float
    """Wall seconds: the decision holds from ``since`` up to here."""

    def emptied(self) -> "Standing":
        """The same without the bodies that it is made of."""
        variants = tuple(replace(variant, body=b"") for variant in self.variants)
        stored = variants[self.chosen]
        return replace(self, answer=replace(self.answer, body=b""), variants=variants, stored=stored)

    @property
    def chosen(self) -> int:
        """Which of the variants it is."""
        return next(place for place, variant in enumerate(self.variants) if variant is self.stored)

    def numbers(self, now: float) -> tuple[int, int, float]:
        """``Age`` and ``ttl`` at a wall second, and the second up to which both stay the same."""
        age, left = current_age(self.stored, now), freshness_left(self.stored, now)
        whole = floor(left)
        return min(int(age), MOST_SECONDS), whole, now + min(1.0 - age % 1.0, left - whole)

    @property
    def validators(self) -> tuple[object, ...]:
        """All that ``is_unmodified`` compares a request with."""
        stored = self.stored
        return stored.status, stored.etag, stored.last_modified, stored.fields.joined("date")

    def is_unmodified(self, request: RequestHead) -> bool:
        """Whether this request's conditions make a 304 of the answer (RFC 9110 §13.2.2)."""
        stored = self.stored
        date = stored.fields.joined("date")
        return not_modified(request, stored.status, stored.etag, stored.last_modified, date)


class Standings:
    """Finds hits."""

    def __init__(
        self,
        routes: tuple[RoutePolicy, ...],
        store: ResidentStore,
        keys: Keys,
        switch: ModeSwitch,
        replies: Replies,
        ahead: Ahead | None = None,
    ) -> None:
        """``switch``: only who works normally has plain hits."""
        self._reserved: str | None = None
        self._routes = routes
        self._store = store
        self._replies = replies
        self._switch = switch
        self._keys = keys
        self._ahead = ahead

    def leave_alone(self, path: str | None) -> None:
        """Find nothing at this path and below it, which are not the upstream's; None: all are."""
        self._reserved = path

    def follow(self, routes: tuple[RoutePolicy, ...]) -> None:
        """Find by these routes from now on. What was found before is to be forgotten by whoever keeps it."""
        self._routes = routes

    def question(self, request: RequestHead) -> Ask | None:
        """What this GET or HEAD asks for; None where its answer is more than a plain hit, or might be."""
        if self._reserved is not None and f"{request.path}/".startswith(f"{self._reserved}/"):
            return None
        match = match_route(self._routes, request.method, request.path)
        route = match.route
        admission = admit(request, route)
        obeys = route.client_directives and any(name in request.fields for name in _DIRECTIVES)
        if obeys or not isinstance(admission, Shareable) or not self._switch.is_normal:
            return None
        return Ask(request, match, self._keys.of(request, match), admission, 0)

    def resident(self, key: CacheKey) -> Sequence[StoredResponse] | None:
        """What is stored, where memory alone can tell: see ResidentStore."""
        return self._store.resident(key)

    def stand(self, ask: Ask, variants: Sequence[StoredResponse]) -> Standing | None:
        """The hit that it gets now if these are what is stored; its conditions are left for the caller to judge."""
        now, route = self._replies.clock.now(), ask.route
        stored, until = self._reused(ask, variants, now)
        if stored is None:
            return None
        plain = RequestHead(ask.request.method, ask.request.target, ask.request.fields.without(_CONDITIONS))
        answer = self._replies.hit(replace(ask, request=plain), stored)
        selecting = {name for variant in variants for name, _ in variant.secondary_key}
        names = tuple(sorted(selecting | {"host"} if route.key.host else selecting))
        unmodified = replace(answer, head=not_modified_head(answer.head), body=b"", length=None)
        return Standing(answer, unmodified, ask.key, variants, stored, route, names, now, until)

    def stands(self, standing: Standing, now: float) -> bool:
        """Whether a hit goes on as it stands, if what it was made of is what is stored."""
        return standing.since <= now < standing.until and self._switch.is_normal

    def at_hand(self, key: CacheKey, known: Known | None) -> Sought | None:
        """Look beyond memory, where that takes no waiting: see ResidentStore and ``seek``."""
        return self._store.at_hand(key, known)

    def seek(self, key: CacheKey, known: Known | None, then: Callable[[Sought | None], None]) -> bool:
        """Begin to look beyond memory: see ResidentStore. What is found is for ``hit`` and ``stand``."""
        return self._store.seek(key, known, then)

    def hit(self, ask: Ask, variants: Sequence[StoredResponse]) -> Answer | None:
        """What it is answered if these are what is stored; None where that is no plain hit. For this request alone."""
        stored, _ = self._reused(ask, variants, self._replies.clock.now())
        return None if stored is None or not self._switch.is_normal else self._replies.hit(ask, stored)

    def _reused(self, ask: Ask, variants: Sequence[StoredResponse], now: float) -> tuple[StoredResponse | None, float]:
        """What answers it, and up to which wall second that is all there is to do."""
        decision = choose(ask.request, usable(ask.request, variants), ask.route, now)
        if not isinstance(decision, Reuse):
            return None, now
        stored = decision.stored
        until = now + freshness_left(stored, now)
        if self._ahead is not None:
            until = min(until, self._ahead.look_again(ask.key.text, stored, ask.route, now))
        return (stored if now < until else None), until

    @property
    def residence(self) -> Residence:
        """Which epoch it is, and where hits under a seal are counted."""
        return self._store.residence

    def seal(self, standing: Standing) -> Seal | None:
        """Under which a hit goes on as it stands; None: the store holds something else than it was made of."""
        return self._store.seal(standing.key, standing.variants) if self._switch.is_normal else None


def selection(names: Sequence[str], request: RequestHead) -> tuple[str | None, ...]:
    """The request's values of selecting fields, so that equal ones choose the same variant (RFC 9111 §4.1)."""
    return tuple(selecting_value(name, request) for name in names)
