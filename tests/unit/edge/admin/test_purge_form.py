"""What a purge request may say, and what it is told otherwise."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.admin.purge_form import read_form
from proxy.errors import ClientError
from proxy.exchange.purge_desk import PurgeWish
from proxy.exchange.purges import AskedMode, PurgeKind

SOFT, HARD, REFRESH = AskedMode.SOFT, AskedMode.HARD, AskedMode.REFRESH


@pytest.mark.parametrize(
    ("body", "query", "form"),
    [
        (b'{"url": "/a?b=1"}', {}, PurgeWish(PurgeKind.URL, "/a?b=1", SOFT)),
        (b'{"prefix": "/a/", "mode": "hard"}', {}, PurgeWish(PurgeKind.PREFIX, "/a/", HARD)),
        (b'{"tag": "x y"}', {}, PurgeWish(PurgeKind.TAG, "x y", SOFT)),
        (b'{"all": true}', {}, PurgeWish(PurgeKind.ALL, "", SOFT)),
        (b"", {"all": "true", "mode": "hard"}, PurgeWish(PurgeKind.ALL, "", HARD)),
        (b"", {"url": "http://x/a"}, PurgeWish(PurgeKind.URL, "http://x/a", SOFT)),
        (b'{"url": "/a", "dry_run": true}', {}, PurgeWish(PurgeKind.URL, "/a", SOFT, dry_run=True)),
        (b"", {"url": "/a", "dry_run": "", "mode": "refresh"}, PurgeWish(PurgeKind.URL, "/a", REFRESH, dry_run=True)),
        (b'{"url": "/a", "prefix": null, "all": false}', {}, PurgeWish(PurgeKind.URL, "/a", SOFT)),
    ],
)
def test_forms(body: bytes, query: dict[str, str], form: PurgeWish) -> None:
    assert read_form(body, query) == form


@pytest.mark.parametrize(
    ("body", "query", "says"),
    [
        (b"", {}, "exactly one of url, prefix, pattern, tag, route, all"),
        (b'{"url": "/a", "all": true}', {}, "exactly one"),
        (b'{"ulr": "/a"}', {}, "did you mean 'url'?"),
        (b'{"url": 1}', {}, "'url' must be a text"),
        (b'{"url": ""}', {}, "'url' must be a text"),
        (b'{"all": "no"}', {}, "'all' must be true"),
        (b'{"url": "/a", "mode": "weird"}', {}, "'mode' must be one of soft, hard, refresh, not 'weird'"),
        (b"[1]", {}, "must be a JSON object"),
        (b"{", {}, "not JSON"),
        (b"[" * 100_000, {}, "nested too deep"),
        (b"\xff", {}, "not JSON"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, query: dict[str, str], says: str) -> None:
    with pytest.raises(ClientError) as caught:
        read_form(body, query)
    assert caught.value.status == 400
    assert says in caught.value.problem


@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
def test_reading_is_total(body: bytes, query: dict[str, str]) -> None:
    with suppress(ClientError):
        assert read_form(body, query).kind in PurgeKind
