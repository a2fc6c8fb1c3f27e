"""Hypothesis strategies of the central values."""

from hypothesis import strategies as st

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import Fields, StoredResponse, Windows

latin = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=20)
seconds = st.floats(allow_nan=False, allow_infinity=False)
keys = st.builds(CacheKey, st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=40), latin)
bodies = st.binary(max_size=200) | st.binary(min_size=1, max_size=20).map(lambda part: part * 300)
secondary_keys = st.lists(st.tuples(latin, st.none() | latin), max_size=3).map(tuple)
stored_responses = st.builds(
    StoredResponse,
    target=latin,
    route=latin,
    status=st.integers(100, 999),
    reason=latin,
    fields=st.lists(st.tuples(latin, latin), max_size=4).map(Fields),
    body=bodies,
    secondary_key=secondary_keys,
    tags=st.lists(latin, max_size=3).map(tuple),
    etag=st.none() | latin,
    etag_is_made=st.booleans(),
    last_modified=st.none() | latin,
    freshness_lifetime=seconds,
    corrected_initial_age=seconds,
    response_time=seconds,
    windows=st.builds(Windows, seconds, seconds, seconds),
    never_stale=st.booleans(),
    always_validate=st.booleans(),
    allows_authorized=st.booleans(),
    negative=st.booleans(),
    cost=seconds,
    position=st.integers(0, 2**40),
    is_ended=st.booleans(),
)
