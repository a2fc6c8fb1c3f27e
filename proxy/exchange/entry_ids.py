"""What operators call one stored response: a short digest of what selects it, and its key, as one opaque word. Pure.

The same in every process and after a restart. It opens nothing: whoever may use it could search for it as well.
"""

import base64
import binascii
import hashlib
from typing import Final

import msgspec

from proxy.policy.messages import SecondaryKey

_DIGEST: Final = 16
_NONE: Final = bytes(_DIGEST)


def variant_digest(secondary: SecondaryKey) -> bytes:
    """16 bytes that tell a variant from the others of its key; none where nothing selects."""
    if not secondary:
        return b""
    return hashlib.blake2b(msgspec.msgpack.encode(secondary), digest_size=_DIGEST).digest()


def entry_id(key_text: str, secondary: SecondaryKey) -> str:
    """The id of what is stored under a key for these selecting fields."""
    data = (variant_digest(secondary) or _NONE) + key_text.encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_entry_id(entry: str) -> tuple[str, bytes]:
    """The key's text and the variant's digest in an id. Raises ValueError for what is none."""
    try:
        data = base64.b64decode(entry.encode() + b"=" * (-len(entry) % 4), altchars=b"-_", validate=True)
        text = data[_DIGEST:].decode("utf-8", "surrogatepass")
    except (binascii.Error, UnicodeError):
        data, text = b"", ""
    if not text:
        raise ValueError("not the id of an entry")
    digest = data[:_DIGEST]
    return text, b"" if digest == _NONE else digest
