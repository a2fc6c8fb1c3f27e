"""RFC 9110 §14: parts of a stored response."""

from typing import Any

import pytest

from proxy.policy.disposition import Ranged
from proxy.policy.field_values import format_http_date
from proxy.policy.messages import Fields
from proxy.policy.ranges import ranged
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
        pytest.param("bytes=10-", None, id="14.1.2 behind the end"),
        pytest.param("bytes=" + "9" * 6000 + "-", None, id="14.1.2 far behind the end"),
        pytest.param("bytes=-0", None, id="14.1.2 the last none"),
        pytest.param("bytes=5-4", None, id="14.1.1 backwards"),
        pytest.param("bytes=-", None, id="14.1.1 nothing"),
        pytest.param("bytes=a-b", None, id="14.1.1 letters"),
        pytest.param("bytes=0-1,3-4", None, id="14.2 several: the whole"),
        pytest.param("items=0-1", None, id="14.2 another unit"),
        pytest.param("0-1", None, id="14.2 no unit"),
        pytest.param("bytes=\u0660-\u0661", None, id="14.1.1 digits that are not ASCII"),
    ],
)
def test_ranges(value: str, span: tuple[int, int] | None) -> None:
    expected = None if span is None else Ranged({"Content-Range": f"bytes {span[0]}-{span[1]}/10"}, *span)
    assert ranged(a_request(lines={"Range": value}), TEN) == expected


def test_without_a_range_the_whole() -> None:
    assert ranged(a_request(), TEN) is None


def test_of_nothing_there_is_no_part() -> None:
    assert ranged(a_request(lines={"Range": "bytes=-1"}), a_stored(b"")) is None
    assert ranged(a_request(lines={"Range": "bytes=0-"}), a_stored(b"")) is None


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
