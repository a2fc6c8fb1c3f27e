"""No-Vary-Search: what the field says, and which queries it makes one."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.no_vary_search import SearchRule, search_rule


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        pytest.param(None, None, id="absent"),
        pytest.param("", None, id="empty"),
        pytest.param("key-order", SearchRule(frozenset(), orders=False), id="order does not count"),
        pytest.param("key-order=?0", None, id="order counts, as without it"),
        pytest.param("params", SearchRule(frozenset(), is_except=True), id="no parameter counts"),
        pytest.param("params=?0", None, id="all parameters count"),
        pytest.param('params=("a" "b")', SearchRule(frozenset({"a", "b"})), id="some do not count"),
        pytest.param("params=()", None, id="none is named"),
        pytest.param('params, except=("a")', SearchRule(frozenset({"a"}), is_except=True), id="only one counts"),
        pytest.param('key-order, params=("a"), x=1', SearchRule(frozenset({"a"}), orders=False), id="with one unknown"),
        pytest.param('params=("a%20b+c" "%C3%A9")', SearchRule(frozenset({"a b c", "é"})), id="names are decoded"),
        pytest.param('params=("a";x=1);y', SearchRule(frozenset({"a"})), id="parameters of members mean nothing"),
        pytest.param('except=("a")', None, id="except without params"),
        pytest.param('params=("a"), except=("b")', None, id="except beside a list"),
        pytest.param("params, except=?1", None, id="except that is no list"),
        pytest.param("params=(a)", None, id="a token is no name"),
        pytest.param("params=(1)", None, id="a number is no name"),
        pytest.param('params="a"', None, id="a string is no list"),
        pytest.param("params=1", None, id="a number is no list"),
        pytest.param('key-order=("a")', None, id="a list is no boolean"),
        pytest.param("params=(", None, id="what cannot be read"),
        pytest.param('"a", "b"', None, id="a list is no dictionary"),
        pytest.param("params=(" + '"a" ' * 300 + ")", None, id="too many names"),
        pytest.param("params=(\xe9)", None, id="not ASCII"),
    ],
)
def test_the_field(value: str | None, rule: SearchRule | None) -> None:
    assert search_rule(value) == rule


@pytest.mark.parametrize(
    ("rule", "one", "other", "are_equivalent"),
    [
        ("params", "a=1", "b=2&c", True),
        ("params", "a=1", "", True),
        ('params=("u")', "a=1&u=1", "u=2&a=1&u=3", True),
        ('params=("u")', "a=1", "a=2", False),
        ('params=("u")', "a=1&b=2", "b=2&a=1", False),
        ('params=("u"), key-order', "a=1&b=2&u", "b=2&a=1", True),
        ("key-order", "a=1&b=1&a=2", "b=1&a=1&a=2", True),
        ("key-order", "a=1&a=2", "a=2&a=1", False),
        ('params, except=("a")', "a=1&x", "a=1&y", True),
        ('params, except=("a")', "a=1&x", "x", False),
        ('params=("u")', "a=b+c", "a=b%20c", True),
        ('params=("u")', "%61=1", "a=1", True),
        ('params=("u")', "a", "a=", True),
        ('params=("u")', "&&a=1&", "a=1", True),
        ('params=("u")', "a=1%262", "a=1&2", False),
        ('params=("u")', "a=%FF", "a=%FE", True),  # neither is UTF-8: read alike
        ('params=("é")', "a=1&%C3%A9=5", "a=1", True),
    ],
)
def test_equivalence(rule: str, one: str, other: str, are_equivalent: bool) -> None:
    found = search_rule(rule.encode().decode("latin-1") if rule.isascii() else 'params=("%C3%A9")')
    assert found is not None
    assert (found.canonical(one) == found.canonical(other)) == are_equivalent


@given(st.text(st.characters(max_codepoint=255)))
def test_whatever_comes_is_a_rule_or_none(value: str) -> None:
    search_rule(value)


NAMES = st.sampled_from(["a", "b", "u", "é", ""])
PAIRS = st.lists(st.tuples(NAMES, st.text(max_size=3)), max_size=5)


@given(pairs=PAIRS, more=PAIRS, names=st.frozensets(NAMES), is_except=st.booleans(), orders=st.booleans())
def test_two_are_one_exactly_when_what_counts_is_the_same(
    pairs: list[tuple[str, str]],
    more: list[tuple[str, str]],
    names: frozenset[str],
    is_except: bool,
    orders: bool,
) -> None:
    rule = SearchRule(names, is_except=is_except, orders=orders)

    def counting(all_pairs: list[tuple[str, str]]) -> object:
        kept = [pair for pair in all_pairs if (pair[0] not in names) != is_except]
        return kept if orders else {name: [value for key, value in kept if key == name] for name, _ in kept}

    is_one = rule.canonical(urlencode(pairs)) == rule.canonical(urlencode(more))
    assert is_one == (counting(pairs) == counting(more))
    assert rule.canonical(rule.canonical(urlencode(pairs))) == rule.canonical(urlencode(pairs))


def test_another_rule_has_another_mark() -> None:
    rules = [
        SearchRule(names, is_except=is_except, orders=orders)
        for names in (frozenset[str](), frozenset({"a"}), frozenset({"a", "b"}))
        for is_except in (False, True)
        for orders in (False, True)
    ]
    assert len({rule.mark for rule in rules}) == len(rules)
