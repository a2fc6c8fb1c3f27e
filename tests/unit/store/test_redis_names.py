"""Names in Redis: readable, injective, bounded, and never a pattern."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange.entry_ids import variant_digest
from proxy.store.redis_names import purges_name, text_of, variant_field, variants_name, variants_prefix
from tests.support.builders import a_key
from tests.support.strategies import secondary_keys

TEXTS = st.text(max_size=400)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sunat:ruc:20999999019", b"tambo:1:sunat:ruc:20999999019"),
        ("/a/b?x=1&y=2", b"tambo:1:/a/b%3Fx=1&y=2"),
        ("/a%2Fb", b"tambo:1:/a%252Fb"),
        ("/*?[a]\\{b}", b"tambo:1:/%2A%3F%5Ba%5D%5C%7Bb%7D"),
        ("/a b\r\n", b"tambo:1:/a%20b%0D%0A"),
        ("/ñ", b"tambo:1:/%C3%B1"),
        ("/#", b"tambo:1:/%23"),
    ],
)
def test_a_name_reads_like_its_key(text: str, name: bytes) -> None:
    assert variants_name("tambo", a_key(text)) == name


@given(TEXTS)
def test_a_name_that_is_whole_says_its_key(text: str) -> None:
    name, prefix = variants_name("tambo", a_key(text)), variants_prefix("tambo")
    assert name.startswith(prefix)
    assert text_of(name, prefix) == (None if b"#" in name else text)


@given(TEXTS, TEXTS)
def test_two_keys_never_share_a_name(one: str, other: str) -> None:
    same = variants_name("tambo", a_key(one)) == variants_name("tambo", a_key(other))
    assert same == (one == other)


@given(st.text(st.characters(), max_size=2_000))
def test_a_name_is_bounded_and_holds_nothing_that_a_pattern_or_a_cluster_reads(text: str) -> None:
    name = variants_name("tambo", a_key(text))
    assert len(name) <= 220
    assert re.fullmatch(rb"tambo:1:[A-Za-z0-9\-._~/:=&,@%#]*", name)
    assert name != purges_name("tambo")


def test_long_keys_that_begin_alike_differ() -> None:
    names = {variants_name("tambo", a_key("/" + "a" * 500 + end)) for end in ("x", "y")}
    assert len(names) == 2
    assert all(name.startswith(b"tambo:1:/aaa") for name in names)


def test_namespaces_are_apart() -> None:
    assert variants_name("one", a_key()) != variants_name("two", a_key())
    assert purges_name("one") != purges_name("two")


@given(secondary_keys, secondary_keys)
def test_each_variant_has_its_own_field(
    one: tuple[tuple[str, str | None], ...], other: tuple[tuple[str, str | None], ...]
) -> None:
    fields = [variant_field(variant_digest(each)) for each in (one, other)]
    assert (fields[0] == fields[1]) == (one == other)


def test_the_only_variant_has_a_short_field() -> None:
    assert variant_field(variant_digest(())) == b"-"
    assert len(variant_field(variant_digest((("accept", None),)))) == 32
