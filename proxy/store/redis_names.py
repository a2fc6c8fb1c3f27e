"""What things are called in Redis: readable, injective, free of glob characters. Pure; never builds a pattern."""

import hashlib
import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from proxy.policy.cache_key import CacheKey

LAYOUT: Final = 1
"""Part of every name: another layout lives beside this one and the two never read each other."""

FENCE: Final = b"~"
"""The field beside the variants that says under which lease the last of them was fetched."""

LASTING: Final = b"redis.call('PEXPIRE', KEYS[1], 315360000000)"
"""Lua, for what says by itself when each part of it ends: ten years. A Redis that is full evicts first what has least
time left (volatile-ttl): stored responses it may lose, who holds what it may not."""

_MAX_TEXT: Final = 200
_SHOWN: Final = 120
# Only these stand for themselves. '#' is not among them, so a shortened name is never also a whole one; nor are
# * ? [ ] \ (a name pasted into SCAN matches only itself) and { } (no accidental hash tag in a Cluster).
_OTHERS: Final = re.compile(rb"[^A-Za-z0-9\-._~/:=&,@]")


def variants_name(namespace: str, key: CacheKey) -> bytes:
    """The hash that holds all variants of ``key``: at most 200 bytes of its escaped text, longer ones by a digest."""
    return variants_prefix(namespace) + _shown(key.text)


def _shown(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    shown = _OTHERS.sub(_escaped, data) if _OTHERS.search(data) else data
    if len(shown) > _MAX_TEXT:
        return shown[:_SHOWN] + b"#" + hashlib.blake2b(data, digest_size=20).hexdigest().encode()
    return shown


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


@lru_cache(maxsize=8)  # namespaces are few, and every look-up asks
def variants_prefix(namespace: str) -> bytes:
    """What the name of every such hash begins with, and no other name of ours."""
    return b"%s:%d:" % (namespace.encode(), LAYOUT)


def text_of(name: bytes, prefix: bytes) -> str | None:
    """The text of the key that a hash's name was made of; None where it was shortened. ``name`` begins with it."""
    shown = name[len(prefix) :]
    return None if b"#" in shown else unquote_to_bytes(shown).decode("utf-8", "surrogatepass")


def index_name(namespace: str, kind: bytes, text: str) -> bytes:
    """The sorted set of the names that carry a tag, or are of some other kind. Stands alone in its slot."""
    return b"%s:%s:%d:%s" % (namespace.encode(), kind, LAYOUT, _shown(text))


def purges_name(namespace: str) -> bytes:
    """The stream that is the purge log."""
    return b"%s:purges:%d" % (namespace.encode(), LAYOUT)


def variant_field(digest: bytes) -> bytes:
    """The hash field of one variant, by its digest: ``-`` where nothing selects."""
    return digest.hex().encode() or b"-"


def fill_name(namespace: str, key: str) -> bytes:
    """The lease of the fetch for a key (its text). Stands alone: whatever touches it touches no other name."""
    return b"%s:fill:%d:%s" % (namespace.encode(), LAYOUT, fill_digest(key))


def fill_digest(key: str) -> bytes:
    """What messages call a key."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest().encode()


def holdoff_name(namespace: str, digest: bytes) -> bytes:
    """What is held against a key whose fetch failed; the key by what messages call it."""
    return b"%s:holdoff:%d:%s" % (namespace.encode(), LAYOUT, digest)


def seats_name(namespace: str) -> bytes:
    """The sorted set of who holds a place at the upstream, and who waits for one."""
    return _beside_the_log(namespace, b"seats")


def replicas_name(namespace: str) -> bytes:
    """The sorted set of which processes may answer from memory, and how far each knows the purge log."""
    return _beside_the_log(namespace, b"replicas")


def removal_name(namespace: str) -> bytes:
    """The hash that says how far the log's purges are carried out, and who is at it."""
    return _beside_the_log(namespace, b"removal")


def ledger_name(namespace: str, what: bytes) -> bytes:
    """A part of the ledger: its values, when they end, who works at what."""
    return _beside_the_log(namespace, what)


def _beside_the_log(namespace: str, what: bytes) -> bytes:
    """A name in the purge log's slot: in a Cluster, whoever has the log has this, so that both are there or neither."""
    return b"%s:%s:%d:{%s}" % (namespace.encode(), what, LAYOUT, purges_name(namespace))


def messages_name(namespace: str) -> bytes:
    """The channel on which processes wake each other."""
    return b"%s:wake:%d" % (namespace.encode(), LAYOUT)
