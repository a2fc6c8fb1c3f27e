"""Keys are injective: what the upstream could tell apart never shares one, and a fetch asks for what its key says."""

from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.policy.cache_key import CacheKey, cache_key, check_template, secondary_key, selects
from proxy.policy.messages import Fields, RequestHead
from proxy.policy.route import KeyRule, Match, QueryRule
from tests.support.policy import a_route

raw = st.text(st.sampled_from("ab1-._~%2F:;?&=+{}\xe9/"), max_size=8)
segments = st.text(st.sampled_from("ab1-._~%2F:;&=+{}\xe9|"), min_size=1, max_size=6)
targets = raw.map(lambda text: "/" + text)
authorities = st.sampled_from(["a", "a.b", "a:80", "[::1]:80", "A"])
literals = st.text(st.sampled_from("ab1-._~:|/"), max_size=3)
names = ("x", "y")


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Templates of two captures that ``check_template`` lets through."""
    template = f"{draw(literals)}{{x}}{draw(literals)}{{y}}{draw(literals)}"
    try:
        check_template(template, names)
    except ValueError:
        assume(condition=False)
    return template


def key(target: str, rule: KeyRule, captures: dict[str, str], authority: str = "h") -> CacheKey:
    return cache_key(RequestHead("GET", target, Fields(), authority=authority), Match(a_route(key=rule), captures))


@given(targets, targets)
def test_raw_targets(one: str, other: str) -> None:
    assert (key(one, KeyRule(), {}) == key(other, KeyRule(), {})) is (one == other)


@given(targets, authorities, targets, authorities)
def test_raw_targets_and_hosts(one: str, at: str, other: str, other_at: str) -> None:
    rule = KeyRule(host=True)
    same = key(one, rule, {}, at).text == key(other, rule, {}, other_at).text
    assert same is ((one, at.lower()) == (other, other_at.lower()))


@given(targets, authorities, targets)
def test_a_host_is_never_taken_for_a_path(one: str, at: str, other: str) -> None:
    assert key(one, KeyRule(host=True), {}, at).text != key(other, KeyRule(), {}).text


@given(templates(), segments, segments, segments, segments)
def test_captures_in_a_template(template: str, x1: str, y1: str, x2: str, y2: str) -> None:
    rule = KeyRule(template=template)
    one, other = key("/p", rule, {"x": x1, "y": y1}), key("/p", rule, {"x": x2, "y": y2})
    assert (one.text == other.text) is ((x1, y1) == (x2, y2))


@given(templates(), segments, segments, st.none() | raw, st.none() | raw)
def test_queries_beside_a_template(template: str, x1: str, x2: str, q1: str | None, q2: str | None) -> None:
    def target(query: str | None) -> str:
        return "/p" if query is None else f"/p?{query}"

    rule = KeyRule(template=template)
    one, other = key(target(q1), rule, {"x": x1, "y": "1"}), key(target(q2), rule, {"x": x2, "y": "1"})
    assert (one.text == other.text) is ((x1, q1) == (x2, q2))


@given(targets, st.booleans(), st.lists(st.sampled_from(["a*", "b", "*1"]), max_size=2).map(tuple))
def test_the_wire_says_what_the_key_says(target: str, sort: bool, ignore: tuple[str, ...]) -> None:
    rule = KeyRule(query=QueryRule(sort, ignore))
    made = key(target, rule, {})
    assert made.text == made.target
    assert key(made.target, rule, {}) == made, "a normalised target is normal"
    kept = sorted(made.target.partition("?")[2].split("&"))
    assert [part for part in kept if part] == [
        part
        for part in sorted(target.partition("?")[2].split("&"))
        if part and not any(_ignored(part.partition("=")[0], pattern) for pattern in ignore)
    ]


def _ignored(name: str, pattern: str) -> bool:
    return {"a*": name.startswith("a"), "b": name == "b", "*1": name.endswith("1")}[pattern]


field_values = st.none() | st.text(st.sampled_from('aB1 ,;="\t'), max_size=6)


@given(field_values, field_values, st.sampled_from(["x-a", "accept", "accept-language", "cookie", "user-agent"]))
def test_only_equal_selecting_fields_select(one: str | None, other: str | None, name: str) -> None:
    def asked(value: str | None) -> RequestHead:
        return RequestHead("GET", "/", Fields([] if value is None else [(name, value)]))

    made = secondary_key(asked(one), Fields([("Vary", name)]), a_route())
    assert made is not None
    assert selects(made, asked(one))
    if selects(made, asked(other)):
        assert (one is None) is (other is None)
        bare = [None if value is None else "".join(value.split()).lower() for value in (one, other)]
        if name == "accept-language":  # of ranges the order means nothing
            bare = [None if value is None else ",".join(sorted(filter(None, value.split(",")))) for value in bare]
        assert bare[0] == bare[1], "equal but for blanks and case"
