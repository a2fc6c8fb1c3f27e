"""Carries out what an unsafe request invalidated (RFC 9111 §4.4, RFC 9875). Judges nothing: the policy names it."""

from collections.abc import Callable

from msgspec import Struct

from proxy.errors import StoreUnavailable
from proxy.exchange.keys import Keys
from proxy.exchange.ports import Observer, Store
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.exchange.singleflight import SingleFlight
from proxy.exchange.url_keys import keys_of, matches_of
from proxy.policy.cache_key import CacheKey
from proxy.policy.invalidation import invalidated_groups, invalidated_targets
from proxy.policy.messages import RequestHead, ResponseHead
from proxy.policy.route import RoutePolicy


class Invalidation(Struct, frozen=True):
    """What an answer made doubtful: everything under these keys, and everything in these groups."""

    keys: tuple[CacheKey, ...]
    groups: tuple[str, ...]


class Invalidator(Struct, frozen=True):
    """Turns targets and groups into purges."""

    routes: tuple[RoutePolicy, ...]
    store: Store
    flights: SingleFlight
    observer: Observer
    upstream: str
    """The URL that the upstream goes by."""
    known: Keys
    is_pending: Callable[[str], bool]
    """Whether an answer that is on its way may be kept under a key's text."""

    def needed(self, request: RequestHead, response: ResponseHead) -> Invalidation | None:
        """What this answer asks for; None for most."""
        targets = invalidated_targets(request, response, self.upstream)
        named = (key for target in targets for key in keys_of(self.routes, target, request.authority))
        keys = tuple(dict.fromkeys(named))
        groups = tuple(invalidated_groups(request, response))
        return Invalidation(keys, groups) if keys or groups else None

    async def carry_out(self, needed: Invalidation) -> None:
        """One after the other; a store that cannot is not asked for the rest.

        Nothing is written for a key under which nothing is stored or being fetched: else whoever may send unsafe
        requests could fill the purge log, which pushes what is stored out.
        """
        try:
            for key in needed.keys:
                if await self._may_be_there(key):
                    await self.store.purge(Purge(PurgeKind.URL, key.text, PurgeMode.HARD))
            for group in needed.groups:
                await self.store.purge(Purge(PurgeKind.TAG, group, PurgeMode.HARD))
        except StoreUnavailable as error:
            self.observer.store_failed(error.operation, error.detail)

    async def _may_be_there(self, key: CacheKey) -> bool:
        if self.flights.is_fetching(key.text) or self.known.has_kin(key) or self.is_pending(key.text):
            return True
        if any(_may_hide(match.route.methods) for match in matches_of(self.routes, key.target)):
            return True
        return bool((await self.store.lookup(key)).candidates)


def _may_hide(methods: frozenset[str]) -> bool:
    """Whether a route may have stored by content what no look-up finds here: another process did, or this one before
    its start. Not where POSTs are kept: this purge would be of the very answer that is to be."""
    return "QUERY" in methods and "POST" not in methods
