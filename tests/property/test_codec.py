"""The envelope: what goes in comes out, and no bytes whatever make decoding raise or answer for another key."""

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.codec import BadEntry, decode, encode
from tests.support.strategies import keys, stored_responses


@settings(deadline=None)
@given(keys, stored_responses, st.booleans())
def test_what_is_encoded_comes_back_equal(key: CacheKey, stored: StoredResponse, compress: bool) -> None:
    assert decode(encode(key, stored, compress=compress), key) == stored


@settings(deadline=None)
@given(keys, keys, stored_responses)
def test_another_keys_value_is_refused(key: CacheKey, other: CacheKey, stored: StoredResponse) -> None:
    answer = decode(encode(key, stored), other)
    assert answer == (stored if key.text == other.text else BadEntry.KEY)


@settings(deadline=None)
@given(st.binary(max_size=300), keys)
def test_decoding_noise_never_raises(data: bytes, key: CacheKey) -> None:
    assert isinstance(decode(data, key), BadEntry)


@settings(deadline=None)
@given(st.data(), keys, stored_responses)
def test_a_changed_byte_is_always_noticed(data: st.DataObject, key: CacheKey, stored: StoredResponse) -> None:
    whole = bytearray(encode(key, stored))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    # The body's length and the coding stand outside the checksum; they are checked against the body itself.
    assert isinstance(decode(bytes(whole), key), BadEntry)


@settings(deadline=None)
@given(st.data(), keys, stored_responses)
def test_a_cut_value_is_always_noticed(data: st.DataObject, key: CacheKey, stored: StoredResponse) -> None:
    whole = encode(key, stored)
    assert isinstance(decode(whole[: data.draw(st.integers(0, len(whole) - 1))], key), BadEntry)
    assert decode(whole + b"x", key) is BadEntry.LENGTH
