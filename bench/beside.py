"""This checkout beside another one: the CPU that each takes for a request, in turn, over several starts of both.

Usage: python bench/beside.py OTHER [--plays "1,000 URLs" 304] [--starts 3] [--rounds 5] [--seconds 1]
                              [--core 0] [--load-core 1]

OTHER is the folder of another checkout (``git worktree add ../before HEAD~1``); the same environment serves both. Plays
are those of bench/speed.py, by parts of their names. One start is not enough: where its objects happen to lie moves a
hit by 8 %; so the same checkout given twice shows what is noise. Needs nginx and wrk, redis-server for Redis's hits.
Asserts nothing.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.load.goals import PARTS, Play
from bench.load.house import House
from bench.load.runs import Run, middle, ratio, warm, wrk
from bench.peers import ROOT

OURS, OTHER = "this", "other"
Results = dict[tuple[str, str], list[Run]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--plays", nargs="+", default=["1,000 URLs"])
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--core", default="0")
    parser.add_argument("--load-core", default="1" if (os.cpu_count() or 1) > 1 else "0")
    options = parser.parse_args()
    plays = [
        replace(play, load=replace(play.load, seconds=options.seconds))
        for part in ("hits", "tiers", "misses")
        for play in PARTS[part]
        if any(name in play.name for name in options.plays)
    ]
    results: Results = {}
    for start in range(options.starts):
        for kind in sorted({play.ours for play in plays}):
            _play(options, start, kind, [play for play in plays if play.ours == kind], results)
    print("| load | CPU µs per request | the other's | ratio, its quarters | rate |\n|---|---|---|---|---|")
    for play in plays:
        print(_row(play, results[play.name, OURS], results[play.name, OTHER]))


def _play(options: argparse.Namespace, start: int, kind: str, plays: list[Play], results: Results) -> None:
    """Every load on a fresh pair."""
    with (
        tempfile.TemporaryDirectory(prefix="tambo-beside-") as folder,
        House(Path(folder), options.core, options.load_core) as house,
    ):
        environ = house.environ(kind)
        trees = {OURS: ROOT, OTHER: options.other.resolve()}
        for name, tree in trees.items():
            house.tambo(name, **environ | {"PYTHONPATH": str(tree)})
        for play in plays:
            for name in trees if play.hits else ():
                warm(house, name, play.load)
            for number in range(options.rounds):
                for name in trees if (start + number) % 2 == 0 else reversed(trees):
                    results.setdefault((play.name, name), []).append(wrk(house, name, play.load))


def _row(play: Play, ours: list[Run], theirs: list[Run]) -> str:
    ratios = sorted(one.cpu / other.cpu for one, other in zip(ours, theirs, strict=True))
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    cpu = [middle([run.cpu for run in runs]) for runs in (ours, theirs)]
    rate = ratio(ours, theirs, "rate")
    return f"| {play.name} | {cpu[0]:.1f} | {cpu[1]:.1f} | {middle(ratios):.2f} ({low:.2f}-{high:.2f}) | {rate:.2f} |"


if __name__ == "__main__":
    main()
