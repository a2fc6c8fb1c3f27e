"""One fetch per key in a process, and the owner of every fetch's task: forgets nobody on result, error or cancellation.

Knows nothing of HTTP: what a flight brings is for its fill to say and for its waiters to use.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import TypeAlias

from msgspec import Struct

from proxy.errors import Failure, UpstreamError
from proxy.exchange.bodies import GrowingBody, RelayedBody
from proxy.exchange.causes import Cause
from proxy.exchange.ports import OnInterim
from proxy.exchange.seats import Claim
from proxy.policy.disposition import NotStoredReason
from proxy.policy.messages import ResponseHead, SecondaryKey, StoredResponse


class Streaming(Struct, frozen=True):
    """For the client that began the flight: the head is there, the body is coming. ``reason``: why it is not stored.
    ``is_kept``: whether there is anything to be done with it once it is."""

    head: ResponseHead
    body: GrowingBody | RelayedBody
    reason: NotStoredReason | None = None
    is_kept: bool = True


class Shared(Struct, frozen=True):
    """A stored response, for everyone whose selecting fields it fits."""

    stored: StoredResponse
    head: ResponseHead
    """What the upstream answered: the full response, or the 304 that freshened ``stored``."""
    reason: NotStoredReason | None = None
    """Why it could not be kept all the same (a purge meanwhile, a store that is down)."""
    is_elsewhere: bool = False
    """Another process fetched it: so in each outcome."""


class Spoken(Struct, frozen=True):
    """A whole answer that is not stored. ``is_shared``: it is nobody's own (an error), those who waited have it too;
    ``is_faulty``: a verdict called it a failure."""

    head: ResponseHead
    body: bytes
    reason: NotStoredReason
    upstream_status: int
    """As it came; ``head`` may carry the status that a rule put in its place."""
    is_faulty: bool = False
    is_shared: bool = True
    is_elsewhere: bool = False
    secondary_key: SecondaryKey = ()
    """For whom it is: those who waited with other selecting fields (another key to the API) ask by themselves."""
    caller: str | None = None
    """Which caller's it is (``proxy.policy.privacy``); None: anybody's."""

    @property
    def failure(self) -> Failure | None:
        """As which failure a stale response may stand in for it; None: its status decides."""
        return Failure.FAULTY if self.is_faulty else None


class Alone(Struct, frozen=True):
    """It turned out that this cannot be shared: whoever waited goes upstream by itself."""

    is_elsewhere: bool = False


class Failed(Struct, frozen=True):
    """There is no answer."""

    error: UpstreamError
    is_elsewhere: bool = False
    is_held_off: bool = False
    """Nobody was asked: the key failed elsewhere a moment ago."""


FillOutcome: TypeAlias = Shared | Spoken | Alone | Failed


class Flight:
    """One fetch on its way, and those who wait for it.

    ``opening`` resolves for the client that began it (and ``own``, when ``opening`` resolves to None), ``outcome`` for
    everybody else. ``position`` is the purge log's position before the fetch began.
    """

    def __init__(
        self, name: str, position: int, cause: Cause, *, has_leader: bool, on_interim: OnInterim | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self.position = position
        self.claim = Claim(cause)
        """How urgent it is; rises when a client joins."""
        self.has_leader = has_leader
        self._on_interim = on_interim
        self.opening: asyncio.Future[Streaming | None] = loop.create_future()
        self.outcome: asyncio.Future[FillOutcome] = loop.create_future()
        self.own: asyncio.Future[FillOutcome] = loop.create_future()
        self.task: asyncio.Task[None] | None = None

    def hint(self, interim: ResponseHead) -> None:
        """Tell the one that began it, as long as it waits, of an interim response. Nobody else asked for this one."""
        if self.has_leader and self._on_interim is not None and not self.opening.done():
            self._on_interim(interim)

    def open(self, streaming: Streaming | None) -> None:
        """Tell the one that began it what to send, or (None) to wait for the outcome. The first call counts."""
        if not self.opening.done():
            self.opening.set_result(streaming)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to find out."""
        return self.own.done()

    def scatter(self) -> None:
        """Let everyone else go by itself; what comes is for the one that began it."""
        if not self.outcome.done():
            self.outcome.set_result(Alone())

    def settle(self, outcome: FillOutcome) -> None:
        """Tell everyone. The first call counts."""
        for future in (self.own, self.outcome):
            if not future.done():
                future.set_result(outcome)
        self.open(None)

    def end(self) -> None:
        """Its task is over, whatever befell it. A task that was cancelled holds its frames, and these the flight."""
        self.settle(Alone())
        self.task = None


class SingleFlight:
    """The flights under way by name, those of nobody else's concern, and small background work."""

    def __init__(self, maximum: int, on_bug: Callable[[str, BaseException], None]) -> None:
        self._maximum = maximum
        self._on_bug = on_bug
        self._flights: dict[str, Flight] = {}
        self._under_way: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many tasks are under way."""
        return len(self._tasks)

    @property
    def is_full(self) -> bool:
        """No further flight may be begun for others to join, nor in the background."""
        return len(self._tasks) >= self._maximum

    def find(self, name: str) -> Flight | None:
        """The flight to join, if there is one that has not settled."""
        return self._flights.get(name)

    def is_fetching(self, name: str) -> bool:
        """Whether a flight of this name has not settled, one that nobody may join included."""
        return self._under_way[name] > 0

    def begin(self, flight: Flight, fill: Callable[[Flight], Coroutine[None, None, None]], *, joinable: bool) -> None:
        """Start the fill as a task of its own; ``joinable`` flights replace an older one of their name."""
        if joinable:
            self._flights[flight.name] = flight
        self._under_way[flight.name] += 1
        flight.outcome.add_done_callback(lambda _: self._close(flight))
        flight.own.add_done_callback(lambda _: self._retire(flight))
        flight.task = self._own(self._run(flight, fill))
        flight.task.add_done_callback(lambda _: flight.end())  # also when cancelled before its first step

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Own a small piece of background work (closing something that nobody reads any more)."""
        _ = self._own(work)

    async def see_through(self, work: Coroutine[None, None, None]) -> None:
        """Own a piece of work and wait for it; it is done to the end although whoever waits leaves."""
        await asyncio.shield(self._own(work))

    def leave(self, flight: Flight, *, keep: bool) -> None:
        """The client that began it is gone. ``keep``: the fetch goes on, for the others and for the store."""
        flight.has_leader = False
        if flight.opening.done() and not flight.opening.cancelled():
            streaming = flight.opening.result()
            if streaming is not None:
                self.spawn(streaming.body.aclose())
        elif not keep and flight.task is not None:
            flight.task.cancel()

    async def drain(self, seconds: float) -> int:
        """Let the tasks under way finish for so many ``seconds``, then cancel the rest: how many those were."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=seconds)
        rest = tuple(self._tasks)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        return len(rest)

    def _own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_bug("background task", error)

    async def _run(self, flight: Flight, fill: Callable[[Flight], Coroutine[None, None, None]]) -> None:
        try:
            await fill(flight)
        except asyncio.CancelledError:  # shutdown: whoever waits must not begin anew
            flight.settle(Failed(UpstreamError(Failure.PROTOCOL, "cut short by shutdown")))
            raise
        finally:
            # Whatever happened (a bug, a cancellation), nobody is left waiting: they go by themselves.
            flight.settle(Alone())

    def _close(self, flight: Flight) -> None:
        if self._flights.get(flight.name) is flight:
            del self._flights[flight.name]

    def _retire(self, flight: Flight) -> None:
        self._under_way[flight.name] -= 1
        if not self._under_way[flight.name]:
            del self._under_way[flight.name]
