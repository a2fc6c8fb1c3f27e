"""What an entry of 2 KB takes in the memory tier, and how long the longest pause is while a million of them are held.

Usage: python bench/memory_tier.py [--entries 1000000] [--changes 100000]

Entries are made as the exchange makes them: a response's head and body judged by ``assess``, then put. ``bytes per
entry`` is what the process grew by; the goal is 1.35 times head and body. Pauses are CPU time of one step (a put, a
look-up, or a collection of garbage that ran in it), so that other processes' turns do not count; the goal is 5 ms.
Asserts nothing.
"""

import argparse
import gc
import os
import sys
import time
from collections import Counter
from email.utils import formatdate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from proxy.app.garbage import step, tame
from proxy.clock import SystemClock
from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import Storable
from proxy.policy.messages import Fields, RequestHead, ResponseHead, Timing
from proxy.policy.route import RoutePolicy, compile_pattern, match_route
from proxy.policy.storability import assess
from proxy.store.memory import Memory
from proxy.store.weight import weight_of, weight_of_key

ROUTES = (RoutePolicy("items", compile_pattern("/**")),)
FILLING = b"x" * 1990
LONGEST = 0.005
"""Seconds of CPU time that a step may take. A machine that is taken away meanwhile makes one longer: so they are
counted, too."""


def rss() -> int:
    """Bytes that the process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def an_answer(number: int, now: float) -> tuple[RequestHead, ResponseHead, bytes]:
    """Request, head and body, no text of which is another's."""
    body = b'{"path":"/item/%d","filling":"%b"}' % (number, FILLING)
    lines = (
        *(("Server", "nginx"), ("Date", formatdate(now, usegmt=True)), ("Content-Type", "application/json")),
        *(("Content-Length", str(len(body))), ("Connection", "keep-alive"), ("Cache-Control", "max-age=3600")),
        *(("ETag", f'"{number:x}-7d0"'), ("Via", "1.1 tambo")),
    )
    lines = tuple((name.encode().decode(), value.encode().decode()) for name, value in lines)
    return RequestHead("GET", f"/item/{number}", Fields()), ResponseHead(200, Fields(lines), "OK"), body


class Tier:
    """A memory and what was put into it."""

    def __init__(self, capacity: int) -> None:
        self.clock = SystemClock()
        self.memory = Memory(capacity, self.clock)
        self.stored_bytes = 0
        self.estimated = 0
        self.longest: Counter[str] = Counter()
        self.late: Counter[str] = Counter()

    def put(self, number: int) -> None:
        """Judge an answer and hold it."""
        now = self.clock.now()
        request, head, body = an_answer(number, now)
        match = match_route(ROUTES, "GET", request.path)
        key = cache_key(request, match)
        decision = assess(request, head, body, match, key, Timing(now, now + 0.01, 0.01))
        assert isinstance(decision, Storable)
        stored = decision.stored
        self.stored_bytes += (
            len(body)
            + len(b"HTTP/1.1 200 OK\r\n\r\n")
            + sum(len(name) + len(value) + 4 for name, value in stored.fields.lines)
        )
        self.estimated += weight_of(stored) + weight_of_key(key.text)
        began = time.thread_time()
        self.memory.put(key, stored, 3600)
        self.note("put", began)
        if number % 500 == 0:  # a running Tambo does this four times a second
            step()

    def find(self, number: int) -> None:
        """Look something up."""
        request = RequestHead("GET", f"/item/{number}", Fields())
        key = cache_key(request, match_route(ROUTES, "GET", request.path))
        began = time.thread_time()
        self.memory.resident(key)
        self.note("look-up", began)

    def note(self, step: str, began: float) -> None:
        """Keep the longest, and count what took longer than it should."""
        seconds = time.thread_time() - began
        self.longest[step] = max(self.longest[step], round(seconds * 1e6))
        self.late[step] += seconds > LONGEST


class Collections:
    """How long each collection of garbage took, in seconds of CPU time. Use as a context manager."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def __enter__(self) -> "Collections":
        gc.callbacks.append(self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._heard)

    def _heard(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            self.seconds.append(time.thread_time() - self._began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=100_000, help="puts and look-ups once all of them are held")
    options = parser.parse_args()
    tame()
    tier = Tier(options.entries * 16_384)
    for number in range(1000):
        tier.put(-number - 1)
    tier.stored_bytes = tier.estimated = 0
    before = rss()
    with Collections() as collections:
        for number in range(options.entries):
            tier.put(number)
        grown, held = rss() - before, tier.memory.stats.entries
        tier.memory._capacity = tier.memory.stats.bytes  # full from now on: each put makes room
        for number in range(options.changes):
            tier.put(options.entries + number)
            tier.find(number * 7919 % options.entries)
    puts = options.entries + options.changes
    each, own = grown / options.entries, tier.stored_bytes / puts
    longest = max(collections.seconds, default=0) * 1000
    late = sum(seconds > LONGEST for seconds in collections.seconds)
    print(f"{held:,} entries held, Python {sys.version.split()[0]}\n\n| | |\n|---|---|")
    for what, figure in (
        ("head and body", f"{own:,.0f} bytes"),
        ("bytes per entry", f"{each:,.0f} ({each / own:.2f} × head and body)"),
        ("bytes per entry, as the tier counts them", f"{tier.estimated / puts:,.0f}"),
        (
            "longest put, garbage collection included",
            f"{tier.longest['put'] / 1000:.2f} ms; above {LONGEST * 1000:g} ms: {tier.late['put']:,} of {puts:,}",
        ),
        ("longest look-up", f"{tier.longest['look-up'] / 1000:.2f} ms"),
        (
            "longest garbage collection",
            f"{longest:.2f} ms; above {LONGEST * 1000:g} ms: {late:,} of {len(collections.seconds):,}",
        ),
    ):
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
