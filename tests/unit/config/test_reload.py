"""What a reload takes over, and what it leaves as it was."""

from pathlib import Path

import pytest

from proxy.config.load import Loaded, load
from proxy.config.reload import settle


def loaded(folder: Path, **said: str) -> Loaded:
    return load({"UPSTREAM_URL": "http://h", **said}, folder=folder)


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("PORT", "9000", "listen.port"),
        ("HOST", "127.0.0.1", "listen.host"),
        ("WEB_CONCURRENCY", "2", "listen.workers"),
        ("ADMIN_PORT", "9001", "admin.port"),
        ("ADMIN_PREFIX", "/-/tambo", "admin.prefix"),
        ("UPSTREAM_URL", "http://other", "upstream.url"),
        ("REDIS_URL", "redis://:s3cret@h", "store.redis_url"),
        ("DATA_DIR", "elsewhere", "store.data_dir"),
        ("TAMBO_STORE__MEMORY", "64MiB", "store.memory"),
        ("TAMBO_TRACING__ENDPOINT", "http://c:4318", "tracing.endpoint"),
    ],
)
def test_what_cannot_change_in_place_is_named_and_stays(tmp_path: Path, variable: str, value: str, key: str) -> None:
    running = loaded(tmp_path)
    settled = settle(running, loaded(tmp_path, **{variable: value, "CACHE_TTL": "1h"}))
    assert settled.needs_restart == (key,)
    assert settled.loaded.config.defaults.ttl == 3600
    assert settled.loaded.routes[-1].ttl == 3600
    kept = settle(settled.loaded, running)
    assert kept.needs_restart == ()
    assert settled.loaded.source_of(key) == running.source_of(key)


def test_the_rest_is_taken_over(tmp_path: Path) -> None:
    wanted = loaded(tmp_path, ADMIN_TOKEN="t", TAMBO_UPSTREAM__CONCURRENCY__MAX="4", TAMBO_LISTEN__CONNECTIONS="5")
    settled = settle(loaded(tmp_path), wanted)
    assert settled.needs_restart == ()
    assert settled.loaded.config == wanted.config


@pytest.mark.parametrize("shared", [{"REDIS_URL": "redis://h"}, {"WEB_CONCURRENCY": "2"}])
@pytest.mark.parametrize(("before", "after"), [({}, {"max": "4"}), ({"max": "4"}, {})])
def test_shared_places_are_not_begun_or_ended_in_place(
    tmp_path: Path, shared: dict[str, str], before: dict[str, str], after: dict[str, str]
) -> None:
    def one(said: dict[str, str]) -> Loaded:
        return loaded(tmp_path, **shared, **{f"TAMBO_UPSTREAM__CONCURRENCY__{k.upper()}": v for k, v in said.items()})

    settled = settle(one(before), one(after))
    assert settled.needs_restart == ("upstream.concurrency.max",)
    assert settled.loaded.config.upstream.concurrency == one(before).config.upstream.concurrency
    assert settle(one({"max": "4"}), one({"max": "5"})).needs_restart == ()
