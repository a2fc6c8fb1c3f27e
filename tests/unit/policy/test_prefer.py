"""Prefer (RFC 7240): who takes a promise, and what of the field is the upstream's."""

import pytest

from proxy.policy.messages import Fields
from proxy.policy.prefer import Patience, patience, without_patience


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        pytest.param([], None, id="nothing said"),
        pytest.param(["wait=10"], None, id="4.3 wait alone asks for no promise"),
        pytest.param(["respond-async"], Patience(None), id="4.1 respond-async"),
        pytest.param(["Respond-Async, WAIT=10"], Patience(10.0), id="2 names are case-insensitive"),
        pytest.param(['respond-async;foo="a,b"; bar, wait = "10"'], Patience(10.0), id="2 parameters and quotes"),
        pytest.param(["respond-async", "wait=5, wait=9"], Patience(5.0), id="2 several lines, the first counts"),
        pytest.param(["respond-async, wait=soon"], Patience(None), id="a wait that is no number is none"),
        pytest.param(["respond-async, wait=-1"], Patience(None), id="nor a negative one"),
        pytest.param(["respond-async, wait=999999999"], Patience(86_400.0), id="nobody waits longer than a day"),
        pytest.param(["respond-asynchronously"], None, id="another preference"),
        pytest.param(["return=minimal, respond-async"], Patience(None), id="among others"),
    ],
)
def test_who_takes_a_promise(lines: list[str], wanted: Patience | None) -> None:
    assert patience(Fields(("Prefer", line) for line in lines)) == wanted


@pytest.mark.parametrize(
    ("value", "left"),
    [("respond-async, wait=10", None), ("return=minimal, respond-async, wait=3; x", "return=minimal"), ("???", "???")],
)
def test_ours_are_met_here_and_the_others_go_on(value: str, left: str | None) -> None:
    fields = without_patience(Fields((("Accept", "*/*"), ("Prefer", value))))
    assert fields.joined("prefer") == left
    assert fields.joined("accept") == "*/*"
