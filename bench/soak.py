"""Half an hour of everything at once on a Tambo of its own, every body checked by its version number.

Usage: python bench/soak.py [--minutes 30] [--clients 4] [--seed 1] [--core 0]

Hits, misses, purges, expiries, conditional and pipelined requests, slow clients and clients that leave. Exits 1 at any
wrong answer; prints what was done, and memory and open files each minute, which must not grow. Loopback only.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from aiohttp import web

from bench.load.house import House, free_port
from bench.load.machine import cpu_seconds
from tests.support.soak import Soak, Versions

_WARM_MINUTES = 5
"""After which memory has no reason to grow any more: what is held is bounded, and full."""


def resident_mb(pid: int) -> float:
    """Memory that a process has now."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def open_files(pid: int) -> int:
    """Descriptors that a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def watch(pid: int, minutes: float, figures: list[tuple[float, int]]) -> None:
    """Note memory and open files each minute."""
    print("| minute | RSS MB | open files | CPU s |\n|---|---|---|---|", flush=True)
    for minute in range(1, round(minutes) + 1):
        await asyncio.sleep(60)
        files = open_files(pid)
        figures.append((resident_mb(pid), files))
        print(f"| {minute} | {figures[-1][0]:.1f} | {files} | {cpu_seconds(pid):.0f} |", flush=True)


async def play(house: House, options: argparse.Namespace) -> int:
    """The whole of it; the exit code."""
    versions = Versions()
    application = web.Application()
    application.router.add_get("/{tail:.*}", versions.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    house.tambo(UPSTREAM_URL=f"http://127.0.0.1:{port}", TAMBO_STORE__MEMORY="4MiB", TAMBO_STORE__DISK="16MiB")
    pid = house.processes["tambo"].pid
    figures: list[tuple[float, int]] = []
    soak = Soak(
        ("127.0.0.1", house.ports["tambo"]), f"http://127.0.0.1:{house.admins['tambo']}", versions, options.seed
    )
    began = time.monotonic()
    watching = asyncio.ensure_future(watch(pid, options.minutes, figures))
    await soak.run(options.minutes * 60, options.clients)
    watching.cancel()
    await asyncio.sleep(2)
    files = open_files(pid)
    print(f"\n{time.monotonic() - began:.0f} s; {files} files are open once everybody has gone.")
    print(", ".join(f"{count:,} × {kind}" for kind, count in soak.tally.done.most_common()))
    if len(figures) > _WARM_MINUTES:
        grown = figures[-1][0] - figures[_WARM_MINUTES - 1][0]
        print(f"Memory grew by {grown:+.1f} MB after minute {_WARM_MINUTES}.")
    print(f"{len(soak.tally.wrong)} wrong answers.", *soak.tally.wrong[:20], sep="\n")
    await runner.cleanup()
    return bool(soak.tally.wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=4, help="of each of the seven kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--core", default="0")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tambo-soak-") as folder, House(Path(folder), options.core, "1") as house:
        return asyncio.run(play(house, options))


if __name__ == "__main__":
    sys.exit(main())
