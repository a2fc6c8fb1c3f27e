"""Keys that are not coalesced for a while."""

from proxy.exchange.alone import ALONE_KEYS, ALONE_SECONDS, AloneKeys
from tests.support.clock import FakeClock


def test_a_key_is_remembered_for_some_seconds() -> None:
    clock = FakeClock()
    keys = AloneKeys(clock)
    assert "a" not in keys
    keys.add("a")
    clock.advance(ALONE_SECONDS - 0.1)
    assert "a" in keys
    clock.advance(0.1)
    assert "a" not in keys


def test_the_oldest_is_forgotten() -> None:
    keys = AloneKeys(FakeClock())
    for number in range(ALONE_KEYS + 1):
        keys.add(str(number))
    assert "0" not in keys
    assert "1" in keys
