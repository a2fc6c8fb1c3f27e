"""``tambo check``."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Tambo


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The one variable that is needed."""
    monkeypatch.setenv("UPSTREAM_URL", "http://h")


@pytest.mark.usefixtures("upstream")
def test_what_holds_and_where_it_came_from(tambo: Tambo, folder: Path) -> None:
    (folder / "tambo.toml").write_text('[listen]\nport = 81\n[admin]\ntoken = "s3cret"\n')
    said = tambo("check")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "tambo.toml is valid."
    assert lines[2].split() == ["KEY", "VALUE", "FROM"]
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[3:]}
    assert told["listen.port"] == "81 tambo.toml"
    assert told["listen.host"] == "0.0.0.0 default"
    assert told["upstream.url"] == "http://h UPSTREAM_URL"
    assert told["admin.token"] == "*** tambo.toml"
    column = lines[2].index("FROM")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines[3:])


@pytest.mark.usefixtures("upstream")
def test_without_a_file(tambo: Tambo) -> None:
    assert tambo("check").out.startswith("The configuration (no file) is valid.\n")


@pytest.mark.usefixtures("upstream")
def test_warnings_go_beside_it(tambo: Tambo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_HOST", "0.0.0.0")
    said = tambo("check")
    assert said.code == 0
    assert said.err.startswith("tambo: warning: admin.host: 0.0.0.0 can be reached from other machines")
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("upstream")
def test_as_json(tambo: Tambo, folder: Path) -> None:
    (folder / "a.toml").write_text('[admin]\ntoken = "s3cret"\n')
    said = tambo("check", "a.toml", "--json")
    told = json.loads(said.out)
    assert "s3cret" not in said.out
    assert (told["valid"], told["file"], told["warnings"]) == (True, "a.toml", [])
    assert told["config"]["listen"]["port"] == 8080
    assert told["sources"]["admin.token"] == "a.toml"


def test_what_is_wrong(tambo: Tambo, folder: Path) -> None:
    (folder / "a.toml").write_text("[listen]\nport = 'x'\nprot = 1\n")
    said = tambo("check", "a.toml")
    assert (said.code, said.out) == (3, "")
    assert said.err == (
        'tambo: a.toml: listen.port: must be a whole number from 0 to 65535, not "x"\n'
        "tambo: a.toml: listen.prot: unknown key; did you mean 'port'?\n"
    )


def test_what_is_wrong_as_json(tambo: Tambo, folder: Path) -> None:
    (folder / "a.toml").write_text("[listen]\nprot = 1\n")
    said = tambo("check", "a.toml", "--json")
    assert (said.code, said.err) == (3, "")
    told = json.loads(said.out)
    assert told["valid"] is False
    assert [(error["key"], error["source"]) for error in told["errors"]] == [
        ("listen.prot", "a.toml"),
        ("upstream.url", None),
    ]


@pytest.mark.usefixtures("upstream")
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://:s3cret@h/x", "tambo: REDIS_URL: store.redis_url: the database '/x' is not a number"),
        ("redis+cluster://:s3cret@a,b/3", "tambo: REDIS_URL: store.redis_url: a Cluster has no databases"),
        ("redis://:s3cret@h?retry=1", "tambo: REDIS_URL: store.redis_url: "),
    ],
)
def test_redis_is_read_as_the_store_will(tambo: Tambo, monkeypatch: pytest.MonkeyPatch, url: str, problem: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    said = tambo("check")
    assert said.code == 3
    assert said.err.startswith(problem)
    assert "s3cret" not in said.err
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("upstream")
def test_strict_warns_of_what_surprises_and_fails(tambo: Tambo, folder: Path) -> None:
    (folder / "a.toml").write_text("[stopping]\ndrain_timeout = '10s'\n")
    assert tambo("check", "a.toml").code == 0
    said = tambo("check", "a.toml", "--strict")
    assert said.code == 1
    assert said.err.startswith("tambo: warning: stopping.drain_timeout: a stop cuts what is in flight after 10s")
    told = json.loads(tambo("check", "a.toml", "--strict", "--json").out)
    assert len(told["warnings"]) == 1


@pytest.mark.usefixtures("upstream")
def test_strict_is_content_with_the_defaults(tambo: Tambo) -> None:
    assert tambo("check", "--strict").code == 0
