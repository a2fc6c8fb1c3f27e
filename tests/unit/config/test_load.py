"""Everything together: who wins, where a value came from, and that nothing wrong is kept back."""

from pathlib import Path
from typing import Any

import pytest

from proxy.config.load import Loaded, load
from proxy.config.problems import InvalidConfigError

UP = {"UPSTREAM_URL": "http://h"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to start in."""
    return tmp_path


def loaded(folder: Path, text: str = "", environ: dict[str, str] | None = None, **more: Any) -> Loaded:
    (folder / "tambo.toml").write_text(text)
    return load(UP if environ is None else environ, folder=folder, **more)


def problems_of(folder: Path, text: str = "", environ: dict[str, str] | None = None, **more: Any) -> list[str]:
    with pytest.raises(InvalidConfigError) as raised:
        loaded(folder, text, environ, **more)
    return [str(problem) for problem in raised.value.problems]


def test_nothing_but_the_upstream_is_needed(folder: Path) -> None:
    found = load(UP, folder=folder)
    assert found.config.upstream.url == "http://h"
    assert (found.file, found.warnings) == (None, ())
    assert found.source_of("upstream.url") == "UPSTREAM_URL"
    assert found.source_of("listen.port") == "default"
    assert [route.name for route in found.routes] == ["default"]


def test_without_an_upstream_it_says_how_to_set_one(folder: Path) -> None:
    (told,) = problems_of(folder, environ={})
    assert told.startswith("upstream.url: is not set")
    assert "UPSTREAM_URL=http://host:port" in told
    assert loaded(folder, environ={}, needs_upstream=False).config.upstream.url == ""
    assert problems_of(folder, environ={"UPSTREAM_URL": "x"}, needs_upstream=False)


def test_the_later_source_wins(folder: Path) -> None:
    text = "[listen]\nport = 1\n[defaults]\nttl = '1d'"
    options = [("listen.port", "3", "--port")]
    assert loaded(folder, "").config.listen.port == 8080
    assert loaded(folder, text).config.listen.port == 1
    assert loaded(folder, text, UP | {"PORT": "2"}).config.listen.port == 2
    found = loaded(folder, text, UP | {"PORT": "2"}, options=options)
    assert found.config.listen.port == 3
    assert found.source_of("listen.port") == "--port"
    assert found.source_of("defaults.ttl") == "tambo.toml"


def test_a_routes_own_ttl_wins_over_cache_ttl(folder: Path) -> None:
    text = '[[routes]]\nname = "a"\nmatch.path = "/a"\nttl = "1h"\n[[routes]]\nname = "b"\nmatch.path = "/b"'
    found = loaded(folder, text, UP | {"CACHE_TTL": "1d"})
    assert [route.ttl for route in found.routes] == [3_600, 86_400, 86_400]


@pytest.mark.parametrize("name", ["RUC", "0", "ruc"])
def test_a_route_can_be_changed_from_the_environment(folder: Path, name: str) -> None:
    text = '[[routes]]\nname = "ruc"\nmatch.path = "/a"'
    found = loaded(folder, text, UP | {f"TAMBO_ROUTES__{name}__TTL": "1h"})
    assert found.routes[0].ttl == 3_600


def test_all_that_is_wrong_is_told_together_with_where(folder: Path) -> None:
    text = "[listen]\nprot = 1\n[upstream]\nurl = 'ftp://h'\n[[routes]]\nname = 'a'\nmatch.path = 'a'"
    environ = {"TAMBO_ZZZZ": "x", "TAMBO_LISTEN__HOTS": "x"}
    told = problems_of(folder, text, environ, options=[("log.levl", "x", "--set"), ("lgo.level", "x", "--set")])
    assert [problem.split(": ", 2)[:2] for problem in told] == [
        ["TAMBO_ZZZZ", "unknown variable; see TAMBO_SECTION__KEY"],
        ["--set", "lgo.level"],
        ["tambo.toml", "listen.prot"],
        ["TAMBO_LISTEN__HOTS", "listen.hots"],
        ["--set", "log.levl"],
        ["tambo.toml", "upstream.url"],
        ["tambo.toml", "routes.a.match.path"],
    ]


def test_an_empty_variable_is_one_that_is_not_set(folder: Path) -> None:
    environ = UP | {"REDIS_URL": "", "PORT": " ", "ADMIN_TOKEN": "", "TAMBO_LISTEN__HOST": ""}
    found = load(environ, folder=folder)
    assert found.config == load(UP, folder=folder).config


def test_a_file_that_asks_for_a_variable(folder: Path) -> None:
    text = '[store]\nredis_url = "${REDIS}"\n[listen]\nport = "${MY_PORT:-81}"'
    found = loaded(folder, text)
    assert found.config.store.redis_url is None
    assert found.source_of("store.redis_url") == "default (REDIS is not set)"
    assert found.config.listen.port == 81
    found = loaded(folder, text, UP | {"REDIS": "redis://h", "MY_PORT": "82"})
    assert str(found.config.store.redis_url) == "redis://h"
    assert found.source_of("store.redis_url") == "tambo.toml ($REDIS)"
    assert found.config.listen.port == 82
    assert problems_of(folder, text, UP | {"MY_PORT": "x"})[0].startswith("tambo.toml ($MY_PORT): listen.port: ")


def test_a_file_outside_the_folder_is_called_by_its_path(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    path = folder / "a.toml"
    path.write_text("zzzz = 1")
    with pytest.raises(InvalidConfigError) as raised:
        load(UP, file=str(path), folder=other)
    assert str(raised.value).startswith(f"{path}: zzzz: unknown key")


def test_a_file_that_was_asked_for_must_be_there(folder: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"no\.toml: file: cannot be read"):
        load(UP | {"TAMBO_CONFIG": "no.toml"}, folder=folder)


def test_no_secret_is_told(folder: Path) -> None:
    environ = {"ADMIN_TOKEN": "s3cret", "REDIS_URL": "http://u:s3cret@h", "UPSTREAM_URL": "http://u:s3cret@h"}
    assert "s3cret" not in "".join(problems_of(folder, environ=environ))
    environ = UP | {"ADMIN_TOKEN": "s3cret", "REDIS_URL": "redis://u:s3cret@h"}
    assert "s3cret" not in repr(load(environ, folder=folder))
