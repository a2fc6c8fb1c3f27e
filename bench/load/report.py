"""Runs as Markdown tables: the figures, and what became of the goals. Measures nothing."""

from collections.abc import Mapping, Sequence

from bench.load.goals import BESIDE, Goal, Play
from bench.load.runs import Run, middle, ratio

Results = Mapping[tuple[str, str], list[Run]]
"""Runs by play and server."""


def figures(plays: Sequence[Play], results: Results) -> list[str]:
    """Requests per second, CPU and latencies of everybody."""
    lines = [
        "| load | server | req/s | CPU µs/request | p50 µs | p99 µs | peak RSS MB | to the upstream | errors |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for play in plays:
        for server in (play.ours, *play.servers, BESIDE):
            runs = results.get((play.name, server))
            if not runs:
                continue
            rate, cpu, p50, p99 = (
                middle([getattr(run, what) for run in runs]) for what in ("rate", "cpu", "p50", "p99")
            )
            asked, errors = sum(run.asked for run in runs), sum(run.errors for run in runs)
            peak = max(run.peak_mb for run in runs)
            lines.append(
                f"| {play.name} | {server} | {rate:,.0f} | {cpu:.1f} | {p50:,.0f} | {p99:,.0f} | {peak:.0f} "
                f"| {asked if play.hits else '-'} | {errors} |"
            )
    return lines


def reached(plays: Sequence[Play], results: Results) -> list[str]:
    """Each goal, what was measured, and whether that is enough."""
    lines = ["| load | goal | measured | reached | foreign cores |", "|---|---|---|---|---|"]
    for play in plays:
        ours = results.get((play.name, play.ours))
        if not ours:
            continue
        foreign = max(run.foreign for runs in _all_of(play, results) for run in runs)
        for goal in play.goals:
            theirs = results.get((play.name, goal.against))
            if theirs:
                lines.append(f"| {play.name} | {_judged(goal, ours, theirs)} | {foreign:.2f} |")
            else:
                lines.append(f"| {play.name} | against {goal.against} | not installed, or not played | - | - |")
    return lines


def _all_of(play: Play, results: Results) -> list[list[Run]]:
    names = ((play.name, server) for server in (play.ours, *play.servers, BESIDE))
    return [results[name] for name in names if name in results]


def _judged(goal: Goal, ours: list[Run], theirs: list[Run]) -> str:
    if goal.what == "p50+":
        more = middle([run.p50 for run in ours]) - middle([run.p50 for run in theirs])
        return f"p50 ≤ {goal.against} + {goal.least:.0f} µs | + {more:.0f} µs | {_yes(more <= goal.least)}"
    if goal.what == "cpu":
        measured = ratio(ours, theirs, "cpu")
        return f"CPU per request ≤ {goal.least} × {goal.against} | {measured:.2f} | {_yes(measured <= goal.least)}"
    measured, by_cpu = ratio(ours, theirs, "rate"), ratio(theirs, ours, "cpu")
    return f"≥ {goal.least} × {goal.against} | {measured:.2f} (by CPU {by_cpu:.2f}) | {_yes(measured >= goal.least)}"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "**no**"
