"""A hit path over a memory of its own, and one client that asks it."""

from collections.abc import Iterator
from itertools import repeat
from math import inf
from typing import Any

from proxy.edge.server.header_block import UNREAD
from proxy.edge.server.hit_hooks import HitHooks, Pending
from proxy.edge.server.hit_path import HitPath
from proxy.edge.server.origin import Origin
from proxy.edge.server.settings import Finished
from proxy.exchange.keys import Keys
from proxy.exchange.operating import ModeSwitch
from proxy.exchange.replies import Replies
from proxy.exchange.standing import Standings
from proxy.policy.route import RoutePolicy, compile_pattern
from proxy.store.memory import Memory
from proxy.store.tiered import TieredStore
from proxy.telemetry.counters import Counters
from tests.support.builders import a_key, a_stored, fields
from tests.support.clock import FakeClock
from tests.support.observer import RecordingObserver

DATED = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT", "Content-Type": "application/json"}


class Client:
    """A connection at rest, and what was written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append
        self.origin = Origin("192.0.2.1", "http", trusted=False)
        self.heard_at = -inf
        self.said = UNREAD
        self.pending: Pending | None = None

    def hold(self, pending: Pending) -> None:
        self.pending = pending

    def settle(self, data: bytes | None) -> bool:
        self.pending = None
        if data is not None:
            self.written.append(data)
        return data is not None


class House:
    """A hit path over a memory, and one client."""

    def __init__(self, **route: Any) -> None:
        self.clock = FakeClock()
        self.switch = ModeSwitch(self.clock)
        self.memory = Memory(1 << 22, self.clock)
        self.store = TieredStore(self.memory, None, self.clock)
        routes = (RoutePolicy("r", compile_pattern("/**"), **route),)
        standings = Standings(routes, self.store, Keys(), self.switch, Replies(self.clock, RecordingObserver()))
        self.counters = Counters()
        self.finished: list[Finished] = []
        self.is_logged = False
        """Whether some hits are; which ones, ``draws`` says."""
        self.draws: Iterator[bool] = repeat(True)
        logs = (lambda: self.is_logged, lambda: next(self.draws))
        told = self.counters.tally, self.finished.append, *logs, RecordingObserver().internal_error
        hooks = HitHooks(standings, self.clock, *told)
        self.path = HitPath(hooks, 1000)
        self.client = Client()

    async def holds(self, target: str = "/a", **changes: Any) -> None:
        stored = a_stored(**{"fields": fields(DATED), "target": target, "etag_is_made": False, **changes})
        await self.store.put(a_key(target), stored, 1000)

    def ask(self, target: str = "/a", *lines: str, method: str = "GET", host: str = "x") -> str | None:
        """What is answered at once; None: nothing is."""
        head = "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", f"Host: {host}", *lines))
        before = len(self.client.written)
        is_answered = self.path.answer(self.client, head.encode() + b"\r\n")
        written = self.client.written[before:]
        assert len(written) == is_answered
        return written[0].decode() if is_answered else None
