"""An event loop whose time passes only when nothing else can happen: hours of timeouts in no time, in a fixed order."""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Selector(selectors.BaseSelector):
    """Never waits: what the loop would have slept is added to its time."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.time = 1000.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if not ready:
            assert timeout is not None, "everything waits, and for nothing that will ever come"
            self.time += max(0.0, timeout)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Selector) -> None:
        super().__init__(selector)
        self._virtual = selector

    def time(self) -> float:
        return self._virtual.time


class VirtualClock:
    """Satisfies proxy.clock.Clock with the running loop's virtual time."""

    def now(self) -> float:
        """Wall seconds since the epoch."""
        return 1_700_000_000.0 + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return asyncio.get_running_loop().time()


def play(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it on a loop of its own; fails where all that is left waits for ever."""
    with asyncio.Runner(loop_factory=lambda: _Loop(_Selector())) as runner:
        return runner.run(work)
