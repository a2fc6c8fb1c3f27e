"""RFC 9110 §14: parts of a stored response."""

from typing import Any

import pytest

from proxy.policy.disposition import OutOfRange, Ranged
from proxy.policy.field_values import format_http_date
from proxy.policy.messages import Fields
from proxy.policy.ranges import Extent, content_extent, ranged
from tests.support.builders import T0, a_request, a_stored

TEN = a_stored(b"0123456789")


@pytest.mark.parametrize(
    ("value", "span"),
    [
        pytest.param("bytes=0-3", (0, 3), id="14.1.2 first and last"),
        pytest.param("bytes=3-3", (3, 3), id="14.1.2 one byte"),
        pytest.param("bytes=4-", (4, 9), id="14.1.2 to the end"),
        pytest.param("bytes=-3", (7, 9), id="14.1.2 the last ones"),
        pytest.param("bytes=-30", (0, 9), id="14.1.2 more than there are"),
        pytest.param("bytes=5-99", (5, 9), id="14.1.2 beyond the end"),
        pytest.param("bytes=5-" + "9" * 50, (5, 9), id="14.1.2 far beyond the end"),
        pytest.param("bytes=" + "0" * 6000 + "4-", (4, 9), id="14.1.1 leading zeros without end"),
        pytest.param("Bytes=0-1", (0, 1), id="14.1 units ignore case"),
        pytest.param("bytes= 0-1 ", (0, 1), id="14.1.1 blanks around"),
        pytest.param("bytes=5-4", None, id="14.1.1 backwards"),
        pytest.param("bytes=-", None, id="14.1.1 nothing"),
        pytest.param("bytes=a-b", None, id="14.1.1 letters"),
        pytest.param("bytes=0-1,3-4", None, id="14.2 several: the whole"),
        pytest.param("bytes=20-30,40-50", None, id="14.2 several behind the end: the whole"),
        pytest.param("bytes", None, id="14.1.1 a unit alone"),
        pytest.param("bytes=", None, id="14.1.1 an empty set"),
        pytest.param("bytes=20-5", None, id="14.1.1 backwards and behind the end is no range, so not out of range"),
        pytest.param("items=0-1", None, id="14.2 another unit"),
        pytest.param("0-1", None, id="14.2 no unit"),
        pytest.param("bytes=\u0660-\u0661", None, id="14.1.1 digits that are not ASCII"),
    ],
)
def test_ranges(value: str, span: tuple[int, int] | None) -> None:
    expected = None if span is None else Ranged({"Content-Range": f"bytes {span[0]}-{span[1]}/10"}, *span)
    assert ranged(a_request(lines={"Range": value}), TEN) == expected


@pytest.mark.parametrize(
    ("value", "length"),
    [
        pytest.param("bytes=10-", 10, id="14.1.2 behind the end"),
        pytest.param("bytes=10-20", 10, id="14.1.2 behind the end, both"),
        pytest.param("bytes=" + "9" * 6000 + "-", 10, id="14.1.2 far behind the end"),
        pytest.param("bytes=-0", 10, id="14.1.2 the last none"),
        pytest.param("bytes=0-", 0, id="14.1.2 the first of nothing"),
        pytest.param("bytes=-0", 0, id="14.1.2 the last none of nothing"),
    ],
)
def test_out_of_range(value: str, length: int) -> None:
    expected = OutOfRange(f"bytes */{length}")
    assert ranged(a_request(lines={"Range": value}), a_stored(b"x" * length)) == expected


def test_out_of_range_but_of_another_version_is_the_whole() -> None:
    request = a_request(lines={"Range": "bytes=99-", "If-Range": '"other"'})
    assert ranged(request, TEN) is None


def test_without_a_range_the_whole() -> None:
    assert ranged(a_request(), TEN) is None


def test_a_suffix_of_nothing_is_all_of_it() -> None:
    assert ranged(a_request(lines={"Range": "bytes=-1"}), a_stored(b"")) is None


def test_only_a_get_of_a_200_has_parts() -> None:
    lines = {"Range": "bytes=0-1"}
    assert ranged(a_request(method="HEAD", lines=lines), TEN) is None
    assert ranged(a_request(lines=lines), a_stored(status=404)) is None


LM = format_http_date(T0 - 60)
OLD = Fields([("Date", format_http_date(T0))])
NEW = Fields([("Date", LM)])


@pytest.mark.parametrize(
    ("if_range", "changes", "has_part"),
    [
        pytest.param('"e1"', {}, True, id="13.1.5 the same"),
        pytest.param('"e2"', {}, False, id="13.1.5 another"),
        pytest.param('W/"e1"', {"etag": 'W/"e1"'}, False, id="13.1.5 weak never"),
        pytest.param('"e1"', {"etag": None}, False, id="13.1.5 nothing to compare with"),
        pytest.param(LM, {"last_modified": LM, "fields": OLD}, True, id="13.1.5 a date, long enough before Date"),
        pytest.param(LM, {"last_modified": LM, "fields": NEW}, False, id="8.8.2.2 a date too near to Date is weak"),
        pytest.param(
            LM, {"last_modified": format_http_date(T0 - 61), "fields": OLD}, False, id="13.1.5 an earlier one"
        ),
        pytest.param("x", {"last_modified": "x", "fields": OLD}, False, id="13.1.5 no date at all"),
        pytest.param(LM, {"last_modified": None}, False, id="13.1.5 nothing to compare a date with"),
    ],
)
def test_if_range(if_range: str, changes: dict[str, Any], *, has_part: bool) -> None:
    request = a_request(lines={"Range": "bytes=0-1", "If-Range": if_range})
    assert (ranged(request, a_stored(**changes)) is not None) is has_part


# Content-Range --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "extent"),
    [
        pytest.param("bytes 0-4/10", Extent(0, 4, 10), id="14.4 a part"),
        pytest.param("Bytes 0-9/10", Extent(0, 9, 10), id="14.4 all of it; units ignore case"),
        pytest.param("bytes 9-9/10", Extent(9, 9, 10), id="14.4 the last byte"),
        pytest.param("bytes 0-4/*", None, id="14.4 of an unknown length"),
        pytest.param("bytes */10", None, id="14.4 unsatisfied"),
        pytest.param("bytes 4-0/10", None, id="14.4 last before first"),
        pytest.param("bytes 0-10/10", None, id="14.4 longer than the whole"),
        pytest.param("items 0-4/10", None, id="14.4 another unit"),
        pytest.param("bytes 0-4/10, bytes 5-9/10", None, id="14.4 twice"),
        pytest.param("bytes=0-4/10", None, id="14.4 an equals sign"),
        pytest.param("bytes 0-4/" + "9" * 40, None, id="14.4 longer than anything"),
        pytest.param("", None, id="14.4 empty"),
    ],
)
def test_content_range(value: str, extent: Extent | None) -> None:
    assert content_extent(Fields([("Content-Range", value)])) == extent


PART = a_stored(b"3456", status=206, fields=Fields([("Content-Range", "bytes 3-6/10")]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("bytes=3-6", Ranged({"Content-Range": "bytes 3-6/10"}, 0, 3), id="9111-3.3 all of the part"),
        pytest.param("bytes=4-5", Ranged({"Content-Range": "bytes 4-5/10"}, 1, 2), id="9111-3.3 within the part"),
        pytest.param("bytes=-10", None, id="9111-3.3 more than the part"),
        pytest.param("bytes=2-4", None, id="9111-3.3 begins before it"),
        pytest.param("bytes=4-", None, id="9111-3.3 ends behind it"),
        pytest.param("bytes=10-", OutOfRange("bytes */10"), id="14.1.2 the length is known all the same"),
    ],
)
def test_of_a_part(value: str, expected: Ranged | OutOfRange | None) -> None:
    assert ranged(a_request(lines={"Range": value}), PART) == expected


def test_a_part_of_unknown_place_answers_nothing() -> None:
    assert ranged(a_request(lines={"Range": "bytes=0-1"}), a_stored(status=206)) is None
