"""Reads which mode is asked for, and says which one holds. Switches nothing."""

import json
from math import ceil

from proxy.config.quantities import parse_duration
from proxy.errors import ClientError
from proxy.exchange.operating import Operating, OperatingMode
from proxy.wording import hint

BAD_REQUEST = 400
_EXAMPLE = '{"mode": "offline", "for": "30m"}'
_NAMES = ("mode", "for")


def read_mode(body: bytes) -> Operating:
    """The mode in a request's JSON object. Raises ClientError(400) that says what would be right."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ClientError(BAD_REQUEST, f"the body must be a JSON object, as in {_EXAMPLE}")
    if strange := [name for name in said if name not in _NAMES]:
        raise ClientError(BAD_REQUEST, f"unknown name {strange[0][:100]!r}{hint(strange[0], _NAMES, 'names')}")
    try:
        mode = OperatingMode(str(said.get("mode")))
    except ValueError:
        word = said.get("mode")
        right = hint(str(word), OperatingMode, "modes")
        raise ClientError(BAD_REQUEST, f"'mode' cannot be {repr(word)[:100]}{right}") from None
    return Operating(mode, _seconds(said.get("for"), mode))


def _seconds(said: object, mode: OperatingMode) -> float | None:
    if said is None:
        return None
    if mode is OperatingMode.NORMAL:
        raise ClientError(BAD_REQUEST, "'for' means nothing with normal: that does not end")
    try:
        seconds = parse_duration(said)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise ClientError(BAD_REQUEST, f"'for' must be a duration above 0 such as \"30m\", not {said!r}")
    return seconds


def shown(operating: Operating) -> dict[str, object]:
    """As the API shows it."""
    left = operating.seconds_left
    return {"mode": operating.mode.value, "seconds_left": None if left is None else ceil(left)}
