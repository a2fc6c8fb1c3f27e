"""What a purge request may say, and what it is told otherwise."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.admin.purge_form import PurgeForm, read_form
from proxy.errors import ClientError
from proxy.exchange.purges import PurgeKind, PurgeMode

SOFT, HARD = PurgeMode.SOFT, PurgeMode.HARD


@pytest.mark.parametrize(
    ("body", "query", "form"),
    [
        (b'{"url": "/a?b=1"}', {}, PurgeForm(PurgeKind.URL, "/a?b=1", SOFT)),
        (b'{"prefix": "/a/", "mode": "hard"}', {}, PurgeForm(PurgeKind.PREFIX, "/a/", HARD)),
        (b'{"tag": "x y"}', {}, PurgeForm(PurgeKind.TAG, "x y", SOFT)),
        (b'{"all": true}', {}, PurgeForm(PurgeKind.ALL, "", SOFT)),
        (b"", {"all": "true", "mode": "hard"}, PurgeForm(PurgeKind.ALL, "", HARD)),
        (b"", {"url": "http://x/a"}, PurgeForm(PurgeKind.URL, "http://x/a", SOFT)),
        (b'{"url": "/a", "prefix": null, "all": false}', {}, PurgeForm(PurgeKind.URL, "/a", SOFT)),
    ],
)
def test_forms(body: bytes, query: dict[str, str], form: PurgeForm) -> None:
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
        (b'{"url": "/a", "mode": "weird"}', {}, "soft or hard, not 'weird'"),
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
