"""The files that come along: complete, and true to the model."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.config.keys import hints_of, joined, required_of
from proxy.config.load import load
from proxy.config.model import Config, Route
from proxy.config.scalars import unwrapped

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "tambo.example.toml"
DOCUMENT = ROOT / "docs" / "configuration.md"
UP = {"UPSTREAM_URL": "http://h"}


def every_key(kind: type[msgspec.Struct] = Config, key: str = "") -> list[str]:
    """Each key of the model; of a list of tables the tables' own."""
    keys: list[str] = []
    for name, hint in hints_of(kind).items():
        inner, _ = unwrapped(hint)
        item = unwrapped(getattr(inner, "__args__", (None,))[0])[0]
        below = next((one for one in (inner, item) if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)
        keys += [joined(key, name)] if below is None else every_key(below, joined(key, name))
    return keys


def uncommented() -> str:
    """The example with its keys that have no default put in."""
    return re.sub(r"^#(?=[a-z_]+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)


def flat(values: Any, key: str = "") -> dict[str, Any]:
    """Dotted keys of a parsed file."""
    if isinstance(values, list) and values and isinstance(values[0], dict):
        (values,) = values
    if not isinstance(values, dict) or not values:
        return {key: values}
    return {dotted: value for name, item in values.items() for dotted, value in flat(item, joined(key, name)).items()}


def test_the_model_has_the_keys_that_the_tests_look_for() -> None:
    assert "upstream.timeout.connect" in every_key()
    assert "routes.verdicts.when" in every_key()
    assert len(every_key()) == len(set(every_key()))


def test_the_example_is_valid_and_says_the_defaults() -> None:
    found = load(UP, file=str(EXAMPLE))
    example = msgspec.structs.replace(found.config, routes=())
    default = msgspec.structs.replace(load(UP, folder=ROOT / "tests").config, routes=())
    assert example == default
    assert found.warnings == ()


def test_the_examples_route_says_the_defaults() -> None:
    (route,) = load(UP, file=str(EXAMPLE)).config.routes
    assert route == Route(name=route.name, match=route.match)


def test_the_example_names_every_key() -> None:
    named = set(flat(tomllib.loads(uncommented())))
    rules = {"routes.verdicts.when", "routes.verdicts.verdict", "routes.verdicts.status"}
    assert set(every_key()) - rules == named - {"routes.verdicts"}
    line = next(line for line in EXAMPLE.read_text().splitlines() if line.startswith("verdicts = "))
    assert all(f"{rule.rpartition('.')[2]} =" in line for rule in rules)


def test_the_examples_keys_without_a_default_are_valid_too(tmp_path: Path) -> None:
    text = re.sub(r"^ca_file = .*$", "", uncommented(), flags=re.MULTILINE)
    (tmp_path / "tambo.toml").write_text(text)
    found = load({"ADMIN_TOKEN": "x", "REDIS_URL": "redis://h"}, folder=tmp_path)
    assert found.config.upstream.url == "http://localhost:8000"
    assert found.config.upstream.concurrency.max == 4


@pytest.mark.parametrize("key", every_key())
def test_the_document_explains(key: str) -> None:
    assert f"\n| `{key}` | " in DOCUMENT.read_text()


def test_the_document_explains_nothing_else() -> None:
    explained = re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \|", DOCUMENT.read_text(), flags=re.MULTILINE)
    assert set(explained) - {"routes.verdicts"} == set(every_key())


def test_the_document_tells_the_defaults() -> None:
    told = dict(re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \| `([^`]*)` \|", DOCUMENT.read_text(), flags=re.MULTILINE))
    written = flat(tomllib.loads(EXAMPLE.read_text()))
    for key, default in told.items():
        if key in written:
            assert tomllib.loads(f"x = {default}")["x"] in (written[key], _same(key, written[key])), key
    assert len(told) > 35


def _same(key: str, value: Any) -> Any:
    return {"routes.match.methods": ["GET", "HEAD"]}.get(key, value)


def test_no_route_key_without_a_meaning_is_required() -> None:
    assert required_of(Route) == ("name", "match")
