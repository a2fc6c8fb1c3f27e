"""When the old is collected and let be, and that what is let be still goes when nobody holds it."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from proxy.app.garbage import Garbage, step, tame


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Held:
    """Something that is kept."""

    other: "Held"


def test_the_old_is_collected_while_it_is_small_then_frozen() -> None:
    tame()
    assert gc.get_threshold()[2] > 1_000_000, "never by itself"
    assert not step(), "nothing has become old"
    held = [Held() for _ in range(40_000)]
    assert step()
    assert gc.get_freeze_count() > len(held)
    assert not step()
    last = weakref.ref(held[-1])
    held.clear()
    assert last() is None


def test_a_cycle_that_was_left_behind_goes_with_the_step() -> None:
    tame()
    one = Held()
    one.other, left = one, weakref.ref(one)
    del one
    kept = [Held() for _ in range(40_000)]
    assert step()
    assert left() is None
    assert kept


async def test_it_ends() -> None:
    garbage = Garbage()
    garbage.start()
    garbage.stop()
    garbage.stop()
