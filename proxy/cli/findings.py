"""What ``tambo doctor`` found, as values, as a table and as JSON. Looks at nothing itself."""

import json
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import asdict


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    ADVICE = "advice"
    """It works, and may surprise."""
    WRONG = "wrong"


class Finding(Struct, frozen=True):
    """One thing that was looked at. ``do``: what to do about it; empty: nothing."""

    about: str
    state: State
    said: str
    do: str = ""


def good(about: str, said: str) -> Finding:
    """Nothing to do."""
    return Finding(about, State.OK, said)


def advice(about: str, said: str, do: str) -> Finding:
    """Something to think about."""
    return Finding(about, State.ADVICE, said, do)


def wrong(about: str, said: str, do: str) -> Finding:
    """Something to put right."""
    return Finding(about, State.WRONG, said, do)


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether nothing is wrong."""
    return all(finding.state is not State.WRONG for finding in findings)


def print_json(findings: Sequence[Finding]) -> None:
    """One JSON object."""
    print(json.dumps({"ok": is_well(findings), "findings": [asdict(finding) for finding in findings]}, indent=2))


def print_table(findings: Sequence[Finding]) -> None:
    """A table, and one line that sums up."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, and JSON needs none
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    colours = {State.OK: "green", State.ADVICE: "yellow", State.WRONG: "bold red"}
    table = Table(box=None, pad_edge=False)
    for name in ("CHECKED", "STATE", "FOUND"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        said = Text(finding.said)
        if finding.do:
            said.append(f"\n→ {finding.do}", style="italic")
        table.add_row(Text(finding.about), Text(finding.state.value, style=colours[finding.state]), said)
    console = Console()
    console.print(table)
    count = {state: sum(finding.state is state for finding in findings) for state in State}
    console.print(f"\n{count[State.WRONG]} wrong, {count[State.ADVICE]} to think about, {count[State.OK]} ok.")
