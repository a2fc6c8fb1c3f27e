"""What passes through once stays nowhere: a Tambo and its Redis hold what they were allowed and no more. The same with
a million keys: ``python bench/memory_bounds.py --keys 1000000``."""

import re
from itertools import islice
from pathlib import Path

import pytest

from tests.support.flood import flood, flood_origin, get, resident
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, running

pytestmark = pytest.mark.integration

MIB = 1024 * 1024
MEMORY, REDIS_MEMORY = 2 * MIB, 4 * MIB
KEYS, VARIED, VARIANTS = 8_000, 12, 1_200
OVERHEAD = 24 * MIB
"""What a Tambo may take while it works, beside its memory tier and what it takes at its start."""
LEAK = 400
"""Bytes for each key in the second half: less than any answer that is kept. So few keys do not fill all that is bounded
by a number: after 10,000 there is no growth (see the long run)."""


async def test_distinct_keys_and_variants_pass_through_within_bounds(tmp_path: Path) -> None:
    options = ("--maxmemory", str(REDIS_MEMORY), "--maxmemory-policy", "volatile-ttl")
    with RedisServer(tmp_path, *options) as server:
        environ = {"REDIS_URL": server.url, "TAMBO_STORE__MEMORY": f"{MEMORY}B", "TAMBO_LOG__SAMPLE": "0"}
        async with (
            flood_origin(b"Vary: X-Variant\r\n") as (upstream, asked),
            running(tmp_path, upstream, **environ) as tambo,
        ):
            before = resident(tambo.process.pid)
            heads = (get(f"/k/{number:011}") for number in range(KEYS))
            assert await flood(_port(tambo), islice(heads, KEYS // 2)) == {b"200": KEYS // 2}
            half = resident(tambo.process.pid)
            assert await flood(_port(tambo), heads) == {b"200": KEYS - KEYS // 2}
            whole = resident(tambo.process.pid)
            assert whole < before + MEMORY + OVERHEAD
            assert whole - half < LEAK * KEYS / 2
            assert _used(server, b"used_memory") < REDIS_MEMORY * 1.05
            assert _used(server, b"evicted_keys") > 0, "it would have been more"

            heads = (get(f"/v/{number % VARIED}", f"X-Variant: {number}\r\n") for number in range(VARIANTS))
            assert await flood(_port(tambo), heads) == {b"200": VARIANTS}
            assert asked[0] == KEYS + VARIANTS
            assert resident(tambo.process.pid) < before + MEMORY + OVERHEAD
            for name in server.command("KEYS", "tambo:*:1:/v/*").split(b"\r\n")[2::2]:
                assert _number(server.command("HLEN", name)) <= 64 + 1, "variants, and the fence beside them"


def _port(tambo: Tambo) -> int:
    return int(tambo.url.rpartition(":")[2])


def _used(server: RedisServer, what: bytes) -> int:
    found = re.search(rb"\b%s:(\d+)" % what, server.command("INFO", "everything"))
    assert found is not None
    return int(found[1])


def _number(reply: bytes) -> int:
    return int(reply.strip(b":\r\n"))
