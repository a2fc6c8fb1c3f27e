"""Reading switches, and when they fire."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper_backend.practice_site.catalogue import CATALOGUE
from scraper_backend.practice_site.firing import Firing
from scraper_backend.practice_site.switches import BadSwitchError, parse_switch, parse_switches


def fired(switch: dict[str, object], visits: str, seed: str = "0") -> str:
    """`visits` is one letter per request, "a" the RUC 20999999019, "b" another; the answer has x where it fired."""
    firing = Firing(seed)
    firing.arm([parse_switch({"switch": "reset", **switch})])
    numbers = {"a": "20999999019", "b": "20999999027"}
    return "".join("x" if firing.at("ficha", numbers[one]) else "." for one in visits)


@pytest.mark.parametrize(
    ("switch", "visits", "expected"),
    [
        ({}, "aba", "xxx"),
        ({"ruc": "20999999019"}, "aba", "x.x"),
        ({"step": "ficha"}, "ab", "xx"),
        ({"step": "workers"}, "ab", ".."),
        ({"nth": 2}, "aaaa", ".x.."),
        ({"nth": 2, "ruc": "20999999019"}, "abba", "...x"),
        ({"every": 3}, "aaaaaaa", "..x..x."),
        ({"times": 2}, "aaaa", "xx.."),
        ({"every": 2, "times": 1}, "aaaa", ".x.."),
        ({"probability": 0}, "aaaa", "...."),
        ({"probability": 1}, "aaaa", "xxxx"),
    ],
)
def test_when_a_switch_fires(switch: dict[str, object], visits: str, expected: str) -> None:
    assert fired(switch, visits) == expected


def test_chance_is_the_same_for_the_same_seed() -> None:
    first = fired({"probability": 0.5}, "a" * 100, "7")
    assert first == fired({"probability": 0.5}, "a" * 100, "7")
    assert first != fired({"probability": 0.5}, "a" * 100, "8")
    assert 30 < first.count("x") < 70


def test_the_report_counts() -> None:
    firing = Firing("0")
    firing.arm([parse_switch({"switch": "hang", "nth": 2})])
    firing.at("form", "")
    firing.at("form", "")
    firing.at("form", "")
    assert firing.report() == [{"switch": "hang", "nth": 2, "seen": 3, "fired": 1}]


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_switch_needs_only_its_name_and_reads_back(name: str) -> None:
    rule = parse_switch({"switch": name})
    assert parse_switch(rule.as_json()) == rule
    json.dumps(rule.as_json())


@pytest.mark.parametrize(
    ("given_switch", "says"),
    [
        ({"switch": "request-reject"}, "unknown switch 'request-reject'; the nearest known one is 'request-rejected'"),
        ({"switch": "zzz"}, "unknown switch 'zzz'; known are delay, hang"),
        ({}, "unknown switch None"),
        ({"switch": ["reset"]}, "unknown switch"),
        ({"switch": "delay", "second": 1}, "unknown key 'second'; the nearest known one is 'seconds'"),
        ({"switch": "delay", "seconds": "1"}, "seconds = '1': expected a number from 0 to 86400"),
        ({"switch": "delay", "seconds": True}, "expected a number"),
        ({"switch": "delay", "seconds": float("nan")}, "expected a number"),
        ({"switch": "status", "status": 418}, "expected one of 302, 401, 403, 429, 500, 502, 503"),
        ({"switch": "reset", "step": "fiche"}, "step = 'fiche': expected one of form, ficha"),
        ({"switch": "reset", "ruc": "123"}, "expected a RUC of eleven digits"),
        ({"switch": "reset", "nth": 0}, "nth = 0: expected a number from 1"),
        ({"switch": "reset", "nth": 1.5}, "nth = 1.5: expected a whole number"),
        ({"switch": "reset", "probability": 2}, "expected a number from 0 to 1"),
        ({"switch": "alert", "text": "x" * 3000}, "expected a text of at most 2000 characters"),
        ({"switch": "challenge", "only_headless": 1}, "expected true or false"),
        ("reset", "expected an object"),
    ],
)
def test_what_is_wrong_is_named(given_switch: object, says: str) -> None:
    with pytest.raises(BadSwitchError) as caught:
        parse_switch(given_switch)
    assert says in str(caught.value)


@pytest.mark.parametrize("wrong", [None, 1, "x", {"switch": "reset"}, {"switches": {}}])
def test_only_an_array_is_a_list_of_switches(wrong: object) -> None:
    with pytest.raises(BadSwitchError, match="expected"):
        parse_switches(wrong)


def test_too_many_switches_and_which_one_is_wrong() -> None:
    with pytest.raises(BadSwitchError, match="201 switches are too many"):
        parse_switches([{"switch": "reset"}] * 201)
    with pytest.raises(BadSwitchError, match="switch 2: unknown"):
        parse_switches({"switches": [{"switch": "reset"}, {"switch": "nothing"}]})


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=3)


@given(
    st.dictionaries(
        st.sampled_from(["switch", "ruc", "step", "nth", "seconds", "text", "status"]),
        st.sampled_from([*CATALOGUE]) | JSON,
    )
)
def test_junk_is_refused_or_read_but_never_an_accident(junk: dict[str, object]) -> None:
    try:
        rule = parse_switch(junk)
    except BadSwitchError:
        return
    assert rule.switch in CATALOGUE
