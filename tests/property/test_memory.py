"""The memory tier against a model: it never returns what the model does not hold, and its counters add up."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.memory import Cause, Memory
from proxy.store.weight import weight_of, weight_of_key
from tests.support.builders import a_key, a_stored
from tests.support.clock import FakeClock

CAPACITY = 30_000
keys = st.integers(0, 12).map(lambda number: a_key(f"/{number}"))


class MemoryMachine(RuleBasedStateMachine):
    """The model keeps everything for ever; memory may forget, but may never make up, revive or miscount."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.memory = Memory(CAPACITY, self.clock, max_variants=3)
        self.model: dict[tuple[str, str], tuple[StoredResponse, float]] = {}
        self.put_count = 0

    @rule(key=keys, variant=st.sampled_from("abcde"), size=st.integers(0, 4000), keep_for=st.integers(1, 20))
    def put(self, key: CacheKey, variant: str, size: int, keep_for: int) -> None:
        stored = a_stored(bytes(size), secondary_key=(("accept", variant),))
        self.memory.put(key, stored, keep_for)
        self.model[key.text, variant] = (stored, self.clock.monotonic() + keep_for)
        self.put_count += 1

    @rule(key=keys)
    def look(self, key: CacheKey) -> None:
        for stored in self.memory.resident(key):
            expected, end = self.model[key.text, stored.secondary_key[0][1] or ""]
            assert stored is expected
            assert self.clock.monotonic() < end

    @rule(key=keys)
    def remove(self, key: CacheKey) -> None:
        self.memory.remove(key, Cause.PURGED)
        assert self.memory.resident(key) == ()
        self.model = {name: value for name, value in self.model.items() if name[0] != key.text}

    @rule(variant=st.sampled_from("abcde"), limit=st.integers(1, 6))
    def sweep_away(self, variant: str, limit: int) -> None:
        def judge(key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
            gone = stored.secondary_key[0][1] == variant
            if gone:
                self.model.pop((key.text, variant), None)
            return None if gone else stored

        self.memory.sweep(judge, limit)

    @rule(seconds=st.integers(0, 10))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def adds_up(self) -> None:
        stats = self.memory.stats
        assert stats.bytes <= CAPACITY
        assert stats.entries == self.put_count - sum(self.memory.removals.values())

    def teardown(self) -> None:
        held = {key: self.memory.resident(key) for key in (a_key(f"/{number}") for number in range(13))}
        weights = [weight_of_key(key.text) + sum(map(weight_of, found)) for key, found in held.items() if found]
        assert sum(weights) <= self.memory.stats.bytes
        for _ in range(2):  # the first may be the end of a sweep that was under way
            while self.memory.sweep(lambda key, stored: None, 100):
                pass
        assert (self.memory.stats.bytes, self.memory.stats.entries) == (0, 0)


TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
