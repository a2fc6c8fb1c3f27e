"""Finding, reading and filling in the file."""

from pathlib import Path

import pytest

from proxy.config.file import Filler, locate, parsed, read_text
from proxy.config.problems import InvalidConfigError
from proxy.config.tree import Leaf, Table, plain, planted


def test_which_file_is_read(tmp_path: Path) -> None:
    assert locate(None, {}, tmp_path) is None
    (tmp_path / "tambo.toml").write_text("")
    assert locate(None, {}, tmp_path) == tmp_path / "tambo.toml"
    assert locate(None, {"TAMBO_CONFIG": "b.toml"}, tmp_path) == tmp_path / "b.toml"
    assert locate("a.toml", {"TAMBO_CONFIG": "b.toml"}, tmp_path) == tmp_path / "a.toml"
    assert locate("/etc/a.toml", {}, tmp_path) == Path("/etc/a.toml")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[a]\nb =\n", "f.toml: line 2, column 4: not TOML: Invalid value"),
        (b"[a\n", "f.toml: line 1, column 3: not TOML: Expected ']'"),
        (b"[a]\nb = 1\n[a]\n", "f.toml: line 3, column 3: not TOML: Cannot declare"),
        (b"a = 1\nb = '\xff'\n", "f.toml: line 2: is not UTF-8"),
        (b"a = " + b"[" * 100_000, "f.toml: file: is nested too deeply"),
        (b"#" * (4 * 1024 * 1024 + 1), "f.toml: file: is larger than 4 MiB"),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidConfigError) as raised:
        parsed(read_text(path, "f.toml"))
    assert str(raised.value).startswith(problem)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"f\.toml: file: cannot be read: no such file or directory"):
        parsed(read_text(tmp_path / "f.toml", "f.toml"))
    with pytest.raises(InvalidConfigError, match="cannot be read: is a directory"):
        parsed(read_text(tmp_path, "folder"))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("${A}", "1"),
        ("x-${A}-${B}", "x-1-two"),
        ("${NO:-else}", "else"),
        ("${NO:-}", ""),
        ("${A:-else}", "1"),
        ("$${A}", "${A}"),
        ("$A {A} $", "$A {A} $"),
    ],
)
def test_variables_are_filled_in(text: str, filled: str) -> None:
    filler = Filler({"A": "1", "B": "two"})
    assert plain(filler.fill(planted({"k": [text]}, "file")) or Table({}, "")) == {"k": [filled]}
    assert filler.problems == []


def test_a_filled_in_value_says_where_it_came_from() -> None:
    leaf = Filler({"PORT": "80"}).fill(Leaf("${PORT}", "file"), "listen.port")
    assert leaf == Leaf("80", "file ($PORT)", is_text=True)


def test_nothing_but_a_variable_that_is_not_set_is_as_if_it_were_not_there() -> None:
    filler = Filler({})
    assert plain(filler.fill(planted({"a": {"b": "${NO}", "c": 1}}, "file")) or Table({}, "")) == {"a": {"c": 1}}
    assert filler.left_out == {"a.b": "NO"}
    assert filler.problems == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("http://${NO}:80", "file: k: needs the environment variable NO, which is not set"),
        ("${}", "file: k: has a '${' that names no variable"),
        ("${1A}", "file: k: has a '${' that names no variable"),
        ("${A", "file: k: has a '${' that names no variable"),
    ],
)
def test_what_cannot_be_filled_in(text: str, problem: str) -> None:
    filler = Filler({"A": "1"})
    filler.fill(planted({"k": text}, "file"))
    (told,) = filler.problems
    assert str(told).startswith(problem)
