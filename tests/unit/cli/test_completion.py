"""``tambo completion``: what shells get, and that a real one takes it."""

import subprocess

import pytest

from tests.unit.cli.conftest import Tambo


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_knows_every_command(tambo: Tambo, shell: str) -> None:
    said = tambo("completion", shell)
    assert (said.code, said.err) == (0, "")
    for verb in ("run", "check", "purge", "entries", "mode"):
        assert verb in said.out


def test_bash_completes_with_it(tambo: Tambo) -> None:
    script = tambo("completion", "bash").out
    asks = "COMP_WORDS=(tambo pu); COMP_CWORD=1; _tambo; printf '%s\\n' \"${COMPREPLY[@]}\""
    done = subprocess.run(["bash", "-c", f"{script}\n{asks}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["purge"]


def test_another_shell_is_named(tambo: Tambo) -> None:
    said = tambo("completion", "csh")
    assert said.code == 2
    assert "csh" in said.err
    assert "bash" in said.err
