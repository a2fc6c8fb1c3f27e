"""Stored responses as bytes and back: a versioned envelope that names its key. Performs no I/O and never unpickles.

Layout: magic, version, coding, length and CRC-32 of the rest, then length of the head, the head (MessagePack array,
the key's full text first) and the body (as it is, or one zstd frame).
"""

import math
import struct
import threading
import zlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Final

import msgspec
import zstandard
from msgspec import Struct

from proxy.policy.cache_key import CacheKey
from proxy.policy.interned import kept, number, windows, word
from proxy.policy.messages import StoredResponse, Windows

VERSION: Final = 1
MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of body that decoding makes room for unless told otherwise."""

_COMPRESS_ABOVE: Final = 1024
_MAGIC: Final = b"TMBO"
_PREFIX: Final = struct.Struct(">4sBBIII")
"""Magic, version, coding, CRC-32 and length of what follows, length of the body."""
_SUM_AT: Final = 6
_BODY_LENGTH_AT: Final = 14
_HEAD_LENGTH: Final = struct.Struct(">I")
HEAD_AT: Final = _PREFIX.size + _HEAD_LENGTH.size
"""Where in an envelope its head begins."""
_IDENTITY: Final = 0
_ZSTD: Final = 1


class BadEntry(StrEnum):
    """Why bytes are not the stored response that was asked for: the ``reason`` of tambo_store_bad_entries_total."""

    MAGIC = "magic"
    VERSION = "version"
    LENGTH = "length"
    CHECKSUM = "checksum"
    KEY = "key"
    MALFORMED = "malformed"


class _Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Everything but the body, in the order it is written. Only ever appended to within a version."""

    key: str
    target: str
    route: str
    status: Annotated[int, msgspec.Meta(ge=100, le=999)]
    reason: str
    fields: tuple[tuple[str, str], ...]
    secondary_key: tuple[tuple[str, str | None], ...]
    tags: tuple[str, ...]
    etag: str | None
    etag_is_made: bool
    last_modified: str | None
    freshness_lifetime: float
    corrected_initial_age: float
    response_time: float
    windows: tuple[float, float, float]
    never_stale: bool
    always_validate: bool
    allows_authorized: bool
    negative: bool
    cost: float
    position: Annotated[int, msgspec.Meta(ge=0)]
    is_ended: bool
    disconnect: float = 0.0


_write_head: Final = msgspec.msgpack.Encoder().encode
_read_head: Final = msgspec.msgpack.Decoder(_Head).decode


class _Zstd(threading.local):
    """One compressor and decompressor for each thread: they are costly to make, and not to be shared by two at once."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=1).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_zstd: Final = _Zstd()


class _Unreadable(Exception):
    def __init__(self, reason: BadEntry) -> None:
        self.reason = reason


def encode(key: CacheKey, stored: StoredResponse, *, compress: bool = True) -> bytes:
    """The envelope for ``stored`` under ``key``.

    With ``compress``, a body over 1 KiB is compressed (zstd) where that makes it smaller.
    """
    head = _write_head(_head_of(key, stored))
    coding, body = _compressed(stored.body) if compress else (_IDENTITY, stored.body)
    rest = b"".join((_HEAD_LENGTH.pack(len(head)), head, body))
    return _PREFIX.pack(_MAGIC, VERSION, coding, zlib.crc32(rest), len(rest), len(stored.body)) + rest


def decode(data: bytes, key: CacheKey, max_body: int = MAX_BODY) -> StoredResponse | BadEntry:
    """What ``data`` holds if it is whole, sound and belongs to ``key``, else what is wrong with it. Never raises.

    Makes room for no more than ``max_body`` bytes of body and a small multiple of ``len(data)``, whatever it says.
    """
    if len(data) < _PREFIX.size or data[:4] != _MAGIC:
        return BadEntry.MAGIC
    read = _READERS.get(data[4])
    if read is None:
        return BadEntry.VERSION
    try:
        return read(data, key, max_body)
    except _Unreadable as unreadable:
        return unreadable.reason


def head_of(data: bytes) -> bytes:
    """All that an envelope says but its body, and the checksum and length of both; empty where it is none.

    What was decoded of it holds for every sound envelope with the same: only bodies of the same length may differ.
    """
    end = head_end(data)
    return data[:_SUM_AT] + data[_BODY_LENGTH_AT:end] if 0 < end <= len(data) else b""


def body_of(data: bytes, head: bytes) -> bytes | None:
    """The body of a sound envelope that says the same as a decoded one's ``head_of``; None where it is not that."""
    end = _BODY_LENGTH_AT + len(head) - _SUM_AT
    if not head or data[:_SUM_AT] != head[:_SUM_AT] or data[_BODY_LENGTH_AT:end] != head[_SUM_AT:]:
        return None
    _, _, coding, checksum, length, body_length = _PREFIX.unpack_from(data)
    rest = memoryview(data)[_PREFIX.size :]
    if len(rest) != length or zlib.crc32(rest) != checksum:
        return None
    try:
        return _expanded(rest[end - _PREFIX.size :], coding, body_length)
    except _Unreadable:
        return None


class EnvelopeHead(Struct, frozen=True):
    """What an envelope says before its body."""

    key: str
    stored: StoredResponse
    """Without its body."""
    body_length: int


def head_end(start: bytes) -> int:
    """How many bytes of an envelope hold all of its head, by its first ``HEAD_AT`` bytes; 0: it is none."""
    if len(start) < HEAD_AT or start[:4] != _MAGIC or start[4] not in _READERS:
        return 0
    return HEAD_AT + int(_HEAD_LENGTH.unpack_from(start, _PREFIX.size)[0])


def decode_head(data: bytes) -> EnvelopeHead | None:
    """The head of an envelope whose body need not be there; None where it is unreadable. Never raises.

    The checksum is over the body too, so it is not looked at: good for showing and counting, not for answering.
    """
    end = head_end(data)
    if not 0 < end <= len(data):
        return None
    try:
        head = _head_from(memoryview(data)[HEAD_AT:end])
    except _Unreadable:
        return None
    return EnvelopeHead(head.key, _stored_from(head, b""), int(_PREFIX.unpack_from(data)[5]))


def _read_v1(data: bytes, key: CacheKey, max_body: int) -> StoredResponse:
    _, _, coding, checksum, length, body_length = _PREFIX.unpack_from(data)
    rest = memoryview(data)[_PREFIX.size :]
    if len(rest) != length or length < _HEAD_LENGTH.size or body_length > max_body:
        raise _Unreadable(BadEntry.LENGTH)
    if zlib.crc32(rest) != checksum:
        raise _Unreadable(BadEntry.CHECKSUM)
    body_at = _HEAD_LENGTH.size + _HEAD_LENGTH.unpack_from(rest)[0]
    if body_at > length:
        raise _Unreadable(BadEntry.LENGTH)
    head = _head_from(rest[_HEAD_LENGTH.size : body_at])
    if head.key != key.text:
        raise _Unreadable(BadEntry.KEY)
    return _stored_from(head, _expanded(rest[body_at:], coding, body_length))


_READERS: Final[Mapping[int, Callable[[bytes, CacheKey, int], StoredResponse]]] = {VERSION: _read_v1}
"""This version's reader and, once there is one, the last version's: what one release wrote the next can read."""


def _compressed(body: bytes) -> tuple[int, bytes]:
    if len(body) <= _COMPRESS_ABOVE:
        return _IDENTITY, body
    frame = _zstd.compress(body)
    return (_ZSTD, frame) if len(frame) < len(body) else (_IDENTITY, body)


def _expanded(body: memoryview, coding: int, length: int) -> bytes:
    if coding == _IDENTITY:
        if len(body) != length:
            raise _Unreadable(BadEntry.LENGTH)
        return bytes(body)
    if coding != _ZSTD:
        raise _Unreadable(BadEntry.MALFORMED)
    try:
        # The frame's own word is what the library makes room for: it must be the length that was held against the cap.
        if zstandard.frame_content_size(body) != length:
            raise _Unreadable(BadEntry.LENGTH)
        return _zstd.decompress(body)
    except zstandard.ZstdError:
        raise _Unreadable(BadEntry.MALFORMED) from None


def _head_from(data: memoryview) -> _Head:
    try:
        head = _read_head(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Unreadable(BadEntry.MALFORMED) from None
    if not _is_sane(head):
        raise _Unreadable(BadEntry.MALFORMED)
    return head


def _is_sane(head: _Head) -> bool:
    numbers = (
        *(head.freshness_lifetime, head.corrected_initial_age, head.response_time, head.cost),
        *(*head.windows, head.disconnect),
    )
    return all(map(math.isfinite, numbers))


def _head_of(key: CacheKey, stored: StoredResponse) -> _Head:
    return _Head(
        key.text,
        stored.target,
        stored.route,
        stored.status,
        stored.reason,
        stored.fields.lines,
        stored.secondary_key,
        stored.tags,
        stored.etag,
        stored.etag_is_made,
        stored.last_modified,
        stored.freshness_lifetime,
        stored.corrected_initial_age,
        stored.response_time,
        (stored.windows.revalidate, stored.windows.error, stored.windows.archive),
        stored.never_stale,
        stored.always_validate,
        stored.allows_authorized,
        stored.negative,
        stored.cost,
        stored.position,
        stored.is_ended,
        stored.windows.disconnect,
    )


def _stored_from(head: _Head, body: bytes) -> StoredResponse:
    return StoredResponse(
        target=head.target,
        route=word(head.route),
        status=head.status,
        reason=word(head.reason),
        fields=kept(head.fields),
        body=body,
        secondary_key=head.secondary_key,
        tags=head.tags,
        etag=head.etag,
        etag_is_made=head.etag_is_made,
        last_modified=head.last_modified,
        freshness_lifetime=number(head.freshness_lifetime),
        corrected_initial_age=head.corrected_initial_age,
        response_time=head.response_time,
        windows=windows(Windows(*head.windows, head.disconnect)),
        never_stale=head.never_stale,
        always_validate=head.always_validate,
        allows_authorized=head.allows_authorized,
        negative=head.negative,
        cost=number(head.cost),
        position=head.position,
        is_ended=head.is_ended,
    )
