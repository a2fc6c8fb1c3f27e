"""What things are called in Redis: readable, injective, free of glob characters. Pure; never builds a pattern."""

import hashlib
import re
from typing import Final

import msgspec

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import SecondaryKey

LAYOUT: Final = 1
"""Part of every name: another layout lives beside this one and the two never read each other."""

_MAX_TEXT: Final = 200
_SHOWN: Final = 120
# Only these stand for themselves. '#' is not among them, so a shortened name is never also a whole one; nor are
# * ? [ ] \ (a name pasted into SCAN matches only itself) and { } (no accidental hash tag in a Cluster).
_OTHERS: Final = re.compile(rb"[^A-Za-z0-9\-._~/:=&,@]")


def variants_name(namespace: str, key: CacheKey) -> bytes:
    """The hash that holds all variants of ``key``: at most 200 bytes of its escaped text, longer ones by a digest."""
    text = key.text.encode("utf-8", "surrogatepass")
    name = _OTHERS.sub(lambda found: b"%%%02X" % found[0][0], text)
    if len(name) > _MAX_TEXT:
        name = name[:_SHOWN] + b"#" + hashlib.blake2b(text, digest_size=20).hexdigest().encode()
    return b"%s:%d:%s" % (namespace.encode(), LAYOUT, name)


def purges_name(namespace: str) -> bytes:
    """The stream that is the purge log."""
    return b"%s:purges:%d" % (namespace.encode(), LAYOUT)


def variant_field(secondary: SecondaryKey) -> bytes:
    """The hash field of one variant: ``-`` where nothing selects, else a digest of the secondary key."""
    if not secondary:
        return b"-"
    text = msgspec.msgpack.encode(secondary)
    return hashlib.blake2b(text, digest_size=16).hexdigest().encode()
