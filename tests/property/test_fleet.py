"""Several processes before one moody upstream, by the hub's own rules: one fetch per key among them all, the cap holds,
nobody waits for ever, and what was fetched later is what is kept. Processes die, fall silent, clients leave.

Time is virtual, words take theirs on the way; a process is its own exchange over its own connection.
"""

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.errors import UpstreamError
from proxy.exchange.ahead import Ahead
from proxy.exchange.alone import AloneKeys
from proxy.exchange.asking import Asker
from proxy.exchange.fleet import Fleet
from proxy.exchange.guard import Guard, GuardSettings
from proxy.exchange.holdoff import FailureMemory
from proxy.exchange.passing import Passer
from proxy.exchange.ports import OnInterim, UpstreamAnswer, UpstreamRequest
from proxy.exchange.refresh import Refresher
from proxy.exchange.retrying import Retrier, RetrySettings
from proxy.exchange.serve import Exchange
from proxy.exchange.singleflight import SingleFlight
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, RequestHead, StoredResponse
from proxy.store.hub.client import HubClient
from proxy.store.hub.leases import HubLeases
from proxy.store.hub.places import HubSeats
from proxy.store.hub.state import HubState, Saying
from proxy.store.hub.words import Beat, Reader, from_worker
from tests.property.test_protection import QUEUE_TIMEOUT, TOTAL, Moody, seconds
from tests.support.observer import RecordingObserver
from tests.support.scenario import DictStore, Got, a_route
from tests.support.virtual_time import VirtualClock, play

WORKERS = 3
ROUTE = a_route(ttl=5.0, stale_while_revalidate=20.0, stale_if_error=60.0)


class Upstream(Moody):
    """Counts what it is asked at once for each target, and numbers its answers."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.at_once: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.numbers = 0

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        """See Moody; the head says which fetch it was."""
        self.numbers += 1
        number, target = str(self.numbers), request.target
        self.at_once[target] += 1
        self.most_at_once[target] = max(self.most_at_once[target], self.at_once[target])
        try:
            answer = await super().send(request, on_interim)
        finally:
            self.at_once[target] -= 1
        answer.head = type(answer.head)(answer.head.status, answer.head.fields.adding(("X-Number", number)))
        return answer


class FencedStore(DictStore):
    """One for all: lets go of what is behind what is there, as every shared store does (its own contract says so)."""

    def __init__(self) -> None:
        super().__init__()
        self.fences: defaultdict[str, int] = defaultdict(int)
        self.kept: defaultdict[str, list[int]] = defaultdict(list)
        """The numbers of the fetches that were stored, in that order."""

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> bool:
        await asyncio.sleep(0.01)
        if stored.fence < self.fences[key.text]:
            return True
        self.fences[key.text] = stored.fence
        self.kept[key.text].append(int(stored.fields.joined("x-number") or 0))
        return await super().put(key, stored, keep_for)


class Line(asyncio.WriteTransport):
    """One worker's connection: words take a while, and keep their order."""

    def __init__(self, hub: "Hub", number: int, client: HubClient) -> None:
        super().__init__()
        self._hub, self.number, self.client = hub, number, client
        self._reader = Reader()
        self.is_cut = False
        self._there = self._back = 0.0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See WriteTransport."""
        for word in map(from_worker, self._reader.feed(bytes(data))):
            self._there = self._hub.later(self._there, lambda word=word: self._hub.hear(self, word))

    def get_write_buffer_size(self) -> int:
        """See WriteTransport."""
        return 0

    def is_closing(self) -> bool:
        """See WriteTransport."""
        return self.is_cut

    def deliver(self, word: Any) -> None:
        """A word from the hub."""
        self._back = self._hub.later(self._back, lambda: None if self.is_cut else self.client.heard(word))


class Hub:
    """The hub's rules over lines in virtual time."""

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        self.clock = clock
        self.state = HubState(int(clock.now() * 1e6), clock.monotonic())
        self.lines: dict[int, Line] = {}
        self._random = random.Random(seed)  # noqa: S311 - delays, the same again for the same seed

    def later(self, after: float, act: Any) -> float:
        """Do it soon, but not before ``after``; when that is."""
        loop = asyncio.get_running_loop()
        when = max(after, loop.time() + self._random.random() * 0.02)
        loop.call_at(when, act)
        return when

    def hear(self, line: Line, word: Any) -> None:
        """What a worker said has arrived."""
        if not line.is_cut:
            self._say(self.state.hear(line.number, word, self.clock.monotonic()))

    def gone(self, line: Line) -> None:
        """A connection broke."""
        line.is_cut = True
        self.later(0.0, lambda: self._say(self.state.gone(line.number, self.clock.monotonic())))

    async def tick(self) -> None:
        """Time passes."""
        while True:
            await asyncio.sleep(0.25)
            self._say(self.state.tick(self.clock.monotonic()))

    def _say(self, sayings: list[Saying]) -> None:
        for number, word in sayings:
            self.lines[number].deliver(word)


@dataclass
class Worker:
    """One process."""

    hub: Hub
    number: int
    upstream: Upstream
    store: FencedStore
    maximum: int
    is_silent: bool = False
    clients: "set[asyncio.Task[None]]" = field(default_factory=set)

    def __post_init__(self) -> None:
        clock, observer = self.hub.clock, RecordingObserver()
        client = HubClient(Path("/nowhere"), f"worker {self.number}")
        leases, self.seats = HubLeases(client), HubSeats(client, self.maximum)
        self.guard = Guard(GuardSettings(self.maximum, 100, QUEUE_TIMEOUT), clock, observer.waited, self.seats)
        self.flights = SingleFlight(1000, observer.internal_error)
        asker = Asker(self.upstream, observer, clock, Retrier(RetrySettings(0), clock, TOTAL, lambda: 0.0))
        shared = (asker, self.store, self.guard, observer, clock)
        hold_off = FailureMemory(clock, lambda: 1.0)
        refresher = Refresher(*shared, hold_off, TOTAL)
        self.exchange = Exchange(
            routes=(ROUTE,),
            store=self.store,
            flights=self.flights,
            refresher=refresher,
            passer=Passer(*shared),
            hold_off=hold_off,
            ahead=Ahead(self.guard, clock),
            observer=observer,
            clock=clock,
            fleet=Fleet(refresher, self.store, leases, AloneKeys(clock), clock, QUEUE_TIMEOUT + TOTAL),
        )
        self.line = self.hub.lines[self.number] = Line(self.hub, self.number, client)
        client.connected(self.line)
        self._client = client

    async def beat(self) -> None:
        """Be heard, unless it sleeps."""
        while not self.line.is_cut:
            if not self.is_silent:
                self._client.say(Beat(0, self.seats.held))
            await asyncio.sleep(0.5)

    async def die(self) -> None:
        """Killed: nothing of it runs any more, and its connections break."""
        self.hub.gone(self.line)
        for task in self.clients:
            task.cancel()
        await self.flights.drain(0)

    async def get(self, target: str) -> Got:
        """Ask and read the whole answer."""
        request = RequestHead("GET", target, Fields(), authority="tambo.test")
        return await Got.of(await self.exchange.answer(request, None))


@dataclass(frozen=True)
class Asking:
    """One client: when it comes, where, what for, when it leaves if it is not answered before."""

    comes: float
    worker: int
    key: int
    patience: float | None


clients = st.lists(
    st.builds(
        Asking,
        comes=seconds(100),
        worker=st.integers(0, WORKERS - 1),
        key=st.integers(0, 3),
        patience=st.none() | seconds(30),
    ),
    min_size=8,
    max_size=40,
)


SLEEPER = [Asking(0.0, 0, 0, None), Asking(3.0, 1, 0, None)]
"""The first falls silent in its fetch, the second fetches meanwhile and is faster."""


@dataclass
class Play:
    """Everybody in it, and what it shows."""

    seed: int
    maximum: int

    def __post_init__(self) -> None:
        self.upstream, self.store = Upstream(self.seed), FencedStore()
        self.hub = Hub(VirtualClock(), self.seed)
        given = self.upstream, self.store, self.maximum
        self.workers = [Worker(self.hub, number, *given) for number in range(WORKERS)]
        self.waited: list[float] = []

    async def client(self, one: Asking) -> None:
        """Come, ask, and wait as long as there is patience."""
        await asyncio.sleep(one.comes + 0.1)  # by then the hub knows everybody
        worker, loop, task = self.workers[one.worker], asyncio.get_running_loop(), asyncio.current_task()
        if worker.line.is_cut or task is None:
            return
        came = loop.time()
        worker.clients.add(task)
        try:
            async with asyncio.timeout(one.patience):
                got = await worker.get(f"/{one.key}")
        except (TimeoutError, UpstreamError, ZeroDivisionError, asyncio.CancelledError):
            return  # it left; cut in mid-body; a bug that the edge answers; it died with its process
        assert got.status in {200, 502, 503, 504}
        self.waited.append(loop.time() - came)

    async def death(self, number: int, when: float) -> None:
        """One process is killed."""
        await asyncio.sleep(0.1 + when)
        await self.workers[number].die()

    async def silence(self, when: float, number: int, lasts: float) -> None:
        """One process is not heard for a while."""
        await asyncio.sleep(0.1 + when)
        self.workers[number].is_silent = True
        await asyncio.sleep(lasts)
        self.workers[number].is_silent = False

    async def end(self) -> None:
        """What is under way comes to its end, and nothing is left over."""
        for worker in self.workers:
            await worker.flights.drain(1000)
        await asyncio.sleep(5)
        assert self.upstream.inflight == 0
        for worker in self.workers:
            left = worker.guard.inflight, worker.guard.queue_depth, len(worker.flights)
            assert worker.line.is_cut or left == (0, 0, 0)
        assert not self.hub.state._leases, "a lease that nobody holds any more"
        for numbers in self.store.kept.values():
            assert numbers == sorted(numbers), "an older fetch in place of a newer one"
        # Whoever stayed was answered: after its turn and its fetch, or others', and then at most its own.
        assert all(seconds <= 2 * (QUEUE_TIMEOUT + TOTAL) for seconds in self.waited)


async def the_fleet(
    asking: list[Asking], deaths: dict[int, float], silences: list[tuple[float, int, float]], seed: int, maximum: int
) -> Play:
    scene = Play(seed, maximum)
    around = [scene.hub.tick(), *(worker.beat() for worker in scene.workers)]
    running = [asyncio.ensure_future(each) for each in around]
    dying = [scene.death(number, when) for number, when in deaths.items()]
    await asyncio.gather(*map(scene.client, asking), *dying, *(scene.silence(*each) for each in silences))
    await scene.end()
    for task in running:
        task.cancel()
    return scene


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    clients,
    st.dictionaries(st.integers(0, WORKERS - 1), seconds(100), max_size=WORKERS - 1),
    st.integers(0, 2**32),
    st.integers(1, 3),
)
def test_processes_that_die(asking: list[Asking], deaths: dict[int, float], seed: int, maximum: int) -> None:
    upstream = play(the_fleet(asking, deaths, [], seed, maximum)).upstream
    assert upstream.most <= maximum
    assert all(most <= 1 for most in upstream.most_at_once.values()), "a key fetched twice at once"


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    clients,
    st.lists(st.tuples(seconds(100), st.integers(0, WORKERS - 1), seconds(20)), min_size=1, max_size=4),
    st.integers(0, 2**32),
)
@example(SLEEPER, [(0.0, 0, 20.0)], 0)
@example(SLEEPER, [(0.0, 0, 20.0)], 6)
def test_processes_that_fall_silent(asking: list[Asking], silences: list[tuple[float, int, float]], seed: int) -> None:
    """Their leases and places go to others while their fetches go on: those come too late, and replace nothing."""
    play(the_fleet(asking, {}, silences, seed, 3))
