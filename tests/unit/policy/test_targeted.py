"""RFC 9213: which field speaks to this cache, and what of it counts."""

import pytest

from proxy.policy.directives import response_directives
from proxy.policy.disposition import NotStored, NotStoredReason
from proxy.policy.field_values import SATURATED, format_http_date
from proxy.policy.messages import Fields
from tests.support.builders import T0
from tests.support.policy import a_head, a_route, assessed, stored_as

FALLBACK = ("Cache-Control", "max-age=6")
CDN = "CDN-Cache-Control"


def max_age(*lines: tuple[str, str]) -> int | None:
    return response_directives(Fields(lines)).max_age


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("max-age=5", 5, id="9213-2.1 an Integer"),
        pytest.param("max-age=005", 5, id="9651-4.2.4 leading zeros"),
        pytest.param("max-age=0", 0, id="9213-2.1 nought"),
        pytest.param("max-age=999999999999999", SATURATED, id="1.2.2 saturated"),
        pytest.param("max-age=5;foo=bar", 5, id="9213-2.1 parameters are ignored"),
        pytest.param("max-age=5;a;b=?0;c=1.5", 5, id="9213-2.1 all of them"),
        pytest.param("max-age=5 , foo", 5, id="9651-4.2 blanks around commas"),
        pytest.param("max-age=5\t,\tfoo", 5, id="9651-4.2 tabs around commas"),
        pytest.param("  max-age=5  ", 5, id="9651-4.2 blanks around it all"),
        pytest.param("max-age=5, max-age=7", 7, id="9651-4.2.2 the last of one key"),
        pytest.param("foo=:AQI=:, bar=(a b);q=1, max-age=5", 5, id="9213-2.1 strangers of every type"),
        pytest.param("max-age=-5", 0, id="4.2.1 negative is stale"),
        pytest.param("max-age=1.5", 0, id="9213-2.1 a Decimal is not taken for an Integer"),
        pytest.param('max-age="5"', 0, id="9213-2.1 nor is a String"),
        pytest.param("max-age=five", 0, id="9213-2.1 nor a Token"),
        pytest.param("max-age", 0, id="9213-2.1 nor a Boolean"),
        pytest.param("max-age=(5)", 0, id="9213-2.1 nor a list"),
        pytest.param("max-age=?0", None, id="9651-3.3.6 false is not said"),
    ],
)
def test_what_it_says(value: str, seconds: int | None) -> None:
    assert max_age((CDN, value), FALLBACK) == seconds


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="9213-2.1 empty"),
        pytest.param("   ", id="9213-2.1 blank"),
        pytest.param("max-age=5,", id="9651-4.2.2 a comma at the end"),
        pytest.param(",max-age=5", id="9651-4.2.2 a comma in front"),
        pytest.param("max-age=5,,foo", id="9651-4.2.2 an empty member"),
        pytest.param("max-age =5", id="9651-4.2.2 a blank before ="),
        pytest.param("max-age= 5", id="9651-4.2.2 a blank after ="),
        pytest.param("max-age=", id="9651-4.2.2 no value"),
        pytest.param("Max-Age=5", id="9651-4.2.3.3 an upper-case key"),
        pytest.param("max-age=5 foo", id="9651-4.2.2 no comma"),
        pytest.param("max-age=5, &&&&", id="9651-4.2.2 garbage behind"),
        pytest.param("max-age='5'", id="9651-4.2.3.1 single quotes"),
        pytest.param('private="a', id="9651-4.2.5 an open quote"),
        pytest.param("max-age=9999999999999999", id="9651-4.2.4 more than fifteen digits"),
        pytest.param("max-age=5\x00", id="9651-4.2 a control character"),
        pytest.param('"max-age=5"', id="9651-4.2.2 a list is no dictionary"),
    ],
)
def test_what_is_as_if_it_were_not_there(value: str) -> None:
    assert max_age((CDN, value), FALLBACK) == 6


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        pytest.param([("Tambo-Cache-Control", "max-age=1"), (CDN, "max-age=2"), FALLBACK], 1, id="9213-2.2 the first"),
        pytest.param([FALLBACK, (CDN, "max-age=2")], 2, id="9213-2.2 whatever their order"),
        pytest.param([("cdn-CACHE-control", "max-age=2"), FALLBACK], 2, id="9110-5.1 names in any case"),
        pytest.param([(CDN, "max-age=2"), (CDN, "foo")], 2, id="9651-4.2 lines are one dictionary"),
        pytest.param([(CDN, "max-age=2,"), (CDN, "foo")], None, id="9651-4.2 which may break"),
        pytest.param([(CDN, "foo"), FALLBACK], None, id="9213-2.2 a stranger's word replaces all the same"),
        pytest.param([("Surrogate-Control", "max-age=2"), FALLBACK], 6, id="9213-2.2 not on our list"),
        pytest.param([("Tambo-Cache-Control", ","), (CDN, ","), FALLBACK], 6, id="9213-2.1 one after the other"),
    ],
)
def test_which_field_speaks(lines: list[tuple[str, str]], seconds: int | None) -> None:
    assert max_age(*lines) == seconds


R = NotStoredReason
SOON = format_http_date(T0 + 60)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param({CDN: "max-age=5", "Cache-Control": "no-store"}, 5, id="9213-2.2 lifts no-store"),
        pytest.param({CDN: "max-age=5", "Cache-Control": "private"}, 5, id="9213-2.2 lifts private"),
        pytest.param({CDN: "max-age=5", "Cache-Control": "no-cache"}, 5, id="9213-2.2 lifts no-cache"),
        pytest.param({CDN: "max-age=5", "Cache-Control": "s-maxage=9"}, 5, id="9213-2.2 replaces s-maxage"),
        pytest.param({CDN: "max-age=5", "Expires": "0"}, 5, id="9213-2.2 replaces Expires"),
        pytest.param({CDN: "must-revalidate", "Expires": SOON}, R.CONTENT_TYPE, id="9213-2.2 Expires fills nothing in"),
        pytest.param({CDN: ",", "Expires": SOON}, 60, id="9213-2.1 unless it is not there"),
        pytest.param({CDN: "no-store", "Cache-Control": "max-age=5"}, R.NO_STORE, id="9213-2.2 no-store"),
        pytest.param({CDN: "private", "Cache-Control": "max-age=5"}, R.PRIVATE, id="9213-2.2 private"),
        pytest.param({CDN: "no-store=?0, max-age=5"}, 5, id="9651-3.3.6 no-store, false"),
        pytest.param({CDN: "no-store=1, max-age=5"}, R.NO_STORE, id="9213-2.1 what restricts is heard in any form"),
        pytest.param({CDN: "private=a, max-age=5"}, R.PRIVATE, id="9213-2.1 a Token is no list of fields"),
        pytest.param({CDN: 'private="x", max-age=5'}, 5, id="9213-2.1 a String is"),
        pytest.param({CDN: "no-store, must-understand, max-age=5"}, 5, id="5.2.2.3 must-understand"),
        pytest.param(
            {CDN: "no-store, must-understand=1"}, R.NO_STORE, id="9213-2.1 what gives leave must be a Boolean"
        ),
        pytest.param({CDN: "max-age=5", "Cache-Control": "no-store, max-age=0", "Pragma": "no-cache"}, 5, id="5.4"),
    ],
)
def test_what_comes_of_it(lines: dict[str, str], expected: float | R) -> None:
    head = a_head({"Content-Type": "text/html", **lines})
    if isinstance(expected, R):
        assert assessed(head) == NotStored(expected)
    else:
        assert stored_as(head).freshness_lifetime == expected


@pytest.mark.parametrize(
    ("value", "allows"),
    [
        pytest.param("max-age=5", False, id="3.5 nothing said"),
        pytest.param("max-age=5, public", True, id="3.5 public"),
        pytest.param("max-age=5, public=?0", False, id="3.5 public, false"),
        pytest.param("max-age=5, public=1", False, id="9213-2.1 an Integer gives no leave"),
        pytest.param("s-maxage=5", True, id="3.5 s-maxage"),
        pytest.param("max-age=5, must-revalidate", True, id="3.5 must-revalidate"),
    ],
)
def test_credentials(value: str, *, allows: bool) -> None:
    head = a_head({CDN: value, "Cache-Control": "public, s-maxage=60"})
    assert stored_as(head, a_route()).allows_authorized is allows


def test_the_windows_come_from_it_too() -> None:
    head = a_head({CDN: "max-age=5, stale-while-revalidate=3, stale-if-error=4", "Cache-Control": "stale-if-error=99"})
    windows = stored_as(head).windows
    assert (windows.revalidate, windows.error) == (3, 4)


def test_the_fields_are_kept_as_they_came_for_other_caches() -> None:
    head = a_head({CDN: "max-age=5", "Cache-Control": "no-store", "Expires": "0"})
    fields = stored_as(head).fields
    assert [fields.joined(name) for name in ("cdn-cache-control", "cache-control", "expires")] == [
        "max-age=5",
        "no-store",
        "0",
    ]
