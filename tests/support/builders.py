"""Small builders of the central values: every argument has a plausible default, tests name only what matters."""

from collections.abc import Mapping
from typing import Any

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse, Windows

T0 = 1_700_000_000.0
"""Where FakeClock begins: a wall second."""


def fields(lines: Mapping[str, str] | None = None) -> Fields:
    """Header fields from a dict, in its order."""
    return Fields((lines or {}).items())


def a_request(
    target: str = "/a", method: str = "GET", lines: Mapping[str, str] | None = None, **more: Any
) -> RequestHead:
    """A request for ``target``; ``more`` are further fields of RequestHead."""
    return RequestHead(method=method, target=target, fields=fields(lines), **{"authority": "tambo.test", **more})


def a_response(status: int = 200, lines: Mapping[str, str] | None = None, reason: str = "OK") -> ResponseHead:
    """A response head, JSON unless ``lines`` say otherwise."""
    return ResponseHead(status, fields({"Content-Type": "application/json"} if lines is None else lines), reason)


def a_key(text: str = "/a", target: str | None = None) -> CacheKey:
    """A primary key whose target is its text unless given."""
    return CacheKey(text, text if target is None else target)


def a_stored(body: bytes = b'{"a":1}', **changes: Any) -> StoredResponse:
    """A stored 200 of ``/a``, fresh for a minute from T0 on; ``changes`` are fields of StoredResponse."""
    values: dict[str, Any] = {
        "target": "/a",
        "route": "default",
        "status": 200,
        "reason": "OK",
        "fields": fields({"Content-Type": "application/json"}),
        "body": body,
        "secondary_key": (),
        "tags": (),
        "etag": '"e1"',
        "etag_is_made": True,
        "last_modified": None,
        "freshness_lifetime": 60.0,
        "corrected_initial_age": 0.0,
        "response_time": T0,
        "windows": Windows(),
    }
    return StoredResponse(**{**values, **changes})
