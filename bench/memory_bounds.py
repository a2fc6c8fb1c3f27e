"""What memory a Tambo and its Redis take while many distinct keys, or many variants of some keys, pass through them.
Measures, asserts nothing.

Usage: python bench/memory_bounds.py [--keys 50000] [--variants 20000] [--memory 64] [--redis 256] (MiB) [--seeded] —
starts a Tambo, a redis-server with that maxmemory, an origin of 200 bytes an answer and its clients. ``--seeded``: put
each key's answer into Redis before it is asked for, as another Tambo would have: a fifth of the cost of a fetch.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1]))

import hiredis

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.codec import decode, encode
from proxy.store.redis_question import pack
from tests.support.flood import flood, flood_origin, get, resident
from tests.support.redis_server import RedisServer
from tests.support.tambo import running

STEPS = 10
MIB = 1024 * 1024
VARIED = 1_000
"""Keys that have all the variants between them."""
FIRST = "/obtener-ruc/first"
SOWN_AT_ONCE = 500
SOWN_TOGETHER = 10_000
SOWN_FOR = 3_600_000
"""Milliseconds, as the origin's answers are good for an hour."""


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


class Seed:
    """Puts answers into Redis that differ in their keys alone."""

    def __init__(self, server: RedisServer, target: str) -> None:
        """``target``: what has been fetched already, and is what the others are made from."""
        (self._name,) = (
            name for name in server.command("KEYS", "tambo:*").split(b"\r\n") if name.endswith(target.encode())
        )
        self._server = server
        self._target = target
        key = CacheKey(target, target)
        found = hiredis.Reader()
        found.feed(server.command("HGET", self._name, "-"))
        stored = decode(found.gets(), key)
        if not isinstance(stored, StoredResponse):
            raise SystemExit(f"Redis holds nothing of {target}: {stored}")
        self._stored = stored

    async def sow(self, targets: Sequence[str]) -> None:
        """Put an answer for each of these."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        for first in range(0, len(targets), SOWN_AT_ONCE):
            some = targets[first : first + SOWN_AT_ONCE]
            writer.write(b"".join(map(self._command, some)))
            await writer.drain()
            await reader.readexactly(len(some) * len(b":1\r\n:1\r\n"))
        writer.close()

    def _command(self, target: str) -> bytes:
        name = self._name.removesuffix(self._target.encode()) + target.encode()
        value = encode(CacheKey(target, target), replace(self._stored, target=target))
        return pack([(b"HSET", name, b"-", value), (b"PEXPIRE", name, SOWN_FOR)])


async def _sown(seed: Seed, heads: Iterator[bytes], port: int) -> Counter[bytes]:
    """Sow and ask, some at a time: Redis must not have evicted what is asked for."""
    statuses: Counter[bytes] = Counter()
    while some := list(islice(heads, SOWN_TOGETHER)):
        await seed.sow([head.split(b" ", 2)[1].decode() for head in some])
        statuses += await flood(port, iter(some))
    return statuses


async def measure(
    folder: Path, heads: Iterator[bytes], count: int, fields: bytes, room: tuple[int, int], *, is_seeded: bool
) -> None:
    """Send all heads, and print what there is after each tenth."""
    memory, redis_memory = room
    redis = ("--maxmemory", f"{redis_memory}mb", "--maxmemory-policy", "volatile-ttl", "--appendonly", "no")
    with RedisServer(folder, *redis) as server:
        environ = {"REDIS_URL": server.url, "TAMBO_STORE__MEMORY": f"{memory}MiB", "TAMBO_LOG__SAMPLE": "0"}
        async with flood_origin(fields) as (upstream, asked), running(folder, upstream, **environ) as tambo:
            port = int(tambo.url.rpartition(":")[2])
            sizes = [resident(tambo.process.pid)]
            seed = None
            if is_seeded:
                await flood(port, iter([get(FIRST)]))
                seed = Seed(server, FIRST)
            print(f"  at the start: {sizes[0] / MIB:.1f} MiB")
            for step in range(1, STEPS + 1):
                began = time.monotonic()
                some = islice(heads, count // STEPS)
                statuses = await (flood(port, some) if seed is None else _sown(seed, some, port))
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
    reading.add_argument("--seeded", action="store_true", help="find the keys in Redis; there are no variants then")
    said = reading.parse_args()
    for what, heads, count, fields in (
        ("keys", keys(said.keys), said.keys, b""),
        (
            f"variants of {VARIED:,} keys",
            variants(said.variants),
            0 if said.seeded else said.variants,
            b"Vary: X-Variant\r\n",
        ),
    ):
        if count:
            print(f"{count:,} {what}, {said.memory} MiB of memory, Redis {said.redis} MiB:", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                room = said.memory, said.redis
                asyncio.run(measure(Path(folder), heads, count, fields, room, is_seeded=said.seeded))


if __name__ == "__main__":
    main()
