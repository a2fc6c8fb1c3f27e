"""Exit codes, and one line for each problem."""

import pytest

from proxy.cli.exits import Exit, complain_of_config
from proxy.config.problems import InvalidConfigError
from proxy.errors import ConfigError


def test_the_codes_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in Exit} == {"OK": 0, "FAILED": 1, "USAGE": 2, "CONFIG": 3, "NOTHING": 4}


def test_one_line_for_each_problem(capsys: pytest.CaptureFixture[str]) -> None:
    error = InvalidConfigError([ConfigError("a.b", "is wrong", "file"), ConfigError("c", "too")])
    assert complain_of_config(error) is Exit.CONFIG
    assert capsys.readouterr().err == "tambo: file: a.b: is wrong\ntambo: c: too\n"
