"""Secrets do not print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.model import Admin, Config
from proxy.config.secret import Secret, SecretUrl, mask_url


def test_a_secret_tells_its_value_only_when_asked() -> None:
    config = Config(admin=Admin(token=Secret("s3cret")))
    assert "s3cret" not in f"{config} {config!r} {config.admin.token} {config.admin.token!r}"
    assert config.admin.token is not None
    assert config.admin.token.value == "s3cret"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:pw@host", "redis://:***@host"),
        ("rediss://user:pw@host:1/2", "rediss://user:***@host:1/2"),
        ("redis://user:***@host", "redis://user:***@host"),
        ("redis://token@host", "redis://***@host"),
        ("redis://u:p@w/d@host", "redis://u:***@host"),
        ("redis+sentinel://u:pw@a,b/s?password=pw2", "redis+sentinel://u:***@a,b/s?password=***"),
        ("unix:///run/redis.sock?db=1&password=pw", "unix:///run/redis.sock?db=1&password=***"),
        ("u:pw@host", "***"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert str(SecretUrl(url)) == shown
    assert repr(SecretUrl(url)) == f"SecretUrl({shown!r})"


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(["redis", "rediss", "redis+sentinel"]))
def test_no_password_survives(password: str, scheme: str) -> None:
    assert mask_url(f"{scheme}://user:{password}@host") == f"{scheme}://user:***@host"
