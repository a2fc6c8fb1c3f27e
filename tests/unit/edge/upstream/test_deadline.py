"""The movable deadline, on a loop whose time the test sets."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from proxy.edge.upstream.deadline import Deadline


class Timer:
    """What ``call_at`` returns."""

    def __init__(self, at: float, callback: Callable[[], None]) -> None:
        self.at = at
        self.callback = callback
        self.is_cancelled = False

    def when(self) -> float:
        """Its time."""
        return self.at

    def cancel(self) -> None:
        """It will not fire."""
        self.is_cancelled = True


class FakeLoop:
    """Time and timers."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        """The time."""
        return self.now

    def call_at(self, at: float, callback: Callable[[], None]) -> Any:
        """A timer."""
        self.timers.append(Timer(at, callback))
        return self.timers[-1]

    def advance(self, to: float) -> None:
        """Let time pass, firing what is due on the way."""
        while due := [timer for timer in self.timers if not timer.is_cancelled and timer.at <= to]:
            timer = min(due, key=Timer.when)
            self.timers.remove(timer)
            self.now = timer.at
            timer.callback()
        self.now = to


def a_deadline() -> tuple[Deadline, FakeLoop, list[float]]:
    """A deadline, its loop, and when it expired."""
    loop = FakeLoop()
    expired: list[float] = []
    return Deadline(cast("asyncio.AbstractEventLoop", loop), lambda: expired.append(loop.now)), loop, expired


def test_expires_once_at_its_time() -> None:
    deadline, loop, expired = a_deadline()
    deadline.set(5)
    loop.advance(4.9)
    assert expired == []
    loop.advance(100)
    assert expired == [5]


def test_moved_later_without_another_timer() -> None:
    deadline, loop, expired = a_deadline()
    deadline.set(5)
    for second in range(1, 4):
        loop.advance(second)
        deadline.set(5)
        assert len(loop.timers) == 1
    loop.advance(100)
    assert expired == [8]


def test_moved_earlier() -> None:
    deadline, loop, expired = a_deadline()
    deadline.set(90)
    deadline.set(4)
    loop.advance(100)
    assert expired == [4]


def test_never() -> None:
    deadline, loop, expired = a_deadline()
    deadline.set(5)
    deadline.set(None)
    loop.advance(100)
    assert expired == []
    deadline.set(5)
    loop.advance(200)
    assert expired == [105]


def test_closed_leaves_no_timer() -> None:
    deadline, loop, expired = a_deadline()
    deadline.set(5)
    deadline.close()
    assert all(timer.is_cancelled for timer in loop.timers)
    loop.advance(100)
    assert expired == []
