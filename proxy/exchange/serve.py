"""Answers one request: key, look-up, decision, act. Performs what the policy decides, and never judges a field.

A store that fails is a miss; an upstream that fails is stale, or 502, 503, 504.
"""

import asyncio
from dataclasses import dataclass, field
from typing import assert_never

from msgspec.structs import replace

from proxy.clock import Clock
from proxy.errors import Failure, UpstreamError
from proxy.exchange import problems
from proxy.exchange.ahead import Ahead
from proxy.exchange.alone import AloneKeys
from proxy.exchange.ask import Ask, is_for
from proxy.exchange.causes import Cause
from proxy.exchange.content import HeldContent, held
from proxy.exchange.fleet import Fleet
from proxy.exchange.holdoff import HoldOff
from proxy.exchange.invalidating import Invalidator
from proxy.exchange.launching import Behind, Launcher
from proxy.exchange.missing import missing
from proxy.exchange.passing import Passer
from proxy.exchange.ports import Answer, Observer, OnInterim, RequestBody, Store
from proxy.exchange.posted import PostedKeeper
from proxy.exchange.recalling import look_up, recalled
from proxy.exchange.refresh import Refresher
from proxy.exchange.replies import Replies
from proxy.exchange.singleflight import Alone, Failed, FillOutcome, Flight, Shared, SingleFlight, Spoken, Streaming
from proxy.policy import dispositions
from proxy.policy.cache_key import cache_key, content_key, selects
from proxy.policy.disposition import (
    Ended,
    Forward,
    ForwardReason,
    Freshened,
    NotStoredReason,
    PassThrough,
    Relay,
    Reuse,
    ReuseWhileRevalidating,
    ServeStale,
    Unsatisfiable,
    Validate,
)
from proxy.policy.messages import RequestHead, StoredResponse, Timing
from proxy.policy.partial import usable
from proxy.policy.ranges import asks_for_part
from proxy.policy.reuse import choose, wants_stored_only
from proxy.policy.route import Match, RoutePolicy, match_route
from proxy.policy.storability import admit
from proxy.policy.validation import conclude, conclude_head, conditional, held_off, stand_in


@dataclass(slots=True)
class Exchange:
    """The one entrance for requests: ``answer``."""

    routes: tuple[RoutePolicy, ...]
    store: Store
    flights: SingleFlight
    refresher: Refresher
    passer: Passer
    hold_off: HoldOff
    ahead: Ahead
    observer: Observer
    clock: Clock
    fleet: Fleet | None = None
    """The other processes, where there are any to share fetches with."""
    upstream: str = ""
    """The URL that the upstream goes by: Location may name what is stored by it."""
    alone: AloneKeys = field(init=False)
    _replies: Replies = field(init=False)
    _invalidator: Invalidator = field(init=False)
    launcher: Launcher = field(init=False)
    """Where fetches begin."""
    _posts: PostedKeeper = field(init=False)

    def __post_init__(self) -> None:
        self._replies = Replies(self.clock, self.observer)
        self._posts = PostedKeeper(self.routes, self.store, self.refresher, self.clock, self.upstream)
        self.alone = AloneKeys(self.clock) if self.fleet is None else self.fleet.alone
        self.launcher = Launcher(
            *(self.store, self.flights, self.refresher, self.hold_off, self.clock, self.alone, self.fleet)
        )
        self._invalidator = Invalidator(
            *(self.routes, self.store, self.flights, self.observer, self.upstream, self.refresher.keys),
            self._posts.is_pending,
        )

    async def answer(
        self, request: RequestHead, body: RequestBody | None, on_interim: OnInterim | None = None
    ) -> Answer:
        """Answer one request; ``on_interim`` hears of the interim responses to what is fetched for it.

        Raises ClientGoneError and ClientError from reading its content, nothing else.
        """
        match = match_route(self.routes, request.method, request.path)
        admission = admit(request, match.route)
        if isinstance(admission, PassThrough):
            if wants_stored_only(request, admission):
                return problems.unsatisfiable(dispositions.unsatisfiable(), match.route.name, "")
            return await self.pass_on(request, body, match, admission, on_interim)
        key = self.refresher.keys.of(request, match)
        ask = Ask(request, match, key, admission, 0, on_interim=on_interim)
        return await (self._query(ask, body) if request.method == "QUERY" else self._answer_from_store(ask))

    async def pass_on(
        self,
        request: RequestHead,
        body: RequestBody | None,
        match: Match,
        why: PassThrough,
        on_interim: OnInterim | None = None,
    ) -> Answer:
        """Send a request on without looking anything up; an unsafe one invalidates. Raises as ``answer``."""
        watch = self._posts.watch(request) if why.reason is NotStoredReason.METHOD else None
        answer = await self.passer.forward(request, body, match, why, on_interim, watch)
        answer = await self._invalidating(request, answer)
        if watch is not None:
            watch.begin(answer.body)
        return answer

    async def _query(self, ask: Ask, body: RequestBody | None) -> Answer:
        """A QUERY: its content is part of its key, where it is short enough to be held (RFC 10008 §2.7)."""
        content = await held(body)
        if isinstance(content, HeldContent):
            url = cache_key(ask.request, ask.match)
            key = content_key(url, ask.request.fields, content.data)
            return await self._answer_from_store(replace(ask, key=key, content=content))
        too_large = PassThrough(NotStoredReason.TOO_LARGE)
        return await self.passer.forward(ask.request, content, ask.match, too_large, ask.on_interim)

    async def _invalidating(self, request: RequestHead, answer: Answer) -> Answer:
        """The answer, once what it made doubtful is gone: whoever reads it may look at what was changed."""
        needed = self._invalidator.needed(request, answer.head)
        if needed is not None:
            try:
                await self.flights.see_through(self._invalidator.carry_out(needed))
            except BaseException:
                if not isinstance(answer.body, bytes):
                    await answer.body.aclose()
                raise
        return answer

    async def _answer_from_store(self, ask: Ask) -> Answer:
        found = await look_up(ask.key, self.store, self.hold_off, self.observer)
        decision = choose(ask.request, usable(ask.request, found.candidates), ask.route, self.clock.now())
        is_alone = ask.is_alone or not found.is_vouched
        ask = replace(ask, position=found.position, is_alone=is_alone, is_blind=found.has_failed)
        match decision:
            case Reuse(stored):
                if self.ahead.is_due(ask.key.text, stored, ask.route):
                    self._refresh_ahead(ask, stored)
                return self._replies.hit(ask, stored)
            case ReuseWhileRevalidating(stored, conditional):
                return self._refresh_behind(replace(ask, stale=stored, conditional=conditional), stored)
            case Validate(stored, conditional, reason):
                ask = replace(ask, why=reason, stale=stored, conditional=conditional)
                return self._spared(ask, stored) or await self._fetch(ask)
            case Forward(reason):
                return await self._fetch(missing(ask, reason, found.candidates))
            case Unsatisfiable():
                return problems.unsatisfiable(dispositions.unsatisfiable(), ask.route.name, ask.key.text)
            case _:
                assert_never(decision)

    # Not waiting for the upstream ------------------------------------------------------------------------------

    def _refresh_behind(self, ask: Ask, stored: StoredResponse) -> Answer:
        """Stale, at once; it is being refreshed unless the upstream or this key is left alone."""
        if (reason := self.launcher.held_back(ask.key.text)) is not None:
            return self._replies.stood_in(ask, ServeStale(stored, reason))
        is_running = self.launcher.behind(ask, Cause.REFRESH) is Behind.RUNNING
        return self._replies.revalidating(ask, stored, is_running=is_running)

    def _refresh_ahead(self, ask: Ask, stored: StoredResponse) -> None:
        """Fresh still, but soon it is not: whoever asks then should not have to wait."""
        ask = replace(ask, stale=stored, conditional=conditional(stored))
        if self.launcher.behind(ask, Cause.AHEAD) is Behind.BEGUN:
            self.ahead.spend(ask.route)

    def _spared(self, ask: Ask, stored: StoredResponse) -> Answer | None:
        """Stale, at once, where asking failed lately: nobody waits for the next failure, it is tried behind."""
        setback = self.hold_off.setback(ask.key.text)
        if setback is None or ask.why is not ForwardReason.STALE:
            return None
        stale = held_off(stored, setback.failure, self.clock.now())
        if not isinstance(stale, ServeStale):
            return None
        _ = self.launcher.behind(ask, Cause.REFRESH)
        return self._replies.stood_in(ask, stale)

    # Fetching --------------------------------------------------------------------------------------------------

    async def _fetch(self, ask: Ask) -> Answer:
        if ask.may_share and (flight := self.launcher.joinable(ask)) is not None:
            return await self._follow(ask, flight)
        if ask.request.method == "HEAD":
            return await self._ask_head(ask)
        return await self._lead(ask)

    async def _ask_head(self, ask: Ask) -> Answer:
        """A HEAD for which nothing usable is stored: its answer is not stored, and may speak of a stored GET."""
        try:
            head, timing = await self.passer.ask_head(ask)
        except UpstreamError as error:
            return await self._fail(ask, error, is_follower=False)
        ask = await recalled(ask, self.store, self.clock, head)
        if ask.stale is None:
            return self._replies.head(ask, head)
        match conclude_head(ask.stale, head, ask.route, timing):
            case Freshened(stored):
                stored = replace(stored, position=ask.position)
                shared = Shared(stored, head, await self.refresher.put(ask.key, stored))
                return self._replies.shared(ask, shared, is_follower=False)
            case ServeStale() as stale:
                return self._replies.stood_in(ask, stale)
            case Ended(stored):
                await self.refresher.put(ask.key, stored)
                return self._replies.head(ask, head)
            case Relay():
                return self._replies.head(ask, head)

    async def _lead(self, ask: Ask) -> Answer:
        flight, joinable = self.launcher.lead(ask)
        try:
            streaming = await asyncio.shield(flight.opening)
            if streaming is None:
                outcome = await asyncio.shield(flight.own)
                return await self._conclude(ask, outcome, is_follower=outcome.is_elsewhere)
        except asyncio.CancelledError:
            self.flights.leave(flight, keep=joinable)
            raise
        if streaming.reason is not None and not asks_for_part(ask.request):
            self.alone.add(ask.key.text)
        return await self._stream(ask, streaming)

    async def _follow(self, ask: Ask, flight: Flight) -> Answer:
        flight.claim.rise()
        return await self._conclude(ask, await asyncio.shield(flight.outcome), is_follower=True)

    # What came of it -------------------------------------------------------------------------------------------

    async def _stream(self, ask: Ask, streaming: Streaming) -> Answer:
        ask = await recalled(ask, self.store, self.clock, streaming.head)
        if ask.stale is not None:
            now = self.clock.now()
            concluded = conclude(ask.stale, streaming.head, ask.route, Timing(now, now))
            if isinstance(concluded, ServeStale):
                await streaming.body.aclose()
                return self._replies.stood_in(ask, concluded)
        if self._replies.is_unmodified(ask, streaming.head):
            await streaming.body.aclose()
            return self._replies.unmodified(ask, streaming)
        return self._replies.streaming(ask, streaming)

    async def _conclude(self, ask: Ask, outcome: FillOutcome, *, is_follower: bool) -> Answer:
        match outcome:
            case Shared(stored) if not is_follower or selects(stored.secondary_key, ask.request):
                return self._replies.shared(ask, outcome, is_follower=is_follower)
            case Spoken() if not is_follower or (outcome.is_shared and is_for(ask, outcome)):
                return await self._speak(ask, outcome, is_follower=is_follower)
            case Failed(error):
                return await self._fail(ask, error, is_follower=is_follower)
            case Shared():  # another variant: it looks again, and waits again where its own is being fetched
                return await self._answer_from_store(replace(ask, tries=ask.tries + 1))
            case Spoken() | Alone() if is_follower:
                return await self._answer_from_store(replace(ask, is_alone=True))
            case Spoken() | Alone():  # its own fetch was cut short: by shutdown, or by a mistake of ours
                error = UpstreamError(Failure.PROTOCOL, "the fetch was cut short")
                return await self._fail(ask, error, is_follower=False)
            case _:
                assert_never(outcome)

    async def _speak(self, ask: Ask, spoken: Spoken, *, is_follower: bool) -> Answer:
        ask = await recalled(ask, self.store, self.clock, None if spoken.is_faulty else spoken.head)
        if ask.stale is not None:
            now = self.clock.now()
            concluded = (
                stand_in(ask.stale, spoken.failure, now)
                if spoken.failure is not None
                else conclude(ask.stale, spoken.head, ask.route, Timing(now, now))
            )
            if isinstance(concluded, ServeStale):
                return self._replies.stood_in(ask, concluded)
        return self._replies.spoken(ask, spoken, is_follower=is_follower)

    async def _fail(self, ask: Ask, error: UpstreamError, *, is_follower: bool) -> Answer:
        ask = await recalled(ask, self.store, self.clock)
        concluded = stand_in(ask.stale, error.failure, self.clock.now())
        if isinstance(concluded, ServeStale):
            return self._replies.stood_in(ask, concluded)
        disposition = dispositions.unanswered(ask.why, error.failure, is_collapsed=is_follower)
        must_validate = ask.stale is not None and ask.stale.never_stale
        return problems.failed(error, disposition, ask.route.name, ask.key.text, must_validate=must_validate)
