"""What of a look-up beyond memory is the latest, and what memory holds afterwards."""

from proxy.store.memory import Cause, Memory
from proxy.store.merging import Readings, merged
from tests.support.builders import T0, a_key, a_stored
from tests.support.clock import FakeClock

KEY = a_key("/a")


def test_a_reading_is_the_latest_unless_its_key_was_changed_meanwhile() -> None:
    readings = Readings()
    one, other, elsewhere = readings.begin(KEY), readings.begin(KEY), readings.begin(a_key("/b"))
    assert readings.end(KEY, one)
    readings.doubt("/a")
    later = readings.begin(KEY)
    assert not readings.end(KEY, other)
    assert readings.end(KEY, later)
    readings.doubt(None)
    assert not readings.end(a_key("/b"), elsewhere)


def test_the_newer_of_two_alike_stands_and_memory_has_it() -> None:
    memory = Memory(1 << 20, FakeClock())
    old, new = a_stored(b"old", response_time=T0 - 5), a_stored(b"new", response_time=T0)
    memory.put(KEY, new, 60)
    assert merged(memory, KEY, memory.resident(KEY), [old], T0, is_the_latest=True) == (new,)
    memory.remove(KEY, Cause.EVICTED)
    assert merged(memory, KEY, (), [old], T0, is_the_latest=True) == (old,)
    assert memory.resident(KEY) == (old,)
    assert memory.is_complete(KEY)


def test_what_was_changed_while_it_was_read_is_answered_and_doubted() -> None:
    memory = Memory(1 << 20, FakeClock())
    found = a_stored(b"read")
    assert merged(memory, KEY, (), [found], T0, is_the_latest=False) == (found,)
    assert not memory.is_complete(KEY)


def test_what_others_removed_leaves_memory_once_it_is_doubted() -> None:
    memory = Memory(1 << 20, FakeClock())
    gone = a_stored(b"gone", secondary_key=(("x", "1"),))
    memory.put(KEY, gone, 60)
    memory.doubt(KEY.text)
    assert merged(memory, KEY, memory.resident(KEY), [], T0, is_the_latest=True) == ()
    assert memory.resident(KEY) == ()
