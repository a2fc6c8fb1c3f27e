"""The memory tier case by case: bounds, who leaves first, variants, expiry, sweeping, counters, honest weight."""

import gc
import tracemalloc
from math import inf

import pytest

from proxy.policy import interned
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, StoredResponse
from proxy.store.codec import decode, encode
from proxy.store.memory import Cause, Memory
from proxy.store.ring import Slot
from tests.support.builders import a_key, a_stored
from tests.support.clock import FakeClock

MIB = 1024 * 1024


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(clock: FakeClock) -> Memory:
    return Memory(MIB, clock)


def _of(language: str, body: bytes = b"x") -> StoredResponse:
    return a_stored(body, secondary_key=(("accept-language", language),))


def test_what_is_put_is_found_as_the_very_object(memory: Memory) -> None:
    stored = a_stored()
    memory.put(a_key(), stored, 60)
    (found,) = memory.resident(a_key())
    assert found is stored


def test_variants_stand_side_by_side_and_replace_their_like(memory: Memory) -> None:
    for language, body in (("es", b"1"), ("qu", b"2"), ("es", b"3")):
        memory.put(a_key(), _of(language, body), 60)
    assert [stored.body for stored in memory.resident(a_key())] == [b"2", b"3"]
    assert memory.stats.entries == 2
    assert memory.removals == {Cause.REPLACED: 1}


def test_the_oldest_variant_leaves_when_there_are_too_many(clock: FakeClock) -> None:
    memory = Memory(MIB, clock, max_variants=2)
    for language in ("es", "qu", "ay"):
        memory.put(a_key(), _of(language), 60)
    assert [stored.secondary_key[0][1] for stored in memory.resident(a_key())] == ["qu", "ay"]
    assert memory.stats.evictions == 1


def test_each_variant_runs_out_by_itself(memory: Memory, clock: FakeClock) -> None:
    memory.put(a_key(), _of("es"), 10)
    memory.put(a_key(), _of("qu"), 20)
    clock.advance(10)
    assert [stored.secondary_key[0][1] for stored in memory.resident(a_key())] == ["qu"]
    clock.advance(10)
    assert memory.resident(a_key()) == ()
    assert (memory.stats.entries, memory.stats.bytes) == (0, 0)
    assert memory.removals == {Cause.EXPIRED: 2}


def test_a_wall_clock_that_is_set_back_lengthens_nothing(memory: Memory, clock: FakeClock) -> None:
    memory.put(a_key(), a_stored(), 10)
    clock.jump(-7200)
    clock.advance(10)
    assert memory.resident(a_key()) == ()


def test_it_stays_within_its_bytes(clock: FakeClock) -> None:
    memory = Memory(100_000, clock)
    for number in range(1000):
        memory.put(a_key(f"/{number}"), a_stored(b"x" * 1000), 60)
        assert memory.stats.bytes <= 100_000
    assert memory.stats.entries > 10
    assert memory.stats.evictions == 1000 - memory.stats.entries


def test_what_is_larger_than_the_whole_is_not_held(clock: FakeClock) -> None:
    memory = Memory(10_000, clock)
    memory.put(a_key("/big"), a_stored(b"x" * 20_000), 60)
    assert memory.resident(a_key("/big")) == ()
    assert (memory.stats.entries, memory.stats.bytes) == (0, 0)


def test_a_memory_of_nothing_holds_nothing(clock: FakeClock) -> None:
    memory = Memory(0, clock)
    memory.put(a_key(), a_stored(), 60)
    assert memory.resident(a_key()) == ()


def test_a_scan_does_not_wash_out_what_is_in_use(clock: FakeClock) -> None:
    memory = Memory(300_000, clock)
    used = [a_key(f"/used/{number}") for number in range(20)]
    for key in used:
        memory.put(key, a_stored(b"x" * 1000), 60)
    for number in range(5000):
        memory.put(a_key(f"/scan/{number}"), a_stored(b"x" * 1000), 60)
        memory.resident(used[number % len(used)])
    assert all(memory.resident(key) for key in used)


def test_what_comes_back_soon_after_it_was_dropped_stays(clock: FakeClock) -> None:
    memory = Memory(100_000, clock)
    for number in range(60):
        memory.put(a_key(f"/first/{number}"), a_stored(b"x" * 1000), 60)
    assert memory.resident(a_key("/first/0")) == ()
    memory.put(a_key("/first/0"), a_stored(b"x" * 1000), 60)
    for number in range(20):
        memory.put(a_key(f"/then/{number}"), a_stored(b"x" * 1000), 60)
    assert memory.resident(a_key("/first/0"))


def test_a_cache_full_of_what_is_used_gives_way_after_a_bounded_number_of_moves(clock: FakeClock) -> None:
    memory = Memory(3_000_000, clock)
    keys = [a_key(f"/{number}") for number in range(1000)]
    for key in keys:
        memory.put(key, a_stored(b"x" * 1000), 60)
    for key in keys * 4:
        memory.resident(key)
    memory.put(a_key("/large"), a_stored(b"x" * 1_000_000), 60)
    assert memory.stats.bytes <= 3_000_000


def test_remove_counts_variants(memory: Memory) -> None:
    memory.put(a_key(), _of("es"), 60)
    memory.put(a_key(), _of("qu"), 60)
    assert memory.remove(a_key(), Cause.PURGED) == 2
    assert memory.remove(a_key(), Cause.PURGED) == 0
    assert memory.removals == {Cause.PURGED: 2}
    assert memory.stats.bytes == 0


@pytest.mark.parametrize(
    ("secondary", "complete"),
    [pytest.param((), True, id="without selecting fields"), pytest.param((("accept", "a"),), False, id="with some")],
)
def test_a_key_is_complete_when_the_newest_answers_everything(
    memory: Memory, secondary: tuple[tuple[str, str], ...], complete: bool
) -> None:
    assert not memory.is_complete(a_key())
    memory.put(a_key(), a_stored(secondary_key=secondary), 60)
    assert memory.is_complete(a_key()) is complete
    memory.complete(a_key())
    assert memory.is_complete(a_key())


def test_a_sweep_asks_about_everything_in_bounded_steps(memory: Memory, clock: FakeClock) -> None:
    for number in range(25):
        memory.put(a_key(f"/{number}"), a_stored(position=number), 60)
    memory.put(a_key("/old"), a_stored(), 1)
    clock.advance(1)
    ended = a_stored(is_ended=True)

    def judge(key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        if stored.position == 3:
            return None
        return ended if stored.position == 4 else stored

    steps = 1
    while memory.sweep(judge, limit=10):
        steps += 1
    assert steps >= 3
    assert memory.resident(a_key("/3")) == ()
    assert memory.resident(a_key("/4"))[0] is ended
    assert memory.removals == {Cause.EXPIRED: 1, Cause.PURGED: 1}
    assert memory.stats.entries == 24


def test_a_sweep_survives_the_loss_of_the_place_it_stood_at(clock: FakeClock) -> None:
    memory = Memory(MIB, clock)
    for number in range(30):
        memory.put(a_key(f"/{number}"), a_stored(), 60)
    seen: list[str] = []

    def judge(key: CacheKey, stored: StoredResponse) -> StoredResponse | None:
        seen.append(key.text)
        return stored

    memory.sweep(judge, limit=10)
    for number in range(5, 15):
        memory.remove(a_key(f"/{number}"), Cause.PURGED)
    while memory.sweep(judge, limit=10):
        pass
    assert {f"/{number}" for number in range(15, 30)} <= set(seen)


@pytest.mark.parametrize(("lines", "size"), [(0, 100), (2, 2048), (4, 2048), (12, 500), (5, 50_000)])
def test_bytes_are_counted_honestly(lines: int, size: int) -> None:
    def build(number: int) -> None:
        key = a_key(f"sunat:ruc:{number:011d}", f"/obtener-ruc/{number:011d}")
        fields = Fields([(f"X-Name-{line}", f"value {line} of {number}") for line in range(lines)])
        stored = a_stored(bytes(size), fields=fields, target=key.target, tags=("sunat", f"ruc:{number}"))
        envelope = decode(encode(key, stored, compress=False), key)
        assert isinstance(envelope, StoredResponse)
        held.put(key, envelope, 60)

    held = Memory(1000 * MIB, FakeClock())
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(500):
            build(number)
        for remembered in (interned._line, interned._word, interned.number):
            remembered.cache_clear()  # bounded, whatever is held
        gc.collect()
        real = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.9 < held.stats.bytes / real < 1.15, (held.stats.bytes / 500, real / 500)


def test_what_is_doubted_is_not_complete_until_someone_says_so() -> None:
    clock = FakeClock()
    memory, keys = Memory(1_000_000, clock), [a_key("/a"), a_key("/b")]
    for key in keys:
        memory.put(key, a_stored(b"1"), 60)
    memory.doubt("/a")
    memory.doubt("/never")
    assert [memory.is_complete(key) for key in keys] == [False, True]
    assert [memory.is_doubted(key) for key in keys] == [True, False]
    memory.complete(keys[0])
    assert memory.is_complete(keys[0])
    memory.doubt(None)
    assert [memory.is_complete(key) for key in keys] == [False, False]
    assert [len(memory.resident(key)) for key in keys] == [1, 1], "it is there, for when nobody else can answer"


@pytest.mark.parametrize("change", ["put", "remove", "revise", "doubt", "evict"])
def test_whatever_changes_a_key_breaks_its_seal(memory: Memory, change: str) -> None:
    memory.put(a_key(), a_stored(), 60)
    seal = memory.seal(a_key(), inf)
    assert seal is not None
    assert (len(seal.variants), seal.until) == (1, 1060.0)
    match change:
        case "put":
            memory.put(a_key(), a_stored(b"2"), 60)
        case "remove":
            memory.remove(a_key(), Cause.PURGED)
        case "revise":
            memory.revise(a_key(), lambda _key, _stored: None)
        case "doubt":
            memory.doubt("/a")
        case _:
            for number in range(100):
                memory.put(a_key(f"/{number}"), a_stored(b"x" * 50_000), 60)
            assert not memory.resident(a_key())
    assert seal.until == -inf


def test_a_seal_ends_when_it_was_told_to_and_with_the_first_variant(memory: Memory) -> None:
    assert memory.seal(a_key(), inf) is None
    memory.put(a_key(), _of("es"), 60)
    memory.put(a_key(), _of("qu"), 30)
    for until, ends in ((inf, 1030.0), (1010.0, 1010.0)):
        seal = memory.seal(a_key(), until)
        assert seal is not None
        assert seal.until == ends


def test_what_leaves_is_gone_without_a_collection_of_garbage(memory: Memory) -> None:
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, Slot) for each in gc.get_objects())
        for number in range(100):
            memory.put(a_key(f"/{number}"), a_stored(b"x" * 50_000), 60)
        memory.remove(a_key("/99"), Cause.PURGED)
        assert sum(isinstance(each, Slot) for each in gc.get_objects()) - before == memory.stats.entries
    finally:
        gc.enable()
