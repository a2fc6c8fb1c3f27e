"""Gathers everything that would decide about a request, without sending or changing anything. Words nothing."""

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.ask import Ask
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.outlook import Facts
from proxy.exchange.serve import Exchange
from proxy.policy.cache_key import CacheKey, cache_key
from proxy.policy.disposition import PassThrough
from proxy.policy.messages import RequestHead, StoredResponse
from proxy.policy.route import match_route
from proxy.policy.storability import admit


class Explainer:
    """Looks over the shoulder of whichever exchange answers requests now."""

    def __init__(self, switch: ModeSwitch, clock: Clock) -> None:
        self._switch = switch
        self._clock = clock
        self._exchange: Exchange

    def follow(self, exchange: Exchange) -> None:
        """Speak of this one from now on."""
        self._exchange = exchange

    async def facts(self, request: RequestHead) -> Facts:
        """What is known of a request that might come now. Never raises: a store that is out is a fact."""
        exchange, clock = self._exchange, self._clock
        match = match_route(exchange.routes, request.method, request.path)
        admission, operating = admit(request, match.route), self._switch.now
        if isinstance(admission, PassThrough) or request.method == "QUERY":
            return Facts(request, exchange.routes, match, admission, operating, clock.now())
        key = exchange.refresher.keys.of(request, match)
        candidates, position, is_alone, is_out = await self._found(key)
        setback = exchange.hold_off.setback(key.text)
        ask = Ask(request, match, key, admission, position, is_alone=is_alone)
        return Facts(
            *(request, exchange.routes, match, admission, operating, clock.now()),
            *(key, cache_key(request, match), candidates),
            is_store_out=is_out,
            setback=setback,
            held_for=0.0 if setback is None else max(0.0, setback.until - clock.monotonic()),
            held_back=exchange.launcher.held_back(key.text),
            is_under_way=ask.may_share and exchange.launcher.joinable(ask) is not None,
            is_breaker_open=exchange.refresher.guard.is_open,
        )

    async def _found(self, key: CacheKey) -> tuple[tuple[StoredResponse, ...], int, bool, bool]:
        """What a look-up would find, the log's position, whether nobody vouches for it, whether the store is out."""
        store = self._exchange.store
        try:
            found = await store.look_again(key)
        except StoreUnavailable:
            return (), store.position, not store.is_vouched, True
        return tuple(found.candidates), found.position, not found.is_vouched, False
