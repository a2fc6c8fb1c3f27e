"""The envelope's reasons, its caps and its compression, case by case."""

import math
import struct
import zlib

import msgspec
import pytest
import zstandard

from proxy.store.codec import VERSION, BadEntry, decode, encode
from tests.support.builders import a_key, a_stored

KEY = a_key("/a")


def _sealed(head: bytes, body: bytes, coding: int = 0, body_length: int | None = None, version: int = VERSION) -> bytes:
    """An envelope whose checksum is right whatever is inside: what only a hostile or buggy writer makes."""
    rest = struct.pack(">I", len(head)) + head + body
    length = len(body) if body_length is None else body_length
    return struct.pack(">4sBBIII", b"TMBO", version, coding, zlib.crc32(rest), len(rest), length) + rest


def _head(**changes: object) -> bytes:
    whole = encode(KEY, a_stored(b""))
    names = ("key", "status", "response_time")
    (length,) = struct.unpack_from(">I", whole, 18)
    values = msgspec.msgpack.decode(whole[22 : 22 + length])
    for name, value in changes.items():
        values[{"key": 0, "status": 3, "response_time": 13}[name]] = value
    assert set(changes) <= set(names)
    return msgspec.msgpack.encode(values)


def test_the_helper_makes_what_the_codec_reads() -> None:
    assert decode(_sealed(_head(), b""), KEY) == a_stored(b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", BadEntry.MAGIC, id="empty"),
        pytest.param(b"\x80\x04\x95" + b"." * 40, BadEntry.MAGIC, id="a pickle"),
        pytest.param(_sealed(_head(), b"", version=0), BadEntry.VERSION, id="older than one back"),
        pytest.param(_sealed(_head(), b"", version=99), BadEntry.VERSION, id="from the future"),
        pytest.param(_sealed(_head(), b"ab", body_length=3), BadEntry.LENGTH, id="body shorter than it says"),
        pytest.param(_sealed(_head(), b"", body_length=2**31), BadEntry.LENGTH, id="body over the cap"),
        pytest.param(_sealed(_head(key="/b"), b""), BadEntry.KEY, id="another key's"),
        pytest.param(_sealed(b"\xc1", b""), BadEntry.MALFORMED, id="not MessagePack"),
        pytest.param(_sealed(b"\xdd\x7f\xff\xff\xff", b""), BadEntry.MALFORMED, id="an array of two thousand million"),
        pytest.param(_sealed(_head(status="200"), b""), BadEntry.MALFORMED, id="a status of the wrong type"),
        pytest.param(_sealed(_head(status=1000), b""), BadEntry.MALFORMED, id="a status out of range"),
        pytest.param(_sealed(_head(response_time=math.nan), b""), BadEntry.MALFORMED, id="a time that is no number"),
        pytest.param(_sealed(_head(), b"", coding=7), BadEntry.MALFORMED, id="unknown coding"),
        pytest.param(_sealed(_head(), b"xx", coding=1), BadEntry.MALFORMED, id="not a zstd frame"),
    ],
)
def test_each_bad_value_has_its_reason(data: bytes, reason: BadEntry) -> None:
    assert decode(data, KEY) is reason


def test_a_bomb_is_refused_before_room_is_made_for_it() -> None:
    bomb = zstandard.ZstdCompressor().compress(b"\0" * 50_000_000)
    assert decode(_sealed(_head(), bomb, coding=1, body_length=10), KEY) is BadEntry.LENGTH
    assert decode(_sealed(_head(), bomb, coding=1, body_length=50_000_000), KEY, max_body=1000) is BadEntry.LENGTH


def test_a_frame_that_ends_early_is_malformed() -> None:
    frame = zstandard.ZstdCompressor().compress(b"ab" * 2000)[:-3]
    assert decode(_sealed(_head(), frame, coding=1, body_length=4000), KEY) is BadEntry.MALFORMED


def test_a_checksum_over_a_changed_body_fails() -> None:
    whole = encode(KEY, a_stored(b"abc"))
    assert decode(whole[:-1] + b"x", KEY) is BadEntry.CHECKSUM


def test_only_large_bodies_that_shrink_are_compressed() -> None:
    assert len(encode(KEY, a_stored(b"a" * 5000))) < 1000
    assert len(encode(KEY, a_stored(b"a" * 5000), compress=False)) > 5000
    assert b"a" * 1024 in encode(KEY, a_stored(b"a" * 1024))
