"""``tambo check``: validates a configuration, and prints what holds and where each value came from. Starts nothing."""

import json
import os
from collections.abc import Sequence
from typing import Any

from proxy.app.checking import check_parts
from proxy.cli.check_archive import archive_warnings
from proxy.cli.exits import Exit, complain, complain_of_config
from proxy.config.load import Loaded, load
from proxy.config.problems import InvalidConfigError
from proxy.config.report import as_json, rows
from proxy.config.surprises import surprises

_WIDEST_VALUE = 60


def check(file: str | None, *, json_wanted: bool, strict: bool = False) -> Exit:
    """Validate; print the effective configuration as a table or as one JSON object. ``strict``: warn of everything that
    may surprise, and fail where there is such a thing."""
    try:
        loaded = load(os.environ, file=file)
        check_parts(loaded)
    except InvalidConfigError as error:
        return _refuse(error, json_wanted=json_wanted)
    warnings = list(loaded.warnings)
    if strict:
        warnings += [*surprises(loaded.config, loaded.routes), *archive_warnings(loaded)]
    if json_wanted:
        print(json.dumps(_described(loaded, warnings), indent=2))
    else:
        _print_table(loaded, warnings)
    return Exit.FAILED if strict and warnings else Exit.OK


def _refuse(error: InvalidConfigError, *, json_wanted: bool) -> Exit:
    if not json_wanted:
        return complain_of_config(error)
    errors = [{"key": each.key, "problem": each.problem, "source": each.source or None} for each in error.problems]
    print(json.dumps({"valid": False, "errors": errors}, indent=2))
    return Exit.CONFIG


def _described(loaded: Loaded, warnings: Sequence[str]) -> dict[str, Any]:
    return {
        "valid": True,
        "file": loaded.file,
        "warnings": list(warnings),
        "config": as_json(loaded.config),
        "sources": {row.key: row.source for row in rows(loaded)},
    }


def _print_table(loaded: Loaded, warnings: Sequence[str]) -> None:
    for warning in warnings:
        complain(f"warning: {warning}")
    print(f"{loaded.file or 'The configuration (no file)'} is valid.\n")
    table = rows(loaded)
    key_width = max(len(row.key) for row in table)
    value_width = min(_WIDEST_VALUE, max(len(row.value) for row in table))
    print(f"{'KEY':{key_width}}  {'VALUE':{value_width}}  FROM")
    for row in table:
        print(f"{row.key:{key_width}}  {row.value:{value_width}}  {row.source}")
