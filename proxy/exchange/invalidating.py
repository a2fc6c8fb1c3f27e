"""Carries out what an unsafe request invalidated (RFC 9111 §4.4, RFC 9875). Judges nothing: the policy names it."""

from dataclasses import dataclass

from proxy.errors import StoreUnavailable
from proxy.exchange.ports import Observer, Purge, PurgeKind, PurgeMode, Store
from proxy.policy.cache_key import cache_key
from proxy.policy.invalidation import invalidated_groups, invalidated_targets
from proxy.policy.messages import Fields, RequestHead, ResponseHead
from proxy.policy.route import RoutePolicy, match_route


@dataclass(frozen=True, slots=True)
class Invalidator:
    """Turns targets and groups into purges."""

    routes: tuple[RoutePolicy, ...]
    store: Store
    observer: Observer
    upstream: str
    """The URL that the upstream goes by."""

    def needed(self, request: RequestHead, response: ResponseHead) -> tuple[Purge, ...]:
        """The purges that this answer asks for; none for most."""
        targets = invalidated_targets(request, response, self.upstream)
        keys = dict.fromkeys(self._key_text(target, request.authority) for target in targets)
        return (
            *(Purge(PurgeKind.URL, key, PurgeMode.HARD) for key in keys),
            *(Purge(PurgeKind.TAG, group, PurgeMode.HARD) for group in invalidated_groups(request, response)),
        )

    async def carry_out(self, purges: tuple[Purge, ...]) -> None:
        """One after the other; a store that cannot is not asked for the rest."""
        try:
            for purge in purges:
                await self.store.purge(purge)
        except StoreUnavailable as error:
            self.observer.store_failed(error.operation, error.detail)

    def _key_text(self, target: str, authority: str) -> str:
        """The key under which a GET of this target is stored, on whatever route that takes."""
        request = RequestHead("GET", target, Fields(), authority=authority)
        return cache_key(request, match_route(self.routes, "GET", request.path)).text
