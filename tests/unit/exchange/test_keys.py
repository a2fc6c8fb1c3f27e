"""Keys that a path's rule changes: what is learned, what is forgotten, what never meets."""

from typing import Any

from proxy.exchange.keys import Keys
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields
from proxy.policy.route import Match, RoutePolicy, compile_pattern
from tests.support.builders import a_key, a_request, a_stored, fields

MATCH = Match(RoutePolicy("r", compile_pattern("/**")), {})
RULE = fields({"No-Vary-Search": 'params=("u")'})


def of(keys: Keys, target: str) -> str:
    return keys.of(a_request(target), MATCH).text


def learn(keys: Keys, target: str, said: Fields = RULE, **changes: Any) -> str:
    request = a_request(target, method=changes.pop("method", "GET"))
    asked = changes.pop("asked", None) or keys.of(request, MATCH)
    return keys.learned(asked, request, MATCH, a_stored(fields=said, **changes)).text


def test_without_a_rule_a_key_is_the_targets_own() -> None:
    keys = Keys()
    assert of(keys, "/a?u=1") == "/a?u=1"
    assert learn(keys, "/a?u=1", Fields()) == "/a?u=1"
    assert not keys.has_kin(a_key("/a?u=1"))


def test_a_learned_rule_makes_equivalent_targets_one() -> None:
    keys = Keys()
    stored = learn(keys, "/a?x=1&u=1")
    assert of(keys, "/a?x=1&u=2") == of(keys, "/a?u=3&x=1") == stored
    assert of(keys, "/a?x=2&u=1") != stored
    assert of(keys, "/b?x=1&u=1") == "/b?x=1&u=1", "of its own path only"
    assert keys.of(a_request("/a?x=1&u=2"), MATCH).target == "/a?x=1&u=2", "what is fetched stays what was asked for"
    assert keys.has_kin(a_key("/a?anything"))


def test_what_was_stored_under_one_rule_is_not_found_under_another() -> None:
    keys = Keys()
    old = learn(keys, "/a?x=1&u=1")
    new = learn(keys, "/a?x=1&u=1", fields({"No-Vary-Search": 'params=("x")'}))
    assert old != new
    assert of(keys, "/a?u=1") == new
    assert learn(keys, "/a?x=1&u=1", Fields()) == "/a?x=1&u=1"
    assert of(keys, "/a?u=1") == "/a?u=1", "a success that says nothing ends the rule"


def test_an_error_that_says_nothing_changes_nothing() -> None:
    keys = Keys()
    stored = learn(keys, "/a?u=1")
    assert learn(keys, "/a?u=2", Fields(), status=404) == stored
    assert of(keys, "/a?u=3") == stored


def test_what_was_asked_for_under_a_rule_that_is_forgotten_is_stored_under_its_own_key() -> None:
    keys = Keys()
    asked = CacheKey("/a?#s0123", "/a?u=1")
    assert learn(keys, "/a?u=1", Fields(), asked=asked) == "/a?u=1"


def test_a_query_keeps_its_key_and_is_known_to_be_there() -> None:
    keys = Keys()
    asked = CacheKey("/a#q1", "/a")
    assert learn(keys, "/a", Fields(), asked=asked, method="QUERY") == "/a#q1"
    assert keys.has_kin(a_key("/a?x"))
    assert of(keys, "/a?u=1") == "/a?u=1"


def test_paths_are_bounded() -> None:
    keys = Keys(most=10)
    for number in range(100):
        learn(keys, f"/{number}?u=1")
    assert of(keys, "/0?u=1") == "/0?u=1"
    assert of(keys, "/99?u=1") == of(keys, "/99")
    assert sum(keys.has_kin(a_key(f"/{number}")) for number in range(100)) == 10
