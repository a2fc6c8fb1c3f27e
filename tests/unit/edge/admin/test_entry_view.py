"""What an operator is shown of a stored response."""

import json
from typing import Any

import pytest

from proxy.edge.admin.entry_view import MASK, MOST_SHOWN, row_view, whole_view
from proxy.policy.messages import Fields, StoredResponse, Windows
from tests.support.builders import T0, a_stored


def shown(stored: StoredResponse, now: float = T0, *, pretty: bool = False) -> Any:
    return json.loads(json.dumps(whole_view("k", stored, now, pretty=pretty)))


def test_a_row_has_all_that_an_operator_searches_for() -> None:
    stored = a_stored(
        cost=1.25,
        tags=("a", "b"),
        secondary_key=(("accept", "x"), ("accept-language", None)),
        windows=Windows(10, 20, 30),
    )
    view = row_view("key", stored, 7, 5, T0 + 15)
    assert view["target"] == "/a"
    assert (view["key"], view["route"], view["status"], view["state"]) == ("key", "default", 200, "fresh")
    assert (view["length"], view["size"], view["age"], view["cost"]) == (7, 5, 15.0, 1.25)
    assert view["windows"] == {
        "ttl": "2023-11-14T22:14:20Z",
        "stale_while_revalidate": "2023-11-14T22:14:30Z",
        "stale_if_error": "2023-11-14T22:14:40Z",
        "archive": "2023-11-14T22:14:50Z",
    }
    assert (view["tags"], view["vary"]) == (["a", "b"], {"accept": "x", "accept-language": None})


@pytest.mark.parametrize(
    ("changes", "after", "state"),
    [
        ({}, 59, "fresh"),
        ({}, 61, "stale"),
        ({"windows": Windows(10, 20, 30)}, 65, "stale_while_revalidate"),
        ({"windows": Windows(10, 20, 30)}, 75, "stale_if_error"),
        ({"windows": Windows(disconnect=20)}, 75, "stale_if_error"),
        ({"windows": Windows(10, 20, 30)}, 85, "archive"),
        ({"windows": Windows(10, 20, 30)}, 95, "stale"),
        ({"is_ended": True}, 5, "stale_while_revalidate"),
        ({"always_validate": True}, 5, "stale"),
        ({"never_stale": True, "windows": Windows(10, 20, 30)}, 65, "stale"),
    ],
)
def test_the_state_says_how_it_may_be_served(changes: dict[str, Any], after: float, state: str) -> None:
    assert row_view("k", a_stored(**changes), 0, 0, T0 + after)["state"] == state


def test_what_a_purge_ended_has_no_ttl_any_more() -> None:
    view = row_view("k", a_stored(is_ended=True), 0, 0, T0)
    assert view["ended"] is True
    assert isinstance(view["windows"], dict)
    assert view["windows"]["ttl"] is None


@pytest.mark.parametrize(
    "name", ["Set-Cookie", "Authorization", "X-Api-Key", "X-Auth-Token", "Proxy-Authorization", "X-Client-Secret"]
)
def test_secrets_are_masked(name: str) -> None:
    stored = a_stored(
        fields=Fields([("Content-Type", "text/plain"), (name, "s3cret")]), secondary_key=((name.lower(), "s3cret"),)
    )
    view = shown(stored)
    assert view["fields"] == [["Content-Type", "text/plain"], [name, MASK]]
    assert view["vary"] == {name.lower(): MASK}
    assert "s3cret" not in json.dumps(view)


@pytest.mark.parametrize(
    ("body", "pretty", "expected"),
    [
        (b'{"b":1,"a":"\xc3\xb1"}', False, {"text": '{"b":1,"a":"ñ"}'}),
        (b'{"b":1,"a":"\xc3\xb1"}', True, {"text": '{\n  "b": 1,\n  "a": "ñ"\n}'}),
        (b"no json", True, {"text": "no json"}),
        (b"[" * 100_000, True, {"text": "[" * 100_000}),
        (b"\xff\x00", True, {"base64": "/wA="}),
        (b"", True, {"text": ""}),
    ],
)
def test_bodies(body: bytes, pretty: bool, expected: dict[str, str]) -> None:
    assert shown(a_stored(body), pretty=pretty)["body"] == expected


def test_a_long_body_is_left_out() -> None:
    view = shown(a_stored(b"x" * (MOST_SHOWN + 1)))
    assert view["length"] == MOST_SHOWN + 1
    assert view["body"] == {"omitted": "1048577 bytes; up to 1048576 are shown"}


def test_a_time_that_no_calendar_has_stays_a_number() -> None:
    view = row_view("k", a_stored(freshness_lifetime=1e15), 0, 0, T0)
    assert isinstance(view["windows"], dict)
    assert view["windows"]["ttl"] == "1000001700000000"
