"""The published JSON Schema: what the reader takes it takes, and it names what the reader would refuse."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from proxy.config.load import load
from proxy.config.problems import InvalidConfigError
from proxy.config.schema import schema

ROOT = Path(__file__).parents[3]
VALIDATOR = Draft202012Validator(schema())
FILES = ("tambo.example.toml", "tambo.scraper.toml", "conformance.toml")


def problems(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_what_is_published_is_what_holds() -> None:
    published = json.loads((ROOT / "tambo.schema.json").read_text())
    assert published == schema(), "write it anew: tambo schema > tambo.schema.json"


@pytest.mark.parametrize("file", FILES)
def test_the_bundled_files_are_valid_and_name_it(file: str) -> None:
    text = (ROOT / file).read_text()
    assert problems(text) == []
    assert text.startswith("#:schema ./tambo.schema.json\n")


@pytest.mark.parametrize(
    "text",
    [
        'upstream = { url = "http://h", timeout = { total = 30, connect = "1m30s" } }',
        'listen = { port = "${PORT}", hit_path = "${FAST:-true}" }',
        'store = { memory = "64 MiB", disk = 1048576, redis_url = "${REDIS_URL}" }',
        'defaults = { jitter = "10%", ttl = "7d" }',
        'upstream = { retries = { on = ["connect", 502] } }',
        '[[routes]]\nname = "a"\nmatch = { path = "/a" }\nstatuses = "all"\nttl_by_status = { 404 = "1h" }',
        '[[routes]]\nname = "a"\nmatch = { path = "/a" }\nstatuses = [200]\nmode = "override"',
    ],
)
def test_what_the_reader_takes(text: str, tmp_path: Path) -> None:
    assert problems(text) == []
    (tmp_path / "tambo.toml").write_text(text)
    load({"UPSTREAM_URL": "http://h", "PORT": "1", "REDIS_URL": "redis://h"}, folder=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "lisen = { port = 1 }",
        "listen = { prot = 1 }",
        "listen = { port = 70000 }",
        'listen = { port = "eighty" }',
        'upstream = { timeout = { total = "soon" } }',
        "upstream = { timeout = { total = 0 } }",
        'store = { memory = "64 apples" }',
        'defaults = { jitter = "some" }',
        'log = { level = "loud" }',
        '[[routes]]\nname = "a"',
        '[[routes]]\nname = "a b"\nmatch = { path = "/a" }',
        '[[routes]]\nname = "a"\nmatch = { path = "/a", methods = ["PUT"] }',
        '[[routes]]\nname = "a"\nmatch = { path = "/a" }\nstatuses = "some"',
        '[[routes]]\nname = "a"\nmatch = { path = "/a" }\nverdicts = [{ when = "x", verdict = "maybe" }]',
    ],
)
def test_what_the_reader_refuses(text: str, tmp_path: Path) -> None:
    assert problems(text)
    (tmp_path / "tambo.toml").write_text(text)
    with pytest.raises(InvalidConfigError):
        load({"UPSTREAM_URL": "http://h"}, folder=tmp_path)


def test_keys_are_described() -> None:
    listen: dict[str, Any] = schema()["$defs"]["Listen"]["properties"]
    assert listen["keepalive"]["description"] == "For the next request on an idle connection."
