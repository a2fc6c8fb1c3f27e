"""Memory over a lasting store that fails, stalls, or is changed by others: what is answered, kept and promised."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from proxy.errors import StoreUnavailable, SupersededError
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.backing import Found, LoggedPurge
from proxy.store.memory import Memory
from proxy.store.replica import Term
from proxy.store.stats import TierStats
from proxy.store.tiered import FENCE, TieredStore
from tests.support.builders import T0, a_key, a_stored
from tests.support.clock import FakeClock

KEY = a_key("/a")
SOFT, HARD = PurgeMode.SOFT, PurgeMode.HARD


class ScriptedBacking:
    """A Backing in a dict that can be told to fail, or to hold look-ups and writes at gates. It cannot sweep."""

    tier = "redis"

    def __init__(self) -> None:
        self.stats = TierStats(self.tier)
        self.is_up = True
        self.stored: dict[str, list[StoredResponse]] = {}
        self.log: list[LoggedPurge] = []
        self.gate: asyncio.Event | None = None
        self.put_gate: asyncio.Event | None = None
        self.gets = 0
        self.removes = True
        self.reached = asyncio.Event()
        self.fails = self.has_later = False
        """Whether writes time out; whether a later fetch has stored already."""

    def _check(self, operation: str) -> None:
        if not self.is_up:
            raise StoreUnavailable(operation, "down")

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def get(self, key: CacheKey, *, patient: bool = False) -> Found:
        self._check("get")
        self.gets += 1
        found = Found(list(self.stored.get(key.text, ())), self.log[-1].position if self.log else 0)
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        return found

    async def put(self, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
        if self.put_gate is not None:
            self.reached.set()
            await self.put_gate.wait()
        self._check("put")
        if self.fails:
            raise StoreUnavailable("put", "no answer in time")
        if self.has_later:
            raise SupersededError("put", "a later fetch")
        others = [known for known in self.stored.get(key.text, []) if known.secondary_key != stored.secondary_key]
        self.stored[key.text] = [*others, stored]

    async def remove(self, key: CacheKey) -> int:
        self._check("remove")
        if not self.removes:
            raise StoreUnavailable("remove", "too slow")
        return len(self.stored.pop(key.text, []))

    async def log_purge(self, purge: Purge, by: str = "") -> int:
        self._check("purge")
        self.log.append(LoggedPurge(len(self.log) + 1, purge, T0))
        return len(self.log)

    async def purges_after(self, position: int) -> Sequence[LoggedPurge]:
        self._check("purges")
        return [logged for logged in self.log if logged.position > position]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def backing() -> ScriptedBacking:
    return ScriptedBacking()


@pytest.fixture
async def store(backing: ScriptedBacking, clock: FakeClock) -> AsyncIterator[TieredStore]:
    store = TieredStore(Memory(1_000_000, clock), backing, clock)
    await store.open()
    yield store
    await store.close()


async def _found(store: TieredStore) -> list[bytes]:
    return sorted(stored.body for stored in (await store.lookup(KEY)).candidates)


async def test_memory_answers_without_asking_again(store: TieredStore, backing: ScriptedBacking) -> None:
    backing.stored["/a"] = [a_stored(b"1", freshness_lifetime=60)]
    for _ in range(3):
        assert await _found(store) == [b"1"]
    assert backing.gets == 1


async def test_memory_answers_while_the_rest_is_down(store: TieredStore, backing: ScriptedBacking) -> None:
    backing.stored["/a"] = [a_stored(b"1")]
    await _found(store)
    backing.is_up = False
    assert await _found(store) == [b"1"]
    with pytest.raises(StoreUnavailable):
        await store.lookup(a_key("/not-in-memory"))


async def test_what_could_not_be_written_is_in_memory(store: TieredStore, backing: ScriptedBacking) -> None:
    backing.is_up = False
    with pytest.raises(StoreUnavailable):
        await store.put(KEY, a_stored(b"1", secondary_key=(("accept", "x"),)), 60)
    assert await _found(store) == [b"1"]


async def test_a_purge_that_cannot_last_fails_and_claims_nothing(store: TieredStore, backing: ScriptedBacking) -> None:
    await store.put(KEY, a_stored(b"1"), 60)
    backing.is_up = False
    for purge in (Purge(PurgeKind.URL, "/a", HARD), Purge(PurgeKind.ALL, "", HARD)):
        with pytest.raises(StoreUnavailable):
            await store.purge(purge)
    assert await _found(store) == [b"1"]


@pytest.mark.parametrize("mode", PurgeMode)
async def test_a_look_up_purged_while_it_was_read_is_not_put_into_memory(
    store: TieredStore, backing: ScriptedBacking, mode: PurgeMode
) -> None:
    backing.stored["/a"] = [a_stored(b"old")]
    backing.gate = asyncio.Event()
    reading = asyncio.ensure_future(store.lookup(KEY))
    await backing.reached.wait()
    await store.purge(Purge(PurgeKind.PREFIX, "/a", mode))
    backing.gate.set()
    await reading
    assert [stored.is_ended for stored in store.resident(KEY) or ()] == ([True] if mode is SOFT else [])
    assert [stored.is_ended for stored in (await store.lookup(KEY)).candidates] == ([True] if mode is SOFT else [])


async def test_a_newer_answer_stored_while_an_older_was_read_wins(store: TieredStore, backing: ScriptedBacking) -> None:
    backing.stored["/a"] = [a_stored(b"old", response_time=T0 - 10)]
    backing.gate = asyncio.Event()
    reading = asyncio.ensure_future(store.lookup(KEY))
    await backing.reached.wait()
    await store.put(KEY, a_stored(b"new"), 60)
    backing.gate.set()
    assert [stored.body for stored in (await reading).candidates] == [b"new"]
    assert await _found(store) == [b"new"]


async def test_the_purges_of_others_are_learnt_with_the_next_look_up(
    store: TieredStore, backing: ScriptedBacking
) -> None:
    backing.stored["/a"] = [a_stored(b"1")]
    backing.log = [LoggedPurge(7, Purge(PurgeKind.PREFIX, "/a", HARD), T0)]
    assert await _found(store) == []
    assert store.position == 7


async def test_a_purge_that_is_told_is_true_at_once_where_none_before_it_is_unknown(store: TieredStore) -> None:
    await store.put(KEY, a_stored(position=5), 60)
    assert not store.learn(8, LoggedPurge(9, Purge(PurgeKind.URL, "/a", HARD), T0)), "what came up to 8 is not known"
    assert await _found(store) != []
    assert store.learn(0, LoggedPurge(9, Purge(PurgeKind.URL, "/a", HARD), T0))
    assert store.learnt == 9
    assert store.resident(KEY) is None


async def test_what_took_longer_than_purges_are_remembered_is_not_stored(
    store: TieredStore, backing: ScriptedBacking
) -> None:
    """As by a process that stood still in the middle of a fetch."""
    assert not await store.put(KEY, a_stored(cost=FENCE + 1), 60)
    assert (await _found(store), backing.stored) == ([], {})
    assert await store.put(KEY, a_stored(cost=FENCE - 1), 60)


async def test_the_purges_of_others_reach_memory_with_the_next_round(
    store: TieredStore, backing: ScriptedBacking
) -> None:
    await store.put(KEY, a_stored(b"1"), 60)
    backing.log = [LoggedPurge(7, Purge(PurgeKind.ALL, "", HARD), T0)]
    await store.housekeeper.round()
    assert store.resident(KEY) is None
    assert await _found(store) == []


async def test_a_log_that_cannot_be_carried_out_is_kept(
    store: TieredStore, backing: ScriptedBacking, clock: FakeClock
) -> None:
    backing.stored["/a"] = [a_stored(b"1")]
    await store.purge(Purge(PurgeKind.PREFIX, "/a", HARD))
    for _ in range(3):
        clock.advance(FENCE + 1)
        await store.housekeeper.round()
    assert await _found(store) == []


async def test_what_has_no_time_left_is_given_but_not_kept(
    store: TieredStore, backing: ScriptedBacking, clock: FakeClock
) -> None:
    backing.stored["/a"] = [a_stored(b"1", freshness_lifetime=60, etag=None)]
    clock.advance(61)
    assert await _found(store) == [b"1"]
    assert await _found(store) == [b"1"]
    assert backing.gets == 2


async def test_a_purge_stays_true_when_the_bytes_cannot_be_removed(
    store: TieredStore, backing: ScriptedBacking
) -> None:
    await store.put(KEY, a_stored(b"1"), 60)
    backing.removes = False
    assert (await store.purge(Purge(PurgeKind.URL, "/a", HARD), "me")).count == 1
    assert await _found(store) == []


async def test_hits_and_misses_of_memory_are_counted(store: TieredStore) -> None:
    await store.put(KEY, a_stored(), 60)
    await store.lookup(KEY)
    await store.lookup(a_key("/b"))
    assert store.tiers[0].operations == {("get", "hit"): 1, ("get", "miss"): 1}


class Vouched:
    """A Replica that says what a test tells it to."""

    def __init__(self) -> None:
        self.current = True
        self.current_for = math.inf
        self.late: tuple[str, ...] = ()
        self.positions: list[int] = []

    def is_current(self) -> bool:
        return self.current

    @property
    def current_until(self) -> float:
        return math.inf if self.current else -math.inf

    def was_current(self, seconds: float) -> bool:
        return self.current and seconds <= self.current_for

    async def confirmed(self, position: int) -> tuple[str, ...]:
        self.positions.append(position)
        return self.late


class WatchedBacking(ScriptedBacking):
    """Tells of changes."""

    def watch(self, doubt: Callable[[str | None], None]) -> None:
        self.doubt = doubt


@asynccontextmanager
async def _shared(backing: ScriptedBacking, replica: Vouched, *, trusts: bool = True) -> AsyncIterator[TieredStore]:
    clock = FakeClock()
    store = TieredStore(Memory(1_000_000, clock), backing, clock, replica=replica, trusts_memory=trusts)
    await store.open()
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("current", "up", "trusts", "from_memory"),
    [
        pytest.param(True, True, True, True, id="within the lease"),
        pytest.param(False, True, True, False, id="beyond it Redis is asked"),
        pytest.param(False, False, True, True, id="Redis is gone: memory"),
        pytest.param(False, False, False, False, id="Redis is gone: upstream"),
        pytest.param(True, False, False, True, id="Redis is gone, the lease is not over yet"),
    ],
)
async def test_when_memory_may_answer(current: bool, up: bool, trusts: bool, from_memory: bool) -> None:
    backing, replica = ScriptedBacking(), Vouched()
    async with _shared(backing, replica, trusts=trusts) as store:
        await store.put(KEY, a_stored(b"1"), 60)
        backing.stored["/a"] = [a_stored(b"2", response_time=T0 + 1)]
        replica.current, backing.is_up = current, up
        assert bool(store.resident(KEY)) is from_memory
        assert store.is_vouched is (trusts or current)
        if from_memory:
            assert await _found(store) == [b"1"]
        elif up:
            assert await _found(store) == [b"2"]
        else:
            with pytest.raises(StoreUnavailable):
                await store.lookup(KEY)


async def test_a_purge_says_who_did_not_confirm_it() -> None:
    replica = Vouched()
    async with _shared(ScriptedBacking(), replica) as store:
        assert (await store.purge(Purge(PurgeKind.URL, "/a", HARD))).unconfirmed == ()
        replica.late = ("other:1",)
        assert (await store.purge(Purge(PurgeKind.ALL, "", SOFT))).unconfirmed == ("other:1",)
        assert replica.positions == [1, 2]


async def test_what_others_removed_leaves_memory_too() -> None:
    backing = WatchedBacking()
    async with _shared(backing, Vouched()) as store:
        await store.put(KEY, a_stored(b"1"), 60)
        assert store.resident(KEY)
        del backing.stored["/a"]
        assert await _found(store) == [b"1"]
        backing.doubt("/a")
        assert store.resident(KEY) is None
        assert await _found(store) == []
        assert not store.resident(KEY)


async def test_what_was_changed_while_it_was_read_is_read_again() -> None:
    backing = WatchedBacking()
    async with _shared(backing, Vouched()) as store:
        backing.stored["/a"] = [a_stored(b"1")]
        backing.gate = asyncio.Event()
        reading = asyncio.ensure_future(_found(store))
        await backing.reached.wait()
        backing.stored["/a"] = [a_stored(b"2", response_time=T0 + 1)]
        backing.doubt("/a")
        backing.gate.set()
        assert await reading == [b"1"], "it began before"
        assert store.resident(KEY) is None
        assert await _found(store) == [b"2"]
        assert store.resident(KEY)


async def test_a_seal_lasts_as_long_as_the_lease() -> None:
    replica = Vouched()
    backing = ScriptedBacking()
    async with _shared(backing, replica) as store:
        await store.put(KEY, a_stored(), 60)
        variants = store.resident(KEY) or ()
        seal = store.seal(KEY, variants)
        assert seal is not None
        assert seal.until == 1060.0
        replica.current = False
        assert store.seal(KEY, variants) is None
        backing.is_up = False
        seal = store.seal(KEY, variants)
        assert seal is not None
        assert seal.until < 0, "Redis may be back any moment: each time it is looked at anew"
        assert store.seal(KEY, ()) is None, "not what is held"


@pytest.mark.parametrize(
    ("outcome", "current_for", "meanwhile", "kept"),
    [
        pytest.param("stored", 60.0, True, True, id="no break: memory has it at once"),
        pytest.param("superseded", 60.0, True, False, id="no break, but a later fetch has stored"),
        pytest.param("stored", 5.0, False, True, id="a break: memory has it when it is stored"),
        pytest.param("superseded", 5.0, False, False, id="a break, and a later fetch has stored"),
        pytest.param("down", 5.0, False, True, id="a break, and the store is out: it cost time"),
        pytest.param("timeout", 5.0, False, False, id="a break, and nobody can say"),
        pytest.param("cancelled", 5.0, False, False, id="a break, and given up"),
        pytest.param("purged", 5.0, False, False, id="a break, and purged since"),
        pytest.param("doubted", 5.0, False, False, id="a break, and somebody has stored since"),
    ],
)
async def test_who_stood_still_while_he_fetched_hides_nothing(
    outcome: str, current_for: float, meanwhile: bool, kept: bool
) -> None:
    backing, replica = WatchedBacking(), Vouched()
    async with _shared(backing, replica) as store:
        replica.current_for, backing.put_gate = current_for, asyncio.Event()
        backing.is_up, backing.has_later = outcome != "down", outcome == "superseded"
        putting = asyncio.ensure_future(store.put(KEY, a_stored(b"1", cost=30.0), 60))
        await backing.reached.wait()
        assert bool(store.resident(KEY)) is meanwhile
        backing.fails = outcome == "timeout"
        if outcome == "doubted":
            backing.doubt("/a")
        elif outcome == "purged":
            store.learn(0, LoggedPurge(7, Purge(PurgeKind.URL, "/a", HARD), T0))
        elif outcome == "cancelled":
            putting.cancel()
        backing.put_gate.set()
        if outcome in {"down", "timeout", "cancelled"}:
            with pytest.raises((StoreUnavailable, asyncio.CancelledError)):
                await putting
        else:
            await putting
        assert bool(store._memory.resident(KEY)) is kept


async def test_what_is_purged_softly_while_it_is_written_late_is_held_as_ended() -> None:
    backing, replica = WatchedBacking(), Vouched()
    async with _shared(backing, replica) as store:
        replica.current_for, backing.put_gate = 5.0, asyncio.Event()
        putting = asyncio.ensure_future(store.put(KEY, a_stored(b"1", cost=30.0), 60))
        await backing.reached.wait()
        store.learn(0, LoggedPurge(7, Purge(PurgeKind.ALL, "", SOFT), T0))
        backing.put_gate.set()
        assert await putting
        assert [held.is_ended for held in store._memory.resident(KEY)] == [True]


@pytest.mark.parametrize(("taken_ago", "is_late"), [(4.0, False), (6.0, True)])
async def test_a_fetch_is_as_old_as_its_lease(taken_ago: float, is_late: bool) -> None:
    backing, replica = WatchedBacking(), Vouched()
    async with _shared(backing, replica) as store:
        replica.current_for, backing.put_gate = 5.0, asyncio.Event()
        stored = a_stored(b"1", cost=0.1, fence=int((T0 - taken_ago) * 1e6))
        putting = asyncio.ensure_future(store.put(KEY, stored, 60))
        await backing.reached.wait()
        assert bool(store.resident(KEY)) is not is_late
        backing.put_gate.set()
        await putting


def test_a_term_that_was_over_begins_anew() -> None:
    clock = FakeClock()
    term = Term(clock)
    assert not term.was_on(0.0)
    term.prolong(clock.monotonic() + 2)
    clock.advance(1)
    term.prolong(clock.monotonic() + 2)
    assert term.was_on(1.0)
    assert not term.was_on(1.5)
    clock.advance(2)
    assert not term.was_on(0.0), "over"
    term.prolong(clock.monotonic() + 2)
    clock.advance(0.5)
    assert term.was_on(0.5)
    assert not term.was_on(0.6), "it stood still before"
    term.end()
    assert not term.is_on
