"""One fetch per key in the whole fleet: takes a key's lease before a fill, or waits for who has it. Fetches nothing
itself, and never waits longer than a fetch may take.

Without leases (one process, or Redis is gone) a fill is what it is without this module.
"""

import asyncio
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from proxy.clock import Clock
from proxy.errors import Failure, StoreUnavailable, UpstreamError
from proxy.exchange.alone import AloneKeys
from proxy.exchange.causes import Cause, Priority
from proxy.exchange.holdoff import Setback
from proxy.exchange.jobs import Job
from proxy.exchange.leases import Elsewhere, Ending, Held, Lease, Leases, Note, Wish
from proxy.exchange.notes import note_of, outcome_of
from proxy.exchange.ports import Store
from proxy.exchange.refresh import Refresher
from proxy.exchange.singleflight import Failed, Flight, Shared
from proxy.policy.disposition import (
    Forward,
    ForwardReason,
    Reuse,
    ReuseWhileRevalidating,
    ServeStale,
    Unsatisfiable,
    Validate,
)
from proxy.policy.messages import ResponseHead, StoredResponse
from proxy.policy.partial import usable
from proxy.policy.reuse import choose
from proxy.policy.validation import held_off

MOST_TURNS: Final = 8
"""Leases of others that one fill waits for, one after the other, before it goes on by itself: each may have brought
another variant, or have died."""


class Fleet(Struct, frozen=True):
    """Fills flights that may be joined, once per key among all who share the leases."""

    refresher: Refresher
    store: Store
    leases: Leases
    alone: AloneKeys
    clock: Clock
    patience: float
    """Seconds that others' fetches are waited for in all: what a fetch may take, its place in the queue included."""

    async def fill(self, job: Job, flight: Flight) -> None:
        """Settle ``flight``, whatever comes. Runs as the flight's own task."""
        try:
            async with asyncio.timeout(self.patience):
                lease = await self._turn(job, flight)
        except TimeoutError:
            error = UpstreamError(Failure.TIMEOUT, f"not fetched elsewhere within {self.patience:g} s")
            flight.settle(Failed(error, is_elsewhere=True))
            return
        if flight.is_settled:
            return
        if lease is None:
            # What is fetched without a lease is as late as our clock says.
            await self.refresher.fill(replace(job, fence=int(self.clock.now() * 1e6)), flight)
            return
        await self._fill_under(lease, job, flight)

    async def _fill_under(self, lease: Lease, job: Job, flight: Flight) -> None:
        # Others are told as soon as the outcome is known: an answer that cannot be shared may go on for hours.
        flight.own.add_done_callback(lambda done: lease.end(note_of(done.result())))
        try:
            await self.refresher.fill(replace(job, fence=lease.fence), flight)
        except BaseException:
            lease.end(Note(Ending.GONE))  # shutdown, or a bug: whoever waits elsewhere takes over
            raise

    async def _turn(self, job: Job, flight: Flight) -> Lease | None:
        """Wait for the lease, or for what makes it needless: then the flight is settled. None: go without."""
        wish = Wish(job.key.text, job.position, flight.claim.priority, flight.claim.rise)
        for _ in range(MOST_TURNS):
            taken = await self.leases.take(replace(wish, priority=flight.claim.priority))
            match taken:
                case Held(lease):
                    return await self._still_needed(lease, job, flight)
                case Elsewhere(holder, position):
                    if self.store.purged_since(position, job.key) is not None:
                        wish = replace(wish, over=holder)  # what began before a purge is not for who comes after it
                        continue
                    note = await self._wait(taken, job, flight)
                    if note is None or await self._is_enough(note, job, flight):
                        return None
                case Note():
                    self._scatter(job, flight)
                    return None
                case None:
                    return None
        return None

    async def _still_needed(self, lease: Lease, job: Job, flight: Flight) -> Lease | None:
        """Between our look-up and the lease another may have fetched it, or have failed to."""
        try:
            found = await self._look(job, has_waited=False)
            error = await self._left_alone(job, flight) if found is None else None
        except BaseException:
            lease.end(Note(Ending.GONE))
            raise
        if found is None and error is None:
            return lease
        lease.end(Note(Ending.GONE))
        if found is not None:
            _share(flight, found)
        elif error is not None:
            flight.settle(Failed(error, is_elsewhere=True, is_held_off=True))
        return None

    async def _left_alone(self, job: Job, flight: Flight) -> UpstreamError | None:
        """How another process failed a moment ago, where nobody waits for this fetch or something stored may serve."""
        if job.cause is Cause.MISS and job.validating is None:
            return None
        hold_off = self.refresher.hold_off
        await hold_off.learn(job.key.text)
        setback = hold_off.setback(job.key.text)
        if setback is None or self.clock.monotonic() >= setback.until:
            return None
        if flight.claim.priority is Priority.CLIENT and not self._is_spared(job, setback):
            return None
        return UpstreamError(setback.failure, "failed elsewhere a moment ago")

    def _is_spared(self, job: Job, setback: Setback) -> bool:
        """Whether the client that waits for it may be served what it would validate."""
        if job.validating is None:
            return False
        now = self.clock.now()
        match choose(job.request, usable(job.request, (job.validating,)), job.match.route, now):
            case Validate(stored, reason=ForwardReason.STALE):
                return isinstance(held_off(stored, setback.failure, now), ServeStale)
            case _:
                return False

    async def _wait(self, taken: Elsewhere, job: Job, flight: Flight) -> Note | None:
        def urge() -> None:
            self.leases.urge(job.key.text)

        if taken.priority > Priority.CLIENT:
            flight.claim.on_rise = urge
            if flight.claim.priority is Priority.CLIENT:
                urge()
        try:
            return await self.leases.outlast(job.key.text, taken.holder)
        finally:
            flight.claim.on_rise = None

    async def _is_enough(self, note: Note, job: Job, flight: Flight) -> bool:
        """Whether nothing is left to wait for: the flight is settled, or its fetch is its beginner's own."""
        if note.ending is Ending.ALONE:
            self._scatter(job, flight)
            return True
        outcome = outcome_of(note)
        if outcome is not None:
            flight.settle(outcome)
            return True
        found = await self._look(job, has_waited=True)
        if found is not None:
            _share(flight, found)
        return found is not None

    def _scatter(self, job: Job, flight: Flight) -> None:
        self.alone.add(job.key.text)
        flight.scatter()

    async def _look(self, job: Job, *, has_waited: bool) -> StoredResponse | None:
        """What another process has stored for this request since. Who waited for it takes it even when already stale;
        who did not wants it fresh."""
        try:
            candidates = (await self.store.look_again(job.key)).candidates
        except StoreUnavailable:
            return None
        route = job.match.route
        match choose(job.request, usable(job.request, candidates), route, self.clock.now()):
            case Reuse(stored):
                pass
            case ReuseWhileRevalidating(stored) | Validate(stored):
                if not has_waited or stored.is_ended:
                    return None
            case Forward() | Unsatisfiable():
                return None
            case never:
                assert_never(never)
        is_known = job.validating is not None and stored.response_time == job.validating.response_time
        return None if is_known else stored


def _share(flight: Flight, stored: StoredResponse) -> None:
    head = ResponseHead(stored.status, stored.fields, stored.reason)
    flight.settle(Shared(stored, head, is_elsewhere=True))
