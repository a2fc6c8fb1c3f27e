"""A storm of purges over three Tambos and one Redis: how long a purge takes to be true everywhere, and whether anything
was answered that had been purged. Measures, and fails only where something was.

Usage: python bench/purge_storm.py [--purges 1000] [--rate 300] [--purgers 1] [--calm 4] — random purges of every kind,
so many one after the other (by so many purgers at once), under so many requests per second, while Tambos are stopped
(SIGSTOP) and cut off from Redis now and then, with so many seconds between.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import aiohttp

from bench.load.machine import Usage
from tests.support.numbered import Numbered
from tests.support.redis_server import RedisServer
from tests.support.storm import RATE, Storm, replicas


async def blow(folder: Path, said: argparse.Namespace) -> Storm:
    """All of it; what it was like is printed."""
    origin = Numbered()
    with RedisServer(folder) as server:
        async with (
            origin.serving() as upstream,
            replicas(3, server.port, folder, upstream) as (tambos, cables),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        ):
            storm = Storm(session, tambos, cables, origin, random.Random())  # noqa: S311 - a load, not a secret
            pids = [server.pid, *(tambo.process.pid for tambo in tambos)]
            before, began = Usage.now(*pids), time.monotonic()
            async with storm.load(said.rate), storm.disturbances(said.calm):
                await storm.purges(lambda: sum(storm.statuses.values()) >= said.purges, said.purgers)
            seconds = time.monotonic() - began
            foreign = Usage.now(*pids).foreign_since(before, seconds)
            print(f"{seconds:.0f} s, {storm.witness.answers / seconds:.0f} answers/s, foreign cores {foreign:.2f}")
            print(storm.told())
            print(f"by kind: {dict(sorted(storm.kinds.items()))}")
            return storm


def main() -> None:
    """Blow, and fail where somebody was answered what had been purged."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--purges", type=int, default=1_000)
    reading.add_argument("--rate", type=float, default=RATE)
    reading.add_argument("--purgers", type=int, default=1)
    reading.add_argument("--calm", type=float, default=4.0)
    said = reading.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storm = asyncio.run(blow(Path(folder), said))
    if storm.witness.wrong or storm.witness.failures:
        raise SystemExit("\n".join(storm.witness.wrong) or "some requests failed")


if __name__ == "__main__":
    main()
