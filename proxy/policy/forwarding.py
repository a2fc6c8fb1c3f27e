"""Which fields go on to the other side (RFC 9110 §7.6, RFC 9111 §3.1). Frames nothing and sends nothing."""

import re
from typing import Final

from proxy.policy.cache_key import CONTENT_FIELDS, PASSED_IN_STRICT
from proxy.policy.disposition import Admission, Credentialed, PassThrough, Shareable
from proxy.policy.field_values import list_members, normalised_codings, tokens
from proxy.policy.messages import FieldLine, Fields, RequestHead
from proxy.policy.route import ForwardFields, RoutePolicy

HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}  # §7.6.1
    | {"proxy-authenticate", "proxy-authentication-info", "proxy-authorization"}  # RFC 9111 §3.1
    | {"http2-settings"}  # RFC 9113 §3.1: belongs to an upgrade that is not passed on
)
FRAMING: Final = frozenset({"content-length", "host", "expect"})
"""Written or answered by whoever speaks to the upstream."""
NEVER_FROM_A_CLIENT: Final = frozenset(
    {"forwarded", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip"}
    | {"x-host", "x-original-host", "x-original-url", "x-rewrite-url", "x-backend-host"}
    | {"x-http-host-override", "x-http-method-override", "x-method-override"}
    | {"x-remote-user", "x-middleware-subrequest", "proxy"}
)
"""Fields that applications believe although anybody can send them; those that begin with X-Forwarded- as well."""
CONDITIONAL: Final = frozenset({"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"})
"""RFC 9110 §13.1. A fetch for everybody asks neither for a part nor under one client's conditions."""
_PARTIAL: Final = CONDITIONAL | {"range"}
_DROPPED: Final = HOP_BY_HOP | FRAMING | NEVER_FROM_A_CLIENT
_PERSONAL: Final = frozenset({"cookie", "authorization"})
_PSEUDONYM: Final = "tambo"
_ANOTHER_HTTP = re.compile(r"(?:h2c?|http)(?:/.*)?", re.IGNORECASE | re.DOTALL)


def unwarmable(name: str) -> str | None:
    """Why a request that is made for everybody cannot carry this field; None: it can."""
    name = name.lower()
    if name in _PERSONAL:
        return "what is warmed is for everybody"
    if name in _PARTIAL:
        return "what is warmed is the whole answer, whatever anybody has of it"
    return unpassable(name)


def unpassable(name: str) -> str | None:
    """Why a client's field of this name never reaches the upstream; None: it may."""
    name = name.lower()
    if name in HOP_BY_HOP:
        return "it speaks of one connection"
    if name in FRAMING or name == "via":
        return "Tambo writes it"
    if _is_dropped(name, NEVER_FROM_A_CLIENT):
        return "Tambo passes it on for nobody"
    return None


def end_to_end(fields: Fields) -> Fields:
    """The fields that are meant for the other end: without hop-by-hop fields and those that Connection names."""
    return fields.without(HOP_BY_HOP | _named_by_connection(fields))


def via(version: str) -> FieldLine:
    """What we add to a message that was received in this version of HTTP (RFC 9110 §7.6.3)."""
    return ("Via", f"{version} {_PSEUDONYM}")


def _named_by_connection(fields: Fields) -> frozenset[str]:
    """RFC 9110 §7.6.1. The trace of who passed a message on cannot be wiped out so: it ends loops."""
    return tokens(fields.joined("connection")) - {"via"}


def is_upgrade(request: RequestHead) -> str | None:
    """The protocols that a request wants to switch to (``websocket``), None when it does not (RFC 9110 §7.8).

    Other versions of HTTP are not asked for: this connection would then be one whose requests nobody here sees.
    """
    if request.method != "GET" or "upgrade" not in tokens(request.fields.joined("connection")):
        return None
    asked = list_members(request.fields.joined("upgrade") or "")
    return ", ".join(name for name in asked if _ANOTHER_HTTP.fullmatch(name) is None) or None


def upstream_fields(
    request: RequestHead,
    route: RoutePolicy,
    admission: Admission,
    conditional: Fields = Fields(),  # noqa: B008 - an immutable value
) -> Fields:
    """The fields of the request as the upstream sees it; the adapter adds Host and framing.

    ``conditional`` replaces the client's own conditions. A request whose answer may be shared carries nothing that
    is one client's, and its Accept-Encoding in the form that selects among stored responses.
    """
    dropped = _DROPPED | _named_by_connection(request.fields)
    passed = [line for line in request.fields.lines if not _is_dropped(line[0], dropped)]
    if isinstance(admission, Shareable) or conditional.lines:
        passed = [line for line in passed if line[0].lower() not in _PARTIAL]
    if isinstance(admission, Shareable) and route.forward_fields is ForwardFields.STRICT:
        allowed = PASSED_IN_STRICT.union(route.forward, route.key.fields, CONTENT_FIELDS if request.has_content else ())
        passed = [line for line in passed if line[0].lower() in allowed]
    elif isinstance(admission, Shareable):
        # They come this far only where the route ignores them: then no answer may be coloured by one either.
        ignored = _PERSONAL.difference(route.forward, route.key.fields)
        passed = [line for line in passed if line[0].lower() not in ignored]
    if not isinstance(admission, PassThrough):
        passed = [*(line for line in passed if line[0].lower() != "accept-encoding"), *_codings(request, route)]
    if not _may_be_shared(route, admission):
        passed += _forwarded(request)
    return Fields([*passed, via(request.version), *conditional.lines])


def _is_dropped(name: str, dropped: frozenset[str]) -> bool:
    # Behind CGI and WSGI ``X_Real_IP`` and ``X-Real-IP`` are one and the same.
    name = name.lower().replace("_", "-")
    return name in dropped or name.startswith("x-forwarded-")


def _codings(request: RequestHead, route: RoutePolicy) -> list[FieldLine]:
    """Accept-Encoding: unpacked where the body is judged, else the codings the client takes (RFC 9110 §12.5.3)."""
    if route.verdicts:
        return [("Accept-Encoding", "identity")]
    codings = normalised_codings(request.fields.joined("accept-encoding"))
    return [] if codings is None else [("Accept-Encoding", codings)]


def _may_be_shared(route: RoutePolicy, admission: Admission) -> bool:
    """Whether the answer may reach others: then what a client calls itself must not be able to colour it."""
    match admission:
        case Shareable():
            return True
        case Credentialed():
            return route.forward_fields is ForwardFields.ALL  # RFC 9111 §3.5; see storability
        case PassThrough():
            return False


def _forwarded(request: RequestHead) -> list[FieldLine]:
    said = (
        ("X-Forwarded-For", request.peer),
        ("X-Forwarded-Proto", request.scheme),
        ("X-Forwarded-Host", request.authority),
    )
    return [(name, value) for name, value in said if value]
