"""The heads of answers: what a client reads of how its answer came about (RFC 9110 §7.6.3, RFC 9111 §5.1, RFC 9211).

Writes what was decided; decides nothing. Framing is the edge's.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from proxy.policy.directives import OWN_FIELD
from proxy.policy.disposition import Disposition
from proxy.policy.field_values import TOKEN
from proxy.policy.forwarding import end_to_end, via
from proxy.policy.freshness import current_age
from proxy.policy.messages import FieldLine, Fields, ResponseHead, StoredResponse
from proxy.policy.route import RoutePolicy
from proxy.policy.tags import TAG_FIELDS

CACHE_NAME: Final = "tambo"

_OURS_ALONE: Final = frozenset({OWN_FIELD, "x-cache"})
_STRIPPED: Final = _OURS_ALONE | TAG_FIELDS
_ABOUT_CONTENT: Final = frozenset(
    {"content-type", "content-encoding", "content-language", "content-range", "content-length", "content-disposition"}
)
_KEPT_IN_A_REFUSAL: Final = frozenset({"accept-ranges", "cache-status", "date", "vary", "via", "x-cache"})
_SF_TOKEN = re.compile(rf"(?=[A-Za-z*])(?:{TOKEN}|[:/])+")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")
MOST_SECONDS: Final = 2**31
_SWITCHING_PROTOCOLS: Final = 101


def received_head(response: ResponseHead) -> ResponseHead:
    """The head of any response as we have it from now on: one hop further (RFC 9110 §7.6.3)."""
    return replace(response, fields=response.fields.adding(via(response.version)))


def interim_head(response: ResponseHead, route: RoutePolicy) -> ResponseHead:
    """The head of a 1xx response on its way through (RFC 9110 §15.2): its end-to-end fields. It has no content."""
    received = received_head(response)
    return replace(received, fields=end_to_end(received.fields).without(_stripped(route) | {"content-length"}))


def reused_head(stored: StoredResponse, route: RoutePolicy, now: float, disposition: Disposition) -> ResponseHead:
    """The head of an answer made of a stored response: its fields, the current Age, the entity-tag clients are shown.

    An answer fetched for this very request keeps the Age it came with, if any: to say one would mean that it was
    not (RFC 9111 §5.1).
    """
    is_reused = disposition.hit or disposition.collapsed
    stripped = _stripped(route) | {"age"} if is_reused else _stripped(route)
    lines = [line for line in stored.fields.lines if line[0].lower() not in stripped]
    if is_reused:
        lines.append(("Age", str(min(int(current_age(stored, now)), MOST_SECONDS))))
    if stored.etag_is_made and stored.etag is not None and route.made_etag:
        lines.append(("ETag", stored.etag))
    return ResponseHead(stored.status, Fields([*lines, *_about(disposition)]), stored.reason)


def relayed_head(response: ResponseHead, route: RoutePolicy, disposition: Disposition) -> ResponseHead:
    """The head of the upstream's answer on its way through: its end-to-end fields, Content-Length among them.

    A 101 also says which protocol it switched to (RFC 9110 §7.8).
    """
    kept = end_to_end(response.fields).without(_stripped(route))
    if response.status == _SWITCHING_PROTOCOLS:
        kept = kept.adding(*(("Upgrade", value) for value in response.fields.all("upgrade")))
    return ResponseHead(response.status, kept.adding(*_about(disposition)), response.reason)


def not_modified_head(full: ResponseHead) -> ResponseHead:
    """The 304 in place of an answer with this head (RFC 9110 §15.4.5): without what describes its content."""
    dropped = _ABOUT_CONTENT | {"last-modified"} if "etag" in full.fields else _ABOUT_CONTENT
    return ResponseHead(304, full.fields.without(dropped))


def partial_head(full: ResponseHead, changed: Mapping[str, str]) -> ResponseHead:
    """The 206 in place of an answer with this head (RFC 9110 §15.3.7)."""
    fields = full.fields
    for name, value in changed.items():
        fields = fields.replacing(name, value)
    return ResponseHead(206, fields)


def out_of_range_head(full: ResponseHead, content_range: str) -> ResponseHead:
    """The 416 in place of an answer with this head (RFC 9110 §15.5.17): nothing of it is about the representation."""
    kept = tuple(line for line in full.fields.lines if line[0].lower() in _KEPT_IN_A_REFUSAL)
    return ResponseHead(416, Fields((*kept, ("Content-Range", content_range), ("Cache-Control", "no-store"))))


def cache_status(disposition: Disposition) -> str:
    """Our member of Cache-Status (RFC 9211 §2), as a structured field is written (RFC 9651 §4.1)."""
    parameters = [
        "hit" if disposition.hit else None,
        None if disposition.fwd is None else f"fwd={disposition.fwd}",
        None if disposition.fwd_status is None else f"fwd-status={disposition.fwd_status}",
        None if disposition.ttl is None else f"ttl={max(-MOST_SECONDS, min(disposition.ttl, MOST_SECONDS))}",
        "stored" if disposition.stored else None,
        "collapsed" if disposition.collapsed else None,
        None if disposition.detail is None else f"detail={_token_or_string(disposition.detail)}",
    ]
    return "; ".join([CACHE_NAME, *(parameter for parameter in parameters if parameter is not None)])


def x_cache(disposition: Disposition) -> str:
    """The one word that people look for."""
    return disposition.x_cache


def _token_or_string(text: str) -> str:
    if _SF_TOKEN.fullmatch(text) is not None:
        return text
    escaped = _NOT_PRINTABLE.sub("?", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _stripped(route: RoutePolicy) -> frozenset[str]:
    return _OURS_ALONE if route.expose_tags else _STRIPPED


def _about(disposition: Disposition) -> tuple[FieldLine, ...]:
    """Our own line of Cache-Status behind those that were there; X-Cache in place of any."""
    return (("Cache-Status", cache_status(disposition)), ("X-Cache", x_cache(disposition)))
