"""Shows a stored response to an operator, as JSON: times as dates, secrets masked. Pure; stores and sends nothing."""

import base64
import json
import re
from datetime import UTC, datetime
from typing import Final

from proxy.exchange.entry_ids import entry_id
from proxy.policy.field_values import is_json
from proxy.policy.freshness import current_age, freshness_left, may_serve_stale
from proxy.policy.messages import StoredResponse

MOST_SHOWN: Final = 1024 * 1024
"""Bytes of a body that are shown."""
MASK: Final = "********"
_SECRET: Final = re.compile(r"cookie|authorization|authentication-info|token|secret|api-?key|password", re.IGNORECASE)
"""Names of fields whose values nobody needs to see."""


def row_view(key: str, stored: StoredResponse, length: int, size: int, now: float) -> dict[str, object]:
    """One line of a list. ``length``: of the body; ``size``: at rest; ``now``: wall seconds."""
    age = current_age(stored, now)
    return {
        "id": entry_id(key, stored.secondary_key),
        "target": stored.target,
        "key": key,
        "route": stored.route,
        "status": stored.status,
        "state": _state(stored, now),
        "ended": stored.is_ended,
        "length": length,
        "size": size,
        "age": round(age, 3),
        "stored_at": _shown(stored.response_time),
        "windows": _windows(stored),
        "tags": list(stored.tags),
        "vary": {name: _masked(name, value) for name, value in stored.secondary_key},
        "cost": round(stored.cost, 6),
    }


def whole_view(key: str, stored: StoredResponse, now: float, *, pretty: bool) -> dict[str, object]:
    """One stored response with its head and, up to ``MOST_SHOWN`` bytes, its body. ``pretty``: JSON is laid out."""
    view = row_view(key, stored, len(stored.body), len(stored.body), now)
    del view["size"]
    return view | {
        "reason": stored.reason,
        "fields": [[name, _masked(name, value)] for name, value in stored.fields.lines],
        "etag": stored.etag,
        "etag_is_made": stored.etag_is_made,
        "negative": stored.negative,
        "always_validate": stored.always_validate,
        "never_stale": stored.never_stale,
        "body": _body(stored, pretty=pretty),
    }


def _state(stored: StoredResponse, now: float) -> str:
    """``fresh``, the window it may be served in, or ``stale``: only if the upstream says that it still holds."""
    if freshness_left(stored, now) > 0 and not stored.always_validate:
        return "fresh"
    windows = stored.windows
    for name, seconds in (
        ("stale_while_revalidate", windows.revalidate),
        ("stale_if_error", max(windows.error, windows.disconnect)),
        ("archive", windows.archive),
    ):
        if may_serve_stale(stored, seconds, now):
            return name
    return "stale"


def _windows(stored: StoredResponse) -> dict[str, str | None]:
    """When each of the four windows ends; null: there is none."""
    end = stored.response_time + stored.freshness_lifetime - stored.corrected_initial_age
    said = {
        "ttl": 0.0 if not stored.is_ended else None,
        "stale_while_revalidate": stored.windows.revalidate or None,
        "stale_if_error": stored.windows.error or None,
        "archive": stored.windows.archive or None,
    }
    return {name: None if seconds is None else _shown(end + seconds) for name, seconds in said.items()}


def _body(stored: StoredResponse, *, pretty: bool) -> dict[str, object]:
    """As text where it is text, else in base64; a packed one is not unpacked."""
    data = stored.body
    if len(data) > MOST_SHOWN:
        return {"omitted": f"{len(data)} bytes; up to {MOST_SHOWN} are shown"}
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    if pretty and is_json(stored.fields.joined("content-type")):
        try:
            return {"text": json.dumps(json.loads(text), indent=2, ensure_ascii=False)}
        except (ValueError, RecursionError):
            pass  # it only says that it is JSON
    return {"text": text}


def _masked(name: str, value: str | None) -> str | None:
    return MASK if value is not None and _SECRET.search(name) else value


def _shown(seconds: float) -> str:
    """A wall second as RFC 3339; one that no calendar has stays a number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.0f}"
