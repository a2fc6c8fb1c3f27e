"""How a command ends: its exit code, and its one-line words on standard error. Decides nothing."""

import sys
from enum import IntEnum

from proxy.config.problems import InvalidConfigError


class Exit(IntEnum):
    """What a script that calls ``tambo`` can tell apart."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    NOTHING = 4
    """Nothing matched; only where a count is known."""


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"tambo: {text}", file=sys.stderr)


def complain_of_config(error: InvalidConfigError) -> Exit:
    """One line for each problem."""
    for problem in error.problems:
        complain(str(problem))
    return Exit.CONFIG
