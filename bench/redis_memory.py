"""What a stored response takes in Redis: bytes of used_memory per entry of 2 KB. Measures, asserts nothing.

Usage: python bench/redis_memory.py [entries] — starts its own redis-server.
"""

import asyncio
import json
import random
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from proxy.clock import SystemClock
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.messages import StoredResponse
from proxy.store.redis_address import parse_address
from proxy.store.redis_question import Limits
from proxy.store.redis_store import RedisStore
from tests.support.builders import a_key, a_stored
from tests.support.redis_server import RedisServer

SIZE = 2_048
PURGES = 5_000


def an_answer(number: int, compressible: bool, position: int) -> StoredResponse:
    """2 KB: rows of a JSON answer, or bytes that no compression makes smaller."""
    dice = random.Random(number)  # noqa: S311 - the same bodies each time
    rows = [{"periodo": f"2024-{dice.randint(1, 12):02}", "trabajadores": dice.randint(0, 99)} for _ in range(60)]
    body = json.dumps(rows).encode()[:SIZE] if compressible else dice.randbytes(SIZE)
    return a_stored(body, target=f"/obtener-ruc/{number:011}", position=position)


def used(server: RedisServer) -> int:
    """Bytes that Redis says it uses."""
    found = re.search(rb"used_memory:(\d+)", server.command("INFO", "memory"))
    if found is None:
        raise SystemExit("Redis does not say what it uses")
    return int(found[1])


async def measure(server: RedisServer, entries: int, compressible: bool) -> tuple[float, float]:
    """Bytes per entry, and per purge in the log."""
    store = RedisStore(parse_address(server.url), SystemClock(), Limits(timeout=2, command_timeout=5))
    await store.open()
    position = (await store.get(a_key())).position
    before = used(server)
    for number in range(entries):
        await store.put(a_key(f"sunat:ruc:{number:011}"), an_answer(number, compressible, position), 86_400)
    between = used(server)
    for number in range(PURGES):
        await store.log_purge(Purge(PurgeKind.URL, f"sunat:ruc:{number:011}", PurgeMode.SOFT))
    after = used(server)
    await store.close()
    return (between - before) / entries, (after - between) / PURGES


def main() -> None:
    """Measure for JSON and for what cannot be compressed."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for compressible in (True, False):
        with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder), "--appendonly", "no") as server:
            entry, purge = asyncio.run(measure(server, entries, compressible))
        kind = "JSON" if compressible else "incompressible"
        print(f"{entries} entries of 2 KB, {kind}: {entry:.0f} bytes each; a purge in the log: {purge:.0f} bytes")


if __name__ == "__main__":
    main()
