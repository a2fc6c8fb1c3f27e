"""Keeps the collection of garbage short, however much is held: what has become old is looked through once, then let be.

CPython's own rule walks through everything that lives, every now and then: a third of a second with a million stored
responses, during which nobody is answered. Here the oldest generation is collected while it is still small, and then
frozen: it is never walked through again. What is frozen still goes when nobody holds it; only a cycle that is left
behind would stay, so our own objects undo theirs when they close (a test holds that).
"""

import asyncio
import gc
from typing import Final

_YOUNG: Final = 1_000
"""Objects made and still there after which the youngest are looked at."""
_MIDDLE: Final = 5
_NEVER: Final = 1_000_000_000
_OLD: Final = 1
"""Collections of the middle generation (of some 5,000 objects each) after which the oldest is collected and frozen."""
_PAUSE: Final = 0.25
"""Seconds between two looks."""


def tame() -> None:
    """From now on the oldest generation is collected by ``step`` alone. What lives already is let be."""
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    gc.collect()
    gc.freeze()


def step() -> bool:
    """Collect and freeze what has become old, if that is enough to be worth it and not yet too much to be quick."""
    if gc.get_count()[2] < _OLD:
        return False
    gc.collect()
    gc.freeze()
    return True


class Garbage:
    """Takes steps while the event loop runs."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, once everything is built."""
        tame()
        self._go_on()

    def stop(self) -> None:
        """Take no more steps. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        step()
        self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._go_on)
