"""What a request for a mode may say."""

import json

import pytest

from proxy.edge.admin.mode_form import read_mode, shown
from proxy.errors import ClientError
from proxy.exchange.operating import Operating, OperatingMode


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"mode": "offline"}, Operating(OperatingMode.OFFLINE)),
        ({"mode": "bypass", "for": "30m"}, Operating(OperatingMode.BYPASS, 1800)),
        ({"mode": "offline", "for": 5}, Operating(OperatingMode.OFFLINE, 5)),
        ({"mode": "normal", "for": None}, Operating(OperatingMode.NORMAL)),
    ],
)
def test_right(said: object, wanted: Operating) -> None:
    assert read_mode(json.dumps(said).encode()) == wanted


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body must be a JSON object"),
        (b"[]", "the body must be a JSON object"),
        (b"[" * 100_000, "the body must be a JSON object"),
        (b"{}", "'mode' cannot be None; the modes are normal, offline, bypass"),
        (b'{"mode": "of"}', "'mode' cannot be 'of'; the modes are normal, offline, bypass"),
        (b'{"mode": "offline", "fro": 1}', "unknown name 'fro'; did you mean 'for'?"),
        (b'{"mode": "offline", "for": "x"}', "'for' must be a duration above 0 such as \"30m\", not 'x'"),
        (b'{"mode": "offline", "for": 0}', "'for' must be a duration above 0 such as \"30m\", not 0"),
        (b'{"mode": "normal", "for": "1h"}', "'for' means nothing with normal: that does not end"),
    ],
)
def test_wrong(body: bytes, problem: str) -> None:
    with pytest.raises(ClientError) as told:
        read_mode(body)
    assert told.value.status == 400
    assert problem in told.value.problem


def test_shown() -> None:
    assert shown(Operating(OperatingMode.OFFLINE, 0.2)) == {"mode": "offline", "seconds_left": 1}
    assert shown(Operating(OperatingMode.NORMAL)) == {"mode": "normal", "seconds_left": None}
