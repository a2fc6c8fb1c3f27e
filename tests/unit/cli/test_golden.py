"""Every verb's golden transcripts (tests/golden): its help, success, refusal and ``--json``, held against its schema.

``GOLDEN=write`` before the command writes what is printed now into the files: read what changed before it is committed.
"""

import asyncio
import inspect
import io
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from cyclopts import App
from rich.console import Console

from proxy.cli.json_schemas import VERBS, output_schema
from proxy.cli.main import app
from tests.support.golden import FOLDER, Command, Printed, commands, stage, validated
from tests.unit.cli.conftest import Tambo

WRITES: Final = os.environ.get("GOLDEN") == "write"


def verbs(group: App = app, path: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Every verb there is, and whether it has ``--json``: read from the command line itself."""
    for name in group:
        if name.startswith("-"):
            continue
        function = group[name].default_command
        if function is None:
            yield from verbs(group[name], (*path, name))
        else:
            yield " ".join((*path, name)), "json" in inspect.signature(function).parameters


VERB_NAMES: Final = tuple(verbs())


def file_of(verb: str) -> Path:
    return FOLDER / f"{verb.replace(' ', '-')}.txt"


@pytest.mark.parametrize(("verb", "has_json"), VERB_NAMES, ids=[verb for verb, _ in VERB_NAMES])
def test_every_verb_has_its_transcripts(verb: str, has_json: bool) -> None:
    """A verb without a file, and one whose file leaves out a form, fails here."""
    played = [(command, shown) for command, shown in commands(file_of(verb)) if belongs(command, verb)]
    ended = [(command, "\n(exit " not in f"\n{shown}") for command, shown in played]
    helps = [shown for command, shown in played if command.wants_help]
    assert helps, "no --help"
    assert all("Examples:\n  " in shown and "Exit codes: 0 ok" in shown for shown in helps)
    assert [command for command, is_ok in ended if not is_ok], "no refusal"
    plain = [command for command, is_ok in ended if is_ok and not command.wants_help and not command.wants_json]
    assert plain or verb == "run", "no success"  # of run there is: tests/integration/test_run_transcript.py
    assert [command for command, is_ok in ended if is_ok and command.wants_json] or not has_json, "no --json"


def test_what_has_json_has_a_schema_and_no_other() -> None:
    assert {verb for verb, has_json in VERB_NAMES if has_json} == set(VERBS)
    for verb in VERBS:
        jsonschema.Draft202012Validator.check_schema(output_schema(verb))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
async def test_transcripts(
    path: Path, tambo: Tambo, folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr("proxy.cli.warm._PAUSE", 0.02)
    told, wanted, job = [], [], ""
    async with stage(folder) as environ:
        for command, shown in commands(path):
            said = await asyncio.to_thread(call, tambo, command, environ, job, monkeypatch)
            job = next((word for word in said.out.split() if len(word) == 20 and word.isalnum()), job)
            if command.wants_json and said.out:
                assert validated(said.out, partial(validate, command)), command.line
            told.append(f"{command.line}\n{said.shown}")
            wanted.append(f"{command.line}\n{shown}")
    if WRITES:
        path.write_text("".join(told))  # noqa: ASYNC240 - on purpose, and by hand
    for now, before in zip(told, wanted, strict=True):
        assert now == before or WRITES, f"GOLDEN=write pytest {request.node.nodeid} writes what is printed now"


def belongs(command: Command, verb: str) -> bool:
    words = verb.split()
    return list(command.arguments[: len(words)]) == words


def validate(command: Command, value: Any) -> None:
    (verb,) = (verb for verb in VERBS if belongs(command, verb))
    jsonschema.validate(value, output_schema(verb))


def call(
    tambo: Callable[..., Any], command: Command, environ: dict[str, str], job: str, monkeypatch: pytest.MonkeyPatch
) -> Printed:
    with monkeypatch.context() as patch:
        for name, value in (*environ.items(), *command.environ):
            patch.setenv(name, value)
        if command.stdin is not None:
            patch.setattr(sys, "stdin", io.StringIO(Path(command.stdin).read_text()))
        patch.setattr(app, "console", Console(width=100))  # one that was made before may have another width
        said = tambo(*(job if word == "JOB" else word for word in command.arguments))
        return Printed(said.code, said.out, said.err)
