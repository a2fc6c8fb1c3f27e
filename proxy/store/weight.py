"""What a stored response costs in memory: its own bytes and CPython's overhead: an estimate, tested."""

from sys import getsizeof
from typing import Final

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse

_KEY: Final = 550
"""Bytes for each key: slot, key, tuples, dict entry, links, and the hash remembered once it was dropped."""
_RESPONSE: Final = 850
"""Bytes for each variant: the object, its numbers and windows, its short strings."""
_LINE: Final = 340
"""Bytes for each field line: two strings, their tuple, and the entry and list of the index by name."""
_STRING: Final = 60
"""Bytes for each other string: its header and its place in a tuple."""


def weight_of_key(key: CacheKey) -> int:
    """Bytes that a key takes beside its variants."""
    return _KEY + len(key.text) + len(key.target)


def weight_of(stored: StoredResponse) -> int:
    """Bytes that one variant takes."""
    strings = sum(len(name) + len(value) for name, value in stored.fields.lines)
    strings += sum(len(name) + len(value or "") for name, value in stored.secondary_key)
    strings += sum(map(len, stored.tags)) + len(stored.target) + len(stored.etag or "")
    overhead = (
        _RESPONSE + _LINE * len(stored.fields.lines) + _STRING * (2 * len(stored.secondary_key) + len(stored.tags))
    )
    return getsizeof(stored.body) + strings + overhead
