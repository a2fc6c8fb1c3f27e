"""The effective configuration as an operator reads it."""

import json
from pathlib import Path

import pytest

from proxy.config.keys import hints_of, scalar_keys
from proxy.config.load import Loaded, load
from proxy.config.model import Config, Route
from proxy.config.report import as_json, rows

TEXT = """
[admin]
token = "s3cret"
[store]
redis_url = "redis://:s3cret@h"
[stopping]
drain_timeout = "5s"
[[routes]]
name = "a"
match.path = "/a/{id}"
ttl = "1d"
ttl_by_status = { 404 = "1h" }
statuses = [404, 200]
mode = "override"
verdicts = [{ when = "a", verdict = "failure" }]
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """A configuration with one route."""
    (tmp_path / "tambo.toml").write_text(TEXT)
    return load({"UPSTREAM_URL": "http://h"}, folder=tmp_path)


def test_every_key_is_told_once(loaded: Loaded) -> None:
    keys = [row.key for row in rows(loaded)]
    assert len(keys) == len(set(keys))
    off = {"upstream.breaker"}
    told = [key for key, _ in scalar_keys(Config) if key != "routes" and key.rpartition(".")[0] not in off]
    assert set(told) | off <= set(keys)
    for name in hints_of(Route):
        assert any(key == f"routes.a.{name}" or key.startswith(f"routes.a.{name}.") for key in keys), name


@pytest.mark.parametrize(
    ("key", "value", "source"),
    [
        ("upstream.url", "http://h", "UPSTREAM_URL"),
        ("upstream.timeout.first_byte", "1m30s", "default"),
        ("upstream.concurrency.max", "unlimited", "default"),
        ("upstream.ca_file", "the system's", "default"),
        ("upstream.breaker", "off", "default"),
        ("upstream.retries.on", "connect, 502, 503", "default"),
        ("store.memory", "256MiB", "default"),
        ("store.redis_url", "redis://:***@h", "tambo.toml"),
        ("admin.token", "***", "tambo.toml"),
        ("defaults.stale_if_error", "as the upstream says", "default"),
        ("stopping.drain_timeout", "5s", "tambo.toml"),
        ("routes.a.ttl", "1d", "tambo.toml"),
        ("routes.a.negative_ttl", "1m", "defaults.negative_ttl"),
        ("routes.a.stale_if_error", "as the upstream says", "defaults.stale_if_error"),
        ("routes.a.max_object", "8MiB", "store.max_object"),
        ("routes.a.ttl_by_status", "404 = 1h", "tambo.toml"),
        ("routes.a.statuses", "404, 200", "tambo.toml"),
        ("routes.a.forward_fields", "strict", "default"),
        ("routes.a.match.methods", "GET, HEAD", "default"),
        ("routes.a.key.template", "none", "default"),
        ("routes.a.verdicts.0.verdict", "failure", "tambo.toml"),
        ("log.level", "info", "default"),
    ],
)
def test_rows(loaded: Loaded, key: str, value: str, source: str) -> None:
    (row,) = [row for row in rows(loaded) if row.key == key]
    assert (row.value, row.source) == (value, source)


@pytest.mark.parametrize("key", ["stopping.drain_timeout", "upstream.concurrency.queue_timeout"])
def test_what_depends_on_another_key_says_on_which(key: str, tmp_path: Path) -> None:
    found = load({"UPSTREAM_URL": "http://h", "TAMBO_UPSTREAM__TIMEOUT__TOTAL": "9s"}, folder=tmp_path)
    (row,) = [row for row in rows(found) if row.key == key]
    assert (row.value, row.source) == ("9s", "upstream.timeout.total")


def test_as_json_it_is_plain(loaded: Loaded) -> None:
    text = json.dumps(as_json(loaded.config))
    assert "s3cret" not in text
    plain = json.loads(text)
    assert plain["store"]["memory"] == 256 * 1024**2
    assert plain["upstream"]["concurrency"]["max"] is None
    assert plain["routes"][0]["ttl_by_status"] == {"404": 3600}
    assert plain["log"]["level"] == "info"
