"""Request targets and authorities: which are valid, and what they mean (RFC 9112 §3.2, RFC 3986). Rewrites nothing."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final, NamedTuple

from proxy.errors import ClientError

_REG_NAME: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+\Z")
"""RFC 3986 §3.2.2, without the comma: a list of two hosts is not a host."""
_AUTHORITY: Final = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]*))?\Z")
_IP_FUTURE: Final = re.compile(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+\Z")
_ABSOLUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)(.*)\Z", re.DOTALL)
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f#\\]")
_MAX_PORT: Final = 65535


class Target(NamedTuple):
    """A request target taken apart: origin-form (or ``*``), and the authority where it was in absolute-form."""

    origin_form: str
    authority: str | None


@lru_cache(maxsize=1024)
def is_authority(text: str) -> bool:
    """Whether this is a valid ``host[:port]`` with a host that is not empty (RFC 9110 §7.2, §4.2.1)."""
    match = _AUTHORITY.match(text)
    if match is None:
        return False
    host, port = match.groups()
    if port and (len(port) > len(str(_MAX_PORT)) or int(port) > _MAX_PORT):
        return False
    if host.startswith("["):
        return _is_ip_literal(host[1:-1])
    return _REG_NAME.match(host) is not None


def _is_ip_literal(text: str) -> bool:
    if _IP_FUTURE.match(text):
        return True
    if "%" in text:  # a zone means something on one machine only
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def read_target(method: str, raw: str) -> Target:
    """Take a raw request target apart, leaving every byte of its path and query as it came.

    Raises ClientError (400) for what is no target: a fragment, a backslash, a control character, another scheme
    than http and https, userinfo, or ``*`` with another method than OPTIONS.
    """
    if _FORBIDDEN.search(raw):
        raise ClientError(400, "The request target contains a character that is not allowed in one.")
    if raw.startswith("/"):
        return Target(raw, None)
    if raw == "*":
        if method != "OPTIONS":
            raise ClientError(400, "The request target * is for OPTIONS only.")
        return Target(raw, None)
    return _absolute(method, raw)


def _absolute(method: str, raw: str) -> Target:
    match = _ABSOLUTE.match(raw)
    if match is None or match[1].lower() not in {"http", "https"}:
        raise ClientError(400, "The request target is neither a path nor an http URL.")
    authority, rest = match[2], match[3]
    if not is_authority(authority):
        raise ClientError(400, "The host in the request target is not valid.")
    if not rest and method == "OPTIONS":  # RFC 9112 §3.2.4
        return Target("*", authority)
    return Target(rest if rest.startswith("/") else "/" + rest, authority)


def read_host(values: tuple[str, ...], *, required: bool) -> str:
    """The one valid Host; empty where it is absent and not required (HTTP/1.0).

    Raises ClientError (400) as RFC 9112 §3.2 asks: missing, more than one, or not valid.
    """
    if not values:
        if required:
            raise ClientError(400, "The Host field is missing.")
        return ""
    if len(values) > 1:
        raise ClientError(400, "There is more than one Host field.")
    if not is_authority(values[0]):
        raise ClientError(400, "The Host field is not valid.")
    return values[0]
