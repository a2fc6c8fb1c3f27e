"""Looks up what is stored, and looks once more where the first look failed and something stored could save an answer.
Fetches and answers nothing.

A look-up that fails is a miss, since fetching is better than waiting; but where fetching fails as well, or is known to
have failed a moment ago, an answer that a slow store still has is worth a second look, with more time.
"""

from contextlib import suppress

from msgspec.structs import replace

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange.ask import Ask
from proxy.exchange.holdoff import HoldOff
from proxy.exchange.ports import Lookup, Observer, Store
from proxy.policy.cache_key import CacheKey
from proxy.policy.disposition import ForwardReason, Reuse, ReuseWhileRevalidating, Validate
from proxy.policy.health import is_failing
from proxy.policy.messages import ResponseHead
from proxy.policy.partial import usable
from proxy.policy.reuse import choose


async def look_up(key: CacheKey, store: Store, hold_off: HoldOff, observer: Observer) -> Lookup:
    """What is stored; where the store does not say, nothing. A key that failed lately is looked for twice."""
    try:
        return await store.lookup(key)
    except StoreUnavailable as error:
        observer.store_failed(error.operation, error.detail)
    if hold_off.setback(key.text) is not None:
        with suppress(StoreUnavailable):
            return await store.look_again(key)
    return Lookup((), store.position, store.is_vouched, has_failed=True)


async def recalled(ask: Ask, store: Store, clock: Clock, head: ResponseHead | None = None) -> Ask:
    """The ask with what may stand in for a failing answer (``head``; None: for none at all), where its look-up had
    failed and one more look brings it."""
    if not ask.is_blind or not (head is None or is_failing(head)):
        return ask
    try:
        found = await store.look_again(ask.key)
    except StoreUnavailable:
        return ask
    match choose(ask.request, usable(ask.request, found.candidates), ask.route, clock.now()):
        case Reuse(stored) | ReuseWhileRevalidating(stored):
            return replace(ask, stale=stored, why=ForwardReason.STALE)
        case Validate(stored, reason=reason):
            return replace(ask, stale=stored, why=reason)
        case _:
            return ask
