"""What the policy core takes for one decision: key, admission, choice, reply, and the judgement of a new response.

Usage: python bench/policy.py [--times 20000]

Goals: ``choose`` on a plain hit at most 2 µs, ``assess`` at most 60 µs. CPU time, the best of seven rounds, so that
other processes disturb little. Asserts nothing.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.memory_tier import an_answer
from proxy.policy.cache_key import cache_key
from proxy.policy.disposition import Storable
from proxy.policy.dispositions import hit
from proxy.policy.heads import reused_head
from proxy.policy.messages import Fields, RequestHead, Timing
from proxy.policy.reuse import choose
from proxy.policy.route import RoutePolicy, compile_pattern, match_route
from proxy.policy.storability import admit, assess

ROUTES = tuple(RoutePolicy(name, compile_pattern(f"/{name}/**")) for name in ("a", "b", "item"))
BROWSER = (
    *(("Host", "127.0.0.1"), ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"), ("Accept", "*/*")),
    *(("Accept-Language", "en-GB,en;q=0.9"), ("Accept-Encoding", "gzip, deflate, br"), ("Sec-Fetch-Mode", "navigate")),
)
NOW = 1_700_000_000.0


def microseconds(work: Callable[[], object], times: int) -> float:
    """CPU time of one call."""
    best = float("inf")
    for _ in range(7):
        began = time.thread_time()
        for _ in range(times):
            work()
        best = min(best, time.thread_time() - began)
    return best / times * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20_000)
    times = parser.parse_args().times
    plain, head, body = an_answer(7, NOW)
    request = RequestHead("GET", plain.target, Fields(BROWSER))
    match = match_route(ROUTES, "GET", request.path)
    key, timing = cache_key(request, match), Timing(NOW, NOW + 0.01, 0.01)
    decision = assess(request, head, body, match, key, timing)
    assert isinstance(decision, Storable)
    stored, route = (decision.stored,), match.route
    print("| decision | CPU µs | goal |\n|---|---|---|")
    for name, work, goal in (
        ("`match_route`, third of three", lambda: match_route(ROUTES, "GET", request.path), ""),
        ("`admit`", lambda: admit(request, route), ""),
        ("`cache_key`", lambda: cache_key(request, match), ""),
        ("`choose`, a plain hit", lambda: choose(request, stored, route, NOW + 5), "≤ 2"),
        ("`reused_head`", lambda: reused_head(stored[0], route, NOW + 5, hit(3595)), ""),
        ("`assess`, a response of 2 KB", lambda: assess(request, head, body, match, key, timing), "≤ 60"),
        ("`Fields` of a browser's head", lambda: Fields(BROWSER), ""),
    ):
        print(f"| {name} | {microseconds(work, times):.2f} | {goal} |")


if __name__ == "__main__":
    main()
