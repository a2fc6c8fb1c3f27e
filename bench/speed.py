"""Tambo beside other proxies: hits, tiers, misses, streams, workers; and what became of the project's goals.

Usage: python bench/speed.py [--quick] [--parts hits,tiers,misses,streams,workers] [--plays TEXT] [--rounds 3]
                             [--seconds 3] [--all-peers] [--core 0] [--load-core 1] [--json FILE]

Needs nginx (it is the upstream too), wrk, redis-server, curl and taskset; haproxy, varnish and the others are left out
where they are not installed. The server has one core, the load and the upstream another. Every round plays each server
in turn, in the other direction each second round; printed are medians, and ratios round by round. Asserts nothing.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.load import report
from bench.load.goals import BESIDE, PARTS, Goal, Play
from bench.load.house import VERSIONS, House, program
from bench.load.machine import forget_peak
from bench.load.runs import Load, Run, middle, ratio, stream, warm, wrk

STREAMED = Play("100 MB, 4 clients", Load(""), ("nginx",), (Goal("nginx", 1.0),), "tambo-streams", hits=False)
MOST_MB = 64
"""What Tambo may take while it streams."""
NGINX = {"nginx-one": 1, "nginx-workers": 2}
"""Those that have all cores, and how many workers."""
Results = dict[tuple[str, str], list[Run]]


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="tambo-speed-", dir=_fast_folder()) as folder:
        Path(folder).chmod(0o755)  # peers that drop their rights have to come in
        with House(Path(folder), options.core, options.load_core) as house:
            results: Results = {}
            plays = _chosen(options)
            _open(house, plays, options)
            for play in plays:
                _play(house, play, results, options)
            if "streams" in options.parts:
                _stream(house, results, options)
                plays.append(STREAMED)
    _print(plays, results, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of a second each: to see that it works")
    parser.add_argument("--parts", default="hits,tiers,misses,streams,workers", type=lambda text: text.split(","))
    parser.add_argument("--plays", default="", help="only those whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--all-peers", action="store_true", help="Traffic Server and Squid too (as root)")
    parser.add_argument("--core", default="0")
    parser.add_argument("--load-core", default="1" if (os.cpu_count() or 1) > 1 else "0")
    parser.add_argument("--json", default="", help="append every run to this file")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 1.0
    return options


def _fast_folder() -> str | None:
    """Caches that others keep in files are in memory too."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh folder is made in it


def _chosen(options: argparse.Namespace) -> list[Play]:
    plays: list[Play] = []
    for part in options.parts:
        for play in PARTS.get(part, ()):
            if options.plays not in play.name:
                continue
            others = play.servers
            if options.all_peers and "varnish" in others:
                others = (*others, "trafficserver", "squid")
            beside = play.beside and replace(play.beside, seconds=options.seconds)
            load = replace(play.load, seconds=options.seconds)
            plays.append(replace(play, servers=others, load=load, beside=beside))
    return plays


def _open(house: House, plays: Iterable[Play], options: argparse.Namespace) -> None:
    """Start whom these plays need."""
    wanted = {server for play in plays for server in (play.ours, *play.servers)}
    if "streams" in options.parts:
        wanted |= {STREAMED.ours, *STREAMED.servers}
    if "raw" in wanted:
        house.raw()
    for name in sorted(wanted & set(VERSIONS)):
        if not house.peer(name):
            print(f"# {name} is not installed and left out", file=sys.stderr)
    both = f"{house.core},{house.load_core}"
    for name in sorted(wanted & set(NGINX)):
        house.nginx(name, NGINX[name], both)
    starts = {
        "tambo": {},
        "tambo-disk": {},
        "tambo-redis": {},
        "tambo-streams": {},
        "tambo-one": {"core": both},
        "tambo-workers": {"core": both, "WEB_CONCURRENCY": "2"},
    }
    for name in wanted & set(starts):
        house.tambo(name, **starts[name], **house.environ(name))


def _play(house: House, play: Play, results: Results, options: argparse.Namespace) -> None:
    runs = [(name, name, play.load) for name in (play.ours, *play.servers) if name in house.ports]
    if play.beside is not None:
        runs.append((BESIDE, play.ours, play.beside))
    if play.hits:
        for _, server, load in runs:
            warm(house, server, load)
    for number in range(options.rounds):
        for name, server, load in runs if number % 2 == 0 else reversed(runs):
            run = wrk(house, server, load)
            results.setdefault((play.name, name), []).append(run)
            _note(options, play.name, name, run)


def _stream(house: House, results: Results, options: argparse.Namespace) -> None:
    """By Tambos that have done nothing else: what other plays left in memory is not the streams'."""
    for number in range(options.rounds):
        servers = [name for name in (STREAMED.ours, *STREAMED.servers) if name in house.ports]
        for name in servers if number % 2 == 0 else reversed(servers):
            forget_peak(house.processes[name].pid)
            run = stream(house, name, 4)
            results.setdefault((STREAMED.name, name), []).append(run)
            _note(options, STREAMED.name, name, run)


def _note(options: argparse.Namespace, play: str, server: str, run: Run) -> None:
    print(f"# {play}: {server} {run.rate:,.0f}/s, {run.cpu:.1f}, foreign {run.foreign:.2f}", file=sys.stderr)
    if options.json:
        with Path(options.json).open("a") as file:
            file.write(json.dumps({"play": play, "server": server, **asdict(run)}) + "\n")


def _print(plays: list[Play], results: Results, options: argparse.Namespace) -> None:
    print(f"{_versions()}; {options.rounds} rounds of {options.seconds:g} s, {datetime.now(UTC):%Y-%m-%d}.\n")
    print("\n".join(report.reached(plays, results)))
    if ours := results.get((STREAMED.name, STREAMED.ours)):
        peak = max(run.peak_mb for run in ours)
        held = "yes" if peak < MOST_MB else "**no**"
        print(f"| {STREAMED.name} | peak RSS < {MOST_MB} MB | {peak:.0f} MB | {held} | - |")
    print()
    print("\n".join(report.figures(plays, results)))
    if STREAMED in plays:
        print(f"\nStreams: MB per second, and CPU seconds for 100 MB. {_streams(results)}")


def _streams(results: Results) -> str:
    ours, theirs = (results.get((STREAMED.name, name), []) for name in (STREAMED.ours, *STREAMED.servers))
    return f"Tambo takes {ratio(ours, theirs, 'cpu'):.2f} × nginx's CPU, {middle([run.cpu for run in ours]):.2f} s."


def _versions() -> str:
    told = [f"Python {platform.python_version()}", f"Linux {platform.release().split('-')[0]}"]
    for name, command in VERSIONS.items():
        if path := program(command[0]):
            done = subprocess.run([path, *command[1:]], capture_output=True, text=True, check=False)
            words = (done.stdout + done.stderr).replace("/", " ").replace("-", " ").split()
            told.append(f"{name} {next((word for word in words if word[:1].isdigit() and '.' in word), '?')}")
    return ", ".join(told)


if __name__ == "__main__":
    main()
