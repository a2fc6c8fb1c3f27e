"""Where requests come in: lets the exchange answer, or does what the operator's mode says. Knows no route's rules."""

from math import ceil

from proxy.clock import Clock
from proxy.errors import StoreUnavailable
from proxy.exchange import problems
from proxy.exchange.ask import Ask
from proxy.exchange.operating import ModeSwitch, OperatingMode
from proxy.exchange.ports import Answer, Observer, OnInterim, RequestBody
from proxy.exchange.replies import Replies
from proxy.exchange.serve import Exchange
from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import NotStoredReason, PassThrough
from proxy.policy.messages import RequestHead
from proxy.policy.partial import usable
from proxy.policy.reuse import of_any_age
from proxy.policy.route import Match, match_route
from proxy.policy.storability import admit


class Entrance:
    """The one entrance for requests: ``answer``."""

    def __init__(self, exchange: Exchange, switch: ModeSwitch, observer: Observer, clock: Clock) -> None:
        self._exchange = exchange
        self._switch = switch
        self._observer = observer
        self._replies = Replies(clock, observer)

    async def answer(
        self, request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None = None
    ) -> Answer:
        """Answer one request. Raises ClientGoneError and ClientError from reading its content, nothing else."""
        if self._switch.is_normal or (mode := self._switch.mode) is OperatingMode.NORMAL:
            return await self._exchange.answer(request, body, on_interim)
        match = match_route(self._exchange.routes, request.method, request.path)
        if mode is OperatingMode.OFFLINE:
            return await self._answer_offline(request, match)
        return await self._exchange.pass_on(request, body, match, PassThrough(NotStoredReason.MODE), on_interim)

    async def _answer_offline(self, request: RequestHead, match: Match) -> Answer:
        admission = admit(request, match.route)
        if not isinstance(admission, PassThrough) and request.method != "QUERY":
            key = self._exchange.refresher.keys.of(request, match)
            try:
                found = await self._exchange.store.lookup(key)
            except StoreUnavailable as error:
                self._observer.store_failed(error.operation, error.detail)
            else:
                stored = of_any_age(request, usable(request, found.candidates), match.route)
                if stored is not None:
                    return self._replies.offline(Ask(request, match, key, admission, found.position), stored)
        left = self._switch.now.seconds_left
        return problems.offline(match.route.name, cache_key(request, match).text, None if left is None else ceil(left))
