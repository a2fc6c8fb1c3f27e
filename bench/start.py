"""How long Tambo takes from its start to its first answer, with an empty store and with many entries on disk.

Usage: python bench/start.py [--entries 100000] [--times 5]

The answer is a miss of a running upstream or a hit from the file; the goal is 0.6 s. Loopback only. Asserts nothing.
"""

import argparse
import asyncio
import compileall
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.load.house import House, get
from bench.load.machine import cpu_seconds
from bench.peers import ROOT
from proxy.app.settings import make_backing
from proxy.clock import SystemClock
from proxy.config.load import load
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, StoredResponse, Windows

FIELDS = Fields(
    (
        ("Content-Type", "application/json"),
        ("Date", "Sat, 28 Nov 2026 12:00:00 GMT"),
        ("Cache-Control", "max-age=86400"),
    )
)


async def fill(folder: Path, upstream: str, entries: int) -> None:
    """Put so many entries of 2 KB into the file of a Tambo that is not running."""
    clock = SystemClock()
    loaded = load({"UPSTREAM_URL": upstream, "DATA_DIR": str(folder)}, options=(), folder=folder)
    store = make_backing(loaded.config, clock)
    await store.open()
    for number in range(entries):
        target = f"/item/{number}"
        body = b'{"path":"%s","filling":"%s"}' % (target.encode(), b"x" * 2000)
        stored = StoredResponse(
            *(target, "default", 200, "OK", FIELDS, body, (), (), None, False, None, 86_400.0, 0.0, clock.now()),
            Windows(),
        )
        await store.put(CacheKey(target, target), stored, 86_400.0)
        if number % 1000 == 999:
            await asyncio.sleep(0)
    await store.close()


def started(house: House, name: str) -> tuple[float, float]:
    """Seconds from the start to the first answer, and the CPU seconds that it took."""
    began = time.monotonic()
    house.tambo(name, pause=0.002)
    status, _, _ = get(house.ports[name], "/item/7")
    seconds = time.monotonic() - began
    assert status == 200
    cpu = cpu_seconds(house.processes[name].pid)
    house.stop(name)
    return seconds, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    compileall.compile_dir(ROOT / "proxy", quiet=1)  # as pip does where it installs
    print("| entries on disk | seconds to the first answer, median | fastest | least CPU seconds |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="tambo-start-") as folder, House(Path(folder), "0", "1") as house:
        for entries in (0, options.entries):
            name = f"tambo-{entries}"
            if entries:
                data = Path(folder) / name / "data"
                data.mkdir(parents=True)
                asyncio.run(fill(data, f"http://127.0.0.1:{house.origin}", entries))
            figures = [started(house, name) for _ in range(options.times)]
            seconds, cpu = zip(*figures, strict=True)
            print(f"| {entries:,} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {min(cpu):.2f} |")


if __name__ == "__main__":
    main()
