"""Tags from the upstream's fields and from the route."""

import pytest

from proxy.policy.messages import Fields
from proxy.policy.tags import LONGEST_TAG, MOST_TAGS, response_tags
from tests.support.policy import a_route


@pytest.mark.parametrize(
    ("lines", "tags"),
    [
        pytest.param([("Cache-Groups", '"a b", "c"')], ("a b", "c"), id="9875-2 strings"),
        pytest.param([("Cache-Groups", '"a"'), ("Cache-Groups", '"b";x=1')], ("a", "b"), id="9875-2 lines, parameters"),
        pytest.param([("Cache-Groups", '"a", b, 1, ("c")')], ("a",), id="9875-2 other types are no groups"),
        pytest.param([("Cache-Groups", '"a", "b')], (), id="9651-4.2 what does not parse is not there"),
        pytest.param([("Cache-Groups", '"\xe9"')], (), id="9651-4.2 not ASCII"),
        pytest.param([("Surrogate-Key", "a  b\tc")], ("a", "b", "c"), id="Surrogate-Key by blanks"),
        pytest.param([("xkey", "a"), ("xkey", "b c")], ("a", "b", "c"), id="xkey by lines and blanks"),
        pytest.param([("Cache-Tag", "a b, c,,d")], ("a b", "c", "d"), id="Cache-Tag by commas"),
        pytest.param([("Surrogate-Key", "a"), ("Cache-Tag", "a")], ("a",), id="each once"),
        pytest.param([("Cache-Tag", "x" * (LONGEST_TAG + 1) + ", a")], ("a",), id="none too long"),
    ],
)
def test_tags_from_fields(lines: list[tuple[str, str]], tags: tuple[str, ...]) -> None:
    assert response_tags(Fields(lines), a_route(), {}) == tags


def test_the_routes_tags_come_first_and_are_never_crowded_out() -> None:
    many = ", ".join(f"t{number}" for number in range(MOST_TAGS * 2))
    tags = response_tags(Fields([("Cache-Tag", many)]), a_route(tags=("all", "ruc:{ruc}")), {"ruc": "2 0"})
    assert tags[:3] == ("all", "ruc:2%200", "t0")
    assert len(tags) == MOST_TAGS
