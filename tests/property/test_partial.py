"""Parts of a representation: whatever is fetched and asked for, a client gets bytes of one version at their place."""

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.policy.disposition import OutOfRange, Ranged
from proxy.policy.messages import Fields, StoredResponse
from proxy.policy.partial import joined, usable
from proxy.policy.ranges import content_extent, held_extent, ranged
from tests.support.builders import a_request, a_stored

VERSIONS = {'"a"': bytes(range(12)), '"b"': bytes(range(100, 112)), '"c"': bytes(range(7))}
SOMETHING = a_request(lines={"Range": "bytes=0-"})

spans = st.tuples(st.sampled_from(sorted(VERSIONS)), st.integers(0, 11), st.integers(0, 11))
range_values = st.builds("bytes={}-{}".format, st.just("") | st.integers(0, 14), st.just("") | st.integers(0, 14))


def a_part(etag: str, one: int, other: int) -> StoredResponse:
    """These bytes of this version."""
    body = VERSIONS[etag]
    first, last = sorted((one % len(body), other % len(body)))
    line = ("Content-Range", f"bytes {first}-{last}/{len(body)}")
    status = 200 if last - first + 1 == len(body) else 206
    return a_stored(
        body[first : last + 1],
        status=status,
        etag=etag,
        etag_is_made=False,
        fields=Fields([] if status == 200 else [line]),
    )


def is_sound(stored: StoredResponse) -> bool:
    """Whether it holds exactly what it says it holds."""
    extent, body = held_extent(stored), VERSIONS[stored.etag or ""]
    return extent is not None and stored.body == body[extent.first : extent.last + 1] and extent.length == len(body)


@settings(deadline=None)
@given(st.lists(spans, max_size=8), range_values, st.integers(1, 20))
def test_what_is_kept_and_given_is_always_what_it_says(
    fetched: list[tuple[str, int, int]], value: str, limit: int
) -> None:
    held: list[StoredResponse] = []
    for span in fetched:
        part = a_part(*span)
        kept = part if part.status == 200 else joined(SOMETHING, part, held, limit)
        held = held if kept is None else [kept]
        assert all(is_sound(stored) for stored in held)
    request = a_request(lines={"Range": value})
    for stored in usable(request, held):
        given_part, body = ranged(request, stored), VERSIONS[stored.etag or ""]
        if given_part is None:
            assert stored.status == 200, "a part was given for the whole"
        elif isinstance(given_part, Ranged):
            extent = content_extent(Fields(given_part.fields.items()))
            assert extent is not None
            sent = stored.body[given_part.first : given_part.last + 1]
            assert sent == body[extent.first : extent.last + 1] != b""
        else:
            assert given_part == OutOfRange(f"bytes */{len(body)}")
    assert all(stored.status == 200 for stored in usable(a_request(), held))


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_makes_reading_a_range_raise(text: str) -> None:
    whole = a_stored(b"0123456789")
    assert ranged(a_request(lines={"Range": text}), whole) is None or text.lower().startswith("bytes")
    content_extent(Fields([("Content-Range", text)]))
