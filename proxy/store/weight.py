"""What a stored response costs in memory: its own bytes and CPython's overhead: an estimate, tested."""

from functools import lru_cache
from sys import getsizeof
from typing import Final

from proxy.policy.messages import StoredResponse

_KEY: Final = 280
"""Bytes for each key: slot, text, tuple of variants, dict entry, and the hash remembered once it was dropped."""
_RESPONSE: Final = 380
"""Bytes for each variant: the object, its numbers and short strings, its fields and their tuple."""
_LINE: Final = 105
"""Bytes for each field line of its own: two objects and their place in a tuple."""
_SHARED_LINE: Final = 8
"""Bytes for a line that many have: its place in a tuple (proxy.policy.interned)."""
_SHARED: Final = frozenset(
    (
        *("accept-ranges", "access-control-allow-origin", "alt-svc", "cache-control", "content-encoding"),
        *("content-language", "content-security-policy", "content-type", "date", "expires", "pragma"),
        *("referrer-policy", "server", "strict-transport-security", "vary", "via", "x-content-type-options"),
        *("x-frame-options", "x-powered-by", "x-xss-protection"),
    )
)
"""Names of fields that say the same in most responses of an upstream, at least within a second."""
_STRING: Final = 60
"""Bytes for each other string: its header and its place in a tuple."""


def weight_of_key(text: str) -> int:
    """Bytes that a key takes beside its variants."""
    return _KEY + len(text)


def weight_of(stored: StoredResponse) -> int:
    """Bytes that one variant takes."""
    weight = getsizeof(stored.body) + _RESPONSE + len(stored.target) + len(stored.etag or "")
    for name, value in stored.fields.lines:
        weight += _SHARED_LINE if name.lower() in _SHARED else _LINE + len(value)
    for name, wanted in stored.secondary_key:
        weight += 2 * _STRING + len(name) + len(wanted or "")
    return weight + sum(map(len, stored.tags)) + _STRING * len(stored.tags)


@lru_cache(maxsize=4096)
def rounded(weight: int) -> int:
    """A weight as it is held: up to the next 64 bytes, and for equal ones the same object."""
    return -weight // 64 * -64
