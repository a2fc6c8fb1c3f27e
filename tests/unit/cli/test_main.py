"""The command line as a whole: help, usage errors, and that nobody is shown a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.cli.main import main
from tests.unit.cli.conftest import Tambo

ROOT = Path(__file__).parents[3]


def test_without_a_verb_it_lists_the_verbs(tambo: Tambo) -> None:
    said = tambo()
    assert said.code == 0
    for verb in ("run", "check", "schema", "purge", "explain", "stats", "top", "version"):
        assert f" {verb} " in said.out
    assert "Exit codes: 0 ok, 1 failed, 2 usage, 3 invalid configuration, 4 nothing matched." in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["purg"], "tambo: there is no command 'purg'; did you mean 'purge'?"),
        (["zzz"], "tambo: there is no command 'zzz'; the commands are run, check, "),
        (["run", "--confg", "x"], "tambo: Unknown option: --confg. Did you mean --config?"),
        (["run", "extra"], "tambo: unexpected argument 'extra' (see tambo run --help)"),
        (["check", "a", "b"], "tambo: unexpected argument 'b'"),
        (["run", "--config"], "tambo: "),
        (["run", "--set", "x"], "tambo: run: --set 'x' must be KEY=VALUE"),
        (["run", "--set", "=x"], "tambo: run: --set '=x' must be KEY=VALUE"),
        (["purge"], "tambo: purge: say exactly one of URL, --prefix PATH, --pattern"),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(tambo: Tambo, arguments: list[str], words: str) -> None:
    said = tambo(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(words)
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(("level", "shows"), [("debug", True), ("info", False), (None, False)])
def test_a_bug_shows_its_traceback_to_who_asks_for_it(
    tambo: Tambo, monkeypatch: pytest.MonkeyPatch, level: str | None, shows: bool
) -> None:
    def broken(**_: object) -> int:
        raise TypeError("something is None")

    monkeypatch.setattr("proxy.cli.version.show_version", broken)
    if level:
        monkeypatch.setenv("LOG_LEVEL", level)
    said = tambo("version")
    assert said.code == 1
    assert ("Traceback" in said.err) is shows
    assert said.err.endswith("tambo: internal error: TypeError: something is None (LOG_LEVEL=debug shows where)\n")


def test_ctrl_c_ends_it_quietly(tambo: Tambo, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("proxy.cli.version.show_version", interrupted)
    assert tambo("version").code == 130


def test_the_program_says_its_version_without_importing_a_server() -> None:
    program = (
        "import sys; from proxy.cli.main import main; code = main(['version']);"
        "print([name for name in ('aiohttp', 'redis', 'proxy.app', 'prometheus_client') if name in sys.modules]);"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tambo ")
    assert done.stdout.endswith("\n[]\n")


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "check"],
        cwd=ROOT / "tests",
        env={"UPSTREAM_URL": "http://h", "PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_the_console_script_and_the_module_are_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "purg"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("tambo: there is no command 'purg'")
    assert main(["zzz"]) == 2
