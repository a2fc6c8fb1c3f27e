"""The envelope's reasons, its caps and its compression, case by case."""

import math
import struct
import zlib
from base64 import b85decode

import msgspec
import pytest
import zstandard

from proxy.policy.messages import Windows
from proxy.store.codec import VERSION, BadEntry, body_of, decode, encode, head_of
from tests.support.builders import a_key, a_stored, fields

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


# What the first writer of version 1 wrote, before its head got a last field; in base85. They are never made anew:
# when there is a version 2, this one must still be read.
_PLAIN = (
    b"R82xp0RYzn;ZXnp0bT$A02u%P0YTgV7PWJAZeesfa&==mGB7bPFfcbTIX5u9FK=RWWo~71Epl~ZFETJOFfcGTFgZ6cKXE<7v7>TzW6a2+PfL@M"
    b"tV3^ZbY*UIEmV1MWxru?aBOK~VRUJ4ZZB$cZ*DsvV`yP=b7gcrb#!JeIFh7RVRCt|L1SZOaC9w9VQy!2VP|EMs#9fjEkkc_YiVVpVLdUDlCNQ7"
    b"V`Xr3Eo@<KXLVs`Wu;|vEl@?0sCX@5Vsm9~bik6Ob9HWEbgy!CV>&W0F)%PNH!wLjFr*@7F(SjgO>b^2ATTx{PH%P~GB7eTATcmHFfckWFd#=w"
    b"RLek400000007HB_y7O^0002XLD^LNKmY&$lgmIp00000007HCP5=M^0002XKvsYN00000!otGC%RnfA000000M8Hr00000006^#B64ARZ*Eg>"
    b"V`*V*B03^PO;A!rQ$Zqq"
)
_COMPRESSED = (
    b"R82xp0Rb$oalZfn0c`*P1t<Uj0YTgV7PWJAZeesfa&==mGB7bPFfcbTIX5u9FK=RWWo~71Epl~ZFETJOFfcGTFgZ6cKXE<7v7>TzW6a2+PfL@M"
    b"tV3^ZbY*UIEmV1MWxru?aBOK~VRUJ4ZZB$cZ*DsvV`yP=b7gcrb#!JeIFh7RVRCt|L1SZOaC9w9VQy!2VP|EMs#9fjEkkc_YiVVpVLdUDlCNQ7"
    b"V`Xr3Eo@<KXLVs`Wu;|vEl@?0sCX@5Vsm9~bik6Ob9HWEbgy!CV>&W0F)%PNH!wLjFr*@7F(SjgO>b^2ATTx{PH%P~GB7eTATcmHFfckWFd#=w"
    b"RLek400000007HB_y7O^0002XLD^LNKmY&$lgmIp00000007HCP5=M^0002XKvsYN00000!otGC%RnfA000000M8Hr00000006@%wJ-f(C<OHY"
    b"0I+)^a&==OIwCSKF)%PNH!wLjFd}^{0RSG#e>MR"
)


@pytest.mark.parametrize(
    ("written", "body"), [(_PLAIN, b'{"razonSocial":"EMPRESA"}'), (_COMPRESSED, b'{"ruc":"20100070970"},' * 60)]
)
def test_what_an_earlier_release_wrote_is_read(written: bytes, body: bytes) -> None:
    lines = {"Content-Type": "application/json; charset=utf-8", "Vary": "Accept-Language", "Set-Cookie": "a=1"}
    key = a_key("sunat:ruc:20100070970", "/obtener-ruc/20100070970?q=ñ")
    assert decode(b85decode(written), key) == a_stored(
        body,
        target=key.target,
        route="ruc",
        fields=fields(lines),
        secondary_key=(("accept-language", "es-PE"), ("x-absent", None)),
        tags=("sunat", "ruc:20100070970"),
        last_modified="Mon, 06 Nov 2023 10:00:00 GMT",
        corrected_initial_age=1.5,
        windows=Windows(30.0, 60.0, 90.0),
        negative=True,
        cost=12.25,
        position=1 << 60,
        is_ended=True,
    )


@pytest.mark.parametrize("body", [b"", b"four", bytes(range(256)) * 8])
def test_a_body_is_had_of_every_sound_envelope_that_says_the_same(body: bytes) -> None:
    data = encode(KEY, a_stored(body))
    other = encode(KEY, a_stored(body[::-1]))
    head = head_of(data)
    assert head == head_of(other)
    assert (body_of(data, head), body_of(other, head)) == (body, body[::-1])
    for another in (a_stored(body + b"x"), a_stored(body, status=404), a_stored(body, position=9)):
        assert body_of(encode(KEY, another), head) is None
    assert body_of(encode(a_key("/b"), a_stored(body)), head) is None


def test_no_body_is_had_of_what_is_damaged() -> None:
    data = encode(KEY, a_stored(b"body" * 1000))
    head = head_of(data)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        assert body_of(bytes(damaged), head) is None, place
    for end in range(0, len(data), 7):
        assert body_of(data[:end], head) is None
    assert body_of(data, b"") is None
    assert head_of(b"no envelope") == head_of(b"") == b""
