"""What one look-up in Redis costs: RedisStore.get on one connection, one after the other. Measures, asserts nothing.

Usage: python bench/redis_lookup.py [look-ups] — starts its own redis-server, over TCP and over a unix socket.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from proxy.clock import SystemClock
from proxy.store.redis_address import parse_address
from proxy.store.redis_question import Limits
from proxy.store.redis_store import RedisStore
from tests.support.builders import a_key, a_stored
from tests.support.redis_server import RedisServer

BODY = b'{"ruc":"20999999019","razonSocial":"EMPRESA"}' * 45  # 2 KB


async def measure(url: str, look_ups: int, variants: int) -> tuple[list[float], float]:
    """Seconds of each look-up of a key with that many variants, and how much of a look-up is this process's CPU."""
    store = RedisStore(parse_address(url), SystemClock(), Limits(connections=1))
    await store.open()
    key = a_key("/obtener-ruc/20999999019")
    position = (await store.get(key)).position
    for number in range(variants):
        variant = a_stored(BODY, secondary_key=(("accept-language", str(number)),), position=position)
        await store.put(key, variant, 3600)
    seconds = []
    busy = time.process_time()
    for _ in range(look_ups):
        began = time.perf_counter()
        found = await store.get(key)
        seconds.append(time.perf_counter() - began)
        if len(found.variants) != variants:
            raise SystemExit("a look-up did not find what was stored")
    busy = time.process_time() - busy
    await store.close()
    return seconds, busy / look_ups


def main() -> None:
    """Measure over both kinds of socket, for a miss, one variant and ten."""
    look_ups = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    for unix in (False, True):
        for variants in (0, 1, 10):
            with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder), unix=unix) as server:
                seconds, busy = asyncio.run(measure(server.url, look_ups, variants))
            micros = sorted(1e6 * one for one in seconds)
            place = "unix" if unix else "tcp"
            median, p99 = statistics.median(micros), micros[int(len(micros) * 0.99)]
            print(
                f"{place:4} {variants:2} variants of 2 KB: median {median:5.0f} us, p99 {p99:5.0f} us, "
                f"CPU of this process {busy * 1e6:5.0f} us"
            )


if __name__ == "__main__":
    main()
