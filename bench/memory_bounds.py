"""What memory a Tambo and its Redis take while many distinct keys, or many variants of some keys, pass through them.
Measures, asserts nothing.

Usage: python bench/memory_bounds.py [--keys 50000] [--variants 20000] [--memory 64] [--redis 256] (MiB) — starts a
Tambo, a redis-server with that maxmemory, an origin of 200 bytes an answer and its clients.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.flood import flood, flood_origin, get, resident
from tests.support.redis_server import RedisServer
from tests.support.tambo import running

STEPS = 10
MIB = 1024 * 1024
VARIED = 1_000
"""Keys that have all the variants between them."""


def keys(count: int) -> Iterator[bytes]:
    """Each key once."""
    return (get(f"/obtener-ruc/{number:011}") for number in range(count))


def variants(count: int) -> Iterator[bytes]:
    """Each variant once, of one key after the other."""
    return (get(f"/varied/{number % VARIED}", f"X-Variant: v{number}\r\n") for number in range(count))


def used(server: RedisServer, what: str) -> int:
    """A number of Redis's INFO."""
    found = re.search(rb"\b%s:(\d+)" % what.encode(), server.command("INFO", "everything"))
    if found is None:
        raise SystemExit(f"Redis does not say {what}")
    return int(found[1])


async def measure(folder: Path, heads: Iterator[bytes], count: int, fields: bytes, room: tuple[int, int]) -> None:
    """Send all heads, and print what there is after each tenth."""
    memory, redis_memory = room
    redis = ("--maxmemory", f"{redis_memory}mb", "--maxmemory-policy", "volatile-ttl", "--appendonly", "no")
    with RedisServer(folder, *redis) as server:
        environ = {"REDIS_URL": server.url, "TAMBO_STORE__MEMORY": f"{memory}MiB", "TAMBO_LOG__SAMPLE": "0"}
        async with flood_origin(fields) as (upstream, asked), running(folder, upstream, **environ) as tambo:
            port = int(tambo.url.rpartition(":")[2])
            sizes = [resident(tambo.process.pid)]
            print(f"  at the start: {sizes[0] / MIB:.1f} MiB")
            for step in range(1, STEPS + 1):
                began = time.monotonic()
                statuses = await flood(port, islice(heads, count // STEPS))
                rate = count // STEPS / (time.monotonic() - began)
                sizes.append(resident(tambo.process.pid))
                there = f"Redis {used(server, 'used_memory') / MIB:6.1f} MiB ({used(server, 'evicted_keys'):,} evicted)"
                ours = f"{step * count // STEPS:>9,}: Tambo {sizes[-1] / MIB:6.1f} MiB"
                print(f"  {ours}, {there}, {rate:,.0f}/s, {dict(statuses)}", flush=True)
            grown = (sizes[-1] - sizes[STEPS // 2]) / (count / 2)
            print(f"  second half: {grown:+.2f} B each; the upstream was asked {asked[0]:,} times")


def main() -> None:
    """Keys first, then variants."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--keys", type=int, default=50_000)
    reading.add_argument("--variants", type=int, default=20_000)
    reading.add_argument("--memory", type=int, default=64, help="MiB of Tambo's memory tier")
    reading.add_argument("--redis", type=int, default=256, help="MiB of Redis's maxmemory")
    said = reading.parse_args()
    for what, heads, count, fields in (
        ("keys", keys(said.keys), said.keys, b""),
        (f"variants of {VARIED:,} keys", variants(said.variants), said.variants, b"Vary: X-Variant\r\n"),
    ):
        if count:
            print(f"{count:,} {what}, {said.memory} MiB of memory, Redis {said.redis} MiB:", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(measure(Path(folder), heads, count, fields, (said.memory, said.redis)))


if __name__ == "__main__":
    main()
