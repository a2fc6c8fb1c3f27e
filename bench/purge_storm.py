"""A storm of purges over three Tambos and one Redis: how long a purge takes to be true everywhere, and whether anything
was answered that had been purged. Measures, and fails only where something was.

Usage: python bench/purge_storm.py [--purges 1000] [--seconds 60] — first so many purges, one after the other, under
load alone; then, for so many seconds, three at once, while Tambos are stopped and cut off from Redis.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import aiohttp

from tests.support.numbered import Numbered
from tests.support.redis_server import RedisServer
from tests.support.storm import Storm, replicas


async def blow(folder: Path, purges: int, seconds: float) -> Storm:
    """Both parts; what each was like is printed."""
    origin = Numbered()
    with RedisServer(folder) as server:
        async with (
            origin.serving() as upstream,
            replicas(3, server.port, folder, upstream) as (tambos, cables),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        ):
            storm = Storm(session, tambos, cables, origin, random.Random())  # noqa: S311 - a load, not a secret
            async with storm.load():
                await storm.purges(lambda: len(storm.took) >= purges, purgers=1)
                print(f"under load alone:       {storm.told()}", flush=True)
                storm.took, storm.statuses = [], Counter()
                ends = time.monotonic() + seconds
                async with storm.disturbances():
                    await storm.purges(lambda: time.monotonic() > ends)
            print(f"stopped and cut off:    {storm.told()}")
            print(f"by kind: {dict(sorted(storm.kinds.items()))}")
            print(f"by status in the second part: {dict(storm.statuses)}")
            return storm


def main() -> None:
    """Blow, and fail where somebody was answered what had been purged."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--purges", type=int, default=1_000)
    reading.add_argument("--seconds", type=float, default=60.0)
    said = reading.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storm = asyncio.run(blow(Path(folder), said.purges, said.seconds))
    if storm.witness.wrong or storm.witness.failures:
        raise SystemExit("\n".join(storm.witness.wrong) or "some requests failed")


if __name__ == "__main__":
    main()
