"""What the store and the upstream's client would stumble over, found before they are built."""

from pathlib import Path

import pytest

from proxy.app.checking import check_parts
from proxy.config.load import load
from proxy.config.problems import InvalidConfigError


def test_all_that_is_wrong_is_told_with_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    environ = {
        "UPSTREAM_URL": "https://h",
        "REDIS_URL": "redis+sentinel://h",
        "TAMBO_UPSTREAM__CA_FILE": str(tmp_path / "ca.pem"),
    }
    with pytest.raises(InvalidConfigError) as raised:
        check_parts(load(environ, folder=tmp_path))
    first, second = raised.value.problems
    assert (first.key, first.source) == ("store.redis_url", "REDIS_URL")
    assert (second.key, second.source) == ("upstream.ca_file", "TAMBO_UPSTREAM__CA_FILE")
    assert "holds no certificates that can be read" in second.problem


def test_what_can_be_read_passes(tmp_path: Path) -> None:
    check_parts(load({"UPSTREAM_URL": "http://h", "REDIS_URL": "redis://h:6379/0"}, folder=tmp_path))
