"""RFC 9111 §3.3, §3.4: what is asked for so that a stored part becomes the whole."""

from typing import Any

import pytest

from proxy.policy.cache_key import cache_key
from proxy.policy.completion import Remainder, remainder
from proxy.policy.messages import Fields, RequestHead, StoredResponse
from proxy.policy.ranges import Extent
from tests.support.builders import a_request, a_stored
from tests.support.policy import AT_T0, a_head, a_route, match_of

WHOLE = b"0123456789"
FIRM = {"ETag": '"v1"', "Cache-Control": "max-age=60"}


def a_part(first: int, last: int, **changes: Any) -> StoredResponse:
    """A stored part of ten bytes."""
    fields = Fields([("Content-Range", f"bytes {first}-{last}/10")])
    values = {"status": 206, "etag": '"v1"', "etag_is_made": False, "fields": fields, **changes}
    return a_stored(WHOLE[first : last + 1], **values)


# The question ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "value"),
    [
        pytest.param(0, 3, "bytes=4-", id="3.3 what is behind it"),
        pytest.param(4, 9, "bytes=0-3", id="3.3 what is before it"),
        pytest.param(0, 8, "bytes=9-", id="3.3 one byte"),
    ],
)
def test_what_is_asked_for(first: int, last: int, value: str) -> None:
    rest = remainder(a_request(), [a_part(first, last)], a_route())
    assert rest is not None
    assert rest.conditional.lines == (("Range", value), ("If-Range", '"v1"'))


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        pytest.param(a_request(), a_part(2, 5), id="3.3 two pieces are missing"),
        pytest.param(a_request(), a_part(0, 3, etag='W/"v1"'), id="3.4 a weak validator"),
        pytest.param(a_request(), a_part(0, 3, etag=None), id="3.4 no validator"),
        pytest.param(a_request(), a_part(0, 3, secondary_key=(("x", "1"),)), id="4.1 another variant's"),
        pytest.param(a_request(), a_stored(WHOLE), id="3.3 a whole"),
        pytest.param(a_request(), a_part(0, 3, fields=Fields()), id="14.4 of unknown place"),
        pytest.param(a_request(lines={"Range": "bytes=0-5"}), a_part(0, 3), id="14.2 a part is asked for"),
        pytest.param(a_request(method="HEAD"), a_part(0, 3), id="9.3.2 nothing is missing of a HEAD"),
        pytest.param(a_request(lines={"Authorization": "x"}), a_part(0, 3), id="3.5 by somebody with credentials"),
    ],
)
def test_where_the_whole_is_asked_for(request_: RequestHead, part: StoredResponse) -> None:
    assert remainder(request_, [part], a_route()) is None


def test_what_is_too_large_to_keep_is_not_completed() -> None:
    assert remainder(a_request(), [a_part(0, 3)], a_route(max_object=9)) is None
    assert remainder(a_request(), [a_part(0, 3)], a_route(max_object=10)) is not None


# The answer -----------------------------------------------------------------------------------------------------------


def made_whole(lines: dict[str, str], body: bytes | None, part: StoredResponse | None = None) -> StoredResponse | None:
    """What becomes of the first four bytes and of this 206 with the others."""
    request, rest = a_request(), Remainder(part or a_part(0, 3), Extent(4, 9, 10))
    match = match_of(request, a_route())
    head = a_head({"Content-Range": "bytes 4-9/10", **FIRM, **lines}, 206)
    return rest.completed(request, head, body, match, cache_key(request, match), AT_T0)


def test_both_become_the_whole() -> None:
    whole = made_whole({"X": "new"}, WHOLE[4:])
    assert whole is not None
    assert (whole.status, whole.body, whole.etag) == (200, WHOLE, '"v1"')
    assert whole.fields.all("x") == ("new",)
    assert "content-range" not in whole.fields
    assert made_whole({}, None) is not None


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        pytest.param({"ETag": '"v2"'}, WHOLE[4:], id="3.4 of another version"),
        pytest.param({"ETag": ""}, WHOLE[4:], id="3.4 of an unknown one"),
        pytest.param({"Content-Range": "bytes 5-9/10"}, WHOLE[5:], id="3.4 a gap"),
        pytest.param({"Content-Range": "bytes 3-9/10"}, WHOLE[3:], id="14.2 more than was asked for"),
        pytest.param({"Content-Range": "bytes 4-8/10"}, WHOLE[4:9], id="14.2 less than was asked for"),
        pytest.param({"Content-Range": "bytes 4-9/11"}, WHOLE[4:], id="3.4 of another length"),
        pytest.param({"Cache-Control": "no-store"}, WHOLE[4:], id="5.2.2.5 no-store"),
        pytest.param({"Cache-Control": "public"}, WHOLE[4:], id="3 without a lifetime"),
    ],
)
def test_what_makes_no_whole(lines: dict[str, str], body: bytes) -> None:
    assert made_whole(lines, body) is None
    assert made_whole(lines, None) is None, "its head says so"


def test_a_body_of_another_length_makes_no_whole() -> None:
    assert made_whole({}, WHOLE[4:8]) is None
