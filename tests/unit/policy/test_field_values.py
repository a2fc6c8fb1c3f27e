"""Field values: every form that is right, and what becomes of those that are not."""

import pytest

from proxy.policy.field_values import (
    SATURATED,
    age_value,
    delta_seconds,
    format_http_date,
    http_date,
    is_json,
    list_members,
    media_type,
    normalised_codings,
    strongly_equal,
    tokens,
    unquoted,
    weakly_equal,
)

NOW = 1_700_000_000.0  # 14 Nov 2023 22:13:20
EXAMPLE = 784_111_777.0  # the date of RFC 9110 §5.6.7's examples


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("60", 60, id="1.2.2 digits"),
        pytest.param("0060", 60, id="1.2.2 leading zeros"),
        pytest.param("0", 0, id="1.2.2 zero"),
        pytest.param("", 0, id="4.2.1 nothing"),
        pytest.param("-1", 0, id="4.2.1 negative"),
        pytest.param("+1", 0, id="4.2.1 signed"),
        pytest.param("1.5", 0, id="4.2.1 fraction"),
        pytest.param("60.0", 0, id="4.2.1 fraction of nothing"),
        pytest.param("60s", 0, id="4.2.1 unit"),
        pytest.param(" 60", 0, id="4.2.1 blank"),
        pytest.param("1_0", 0, id="4.2.1 python's underscore"),
        pytest.param("\u0665", 0, id="4.2.1 a digit that is not ASCII"),
        pytest.param("\xb2", 0, id="4.2.1 superscript two"),
        pytest.param("2147483648", SATURATED, id="1.2.2 2^31"),
        pytest.param("2147483649", SATURATED, id="1.2.2 above 2^31"),
        pytest.param("9" * 6000, SATURATED, id="1.2.2 more digits than int() takes"),
        pytest.param("0" * 6000 + "7", 7, id="1.2.2 leading zeros without end"),
    ],
)
def test_delta_seconds(text: str, seconds: int) -> None:
    assert delta_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param(None, 0, id="5.1 absent"),
        pytest.param("7", 7, id="5.1 digits"),
        pytest.param("7, 99", 7, id="5.1 first member"),
        pytest.param("x, 99", 0, id="5.1 ignored when the first is invalid"),
        pytest.param("-7", 0, id="5.1 negative is ignored"),
        pytest.param("7.5", 0, id="5.1 fraction is ignored"),
        pytest.param('"7"', 0, id="5.1 quoted is ignored"),
        pytest.param("99999999999999", SATURATED, id="1.2.2 saturated"),
    ],
)
def test_age_value(text: str | None, seconds: int) -> None:
    assert age_value(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", id="9110-5.6.7 IMF-fixdate"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", id="9110-5.6.7 RFC 850"),
        pytest.param("Sun Nov  6 08:49:37 1994", id="9110-5.6.7 asctime"),
        pytest.param("Sun Nov 06 08:49:37 1994", id="9110-5.6.7 asctime, two digits"),
        pytest.param("sun, 06 nov 1994 08:49:37 gmt", id="9111-4.2 case is ignored"),
        pytest.param("SUNDAY, 06-NOV-94 08:49:37 GMT", id="9111-4.2 case is ignored in RFC 850"),
        pytest.param("Mon, 06 Nov 1994 08:49:37 GMT", id="9110-5.6.7 the day's name decides nothing"),
    ],
)
def test_http_date_in_its_three_forms(text: str) -> None:
    assert http_date(text, NOW) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="9110-5.6.7 nothing"),
        pytest.param("0", id="9111-5.3 zero"),
        pytest.param("-1", id="9111-5.3 minus one"),
        pytest.param("784111777", id="9110-5.6.7 seconds"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 UTC", id="9111-4.2 UTC"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 EST", id="9111-4.2 another zone"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 +0000", id="9111-4.2 offset"),
        pytest.param("Sun, 06 Nov 1994 08:49:37", id="9110-5.6.7 no zone"),
        pytest.param("Sun, 6 Nov 1994 08:49:37 GMT", id="9110-5.6.7 one digit day"),
        pytest.param("Sun, 06 Nov 1994 8:49:37 GMT", id="9110-5.6.7 one digit hour"),
        pytest.param("Sun, 06 Nov 94 08:49:37 GMT", id="9110-5.6.7 two digit year in the new form"),
        pytest.param("Sunday, 06-Nov-1994 08:49:37 GMT", id="9110-5.6.7 four digit year in RFC 850"),
        pytest.param("Sun, 06-Nov-1994 08:49:37 GMT", id="9110-5.6.7 dashes"),
        pytest.param("Sun 06 Nov 1994 08:49:37 GMT", id="9110-5.6.7 no comma"),
        pytest.param("Sun,  06 Nov 1994 08:49:37 GMT", id="9110-5.6.7 two blanks"),
        pytest.param(" Sun, 06 Nov 1994 08:49:37 GMT", id="9110-5.6.7 a blank in front"),
        pytest.param("Sun, 06 Nov 1994 08.49.37 GMT", id="9110-5.6.7 dots"),
        pytest.param("Sun, 31 Feb 1994 08:49:37 GMT", id="9110-5.6.7 no such day"),
        pytest.param("Sun, 06 Nov 1994 24:00:00 GMT", id="9110-5.6.7 no such hour"),
        pytest.param("Sun, 06 Nov 1994 08:49:61 GMT", id="9110-5.6.7 no such second"),
        pytest.param("Sun, 06 Nov 0000 08:49:37 GMT", id="9110-5.6.7 no such year"),
        pytest.param("Son, 06 Nov 1994 08:49:37 GMT", id="9110-5.6.7 no such weekday"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", id="9111-4.2.1 two lines"),
        pytest.param("Sun, 0\u0666 Nov 1994 08:49:37 GMT", id="9110-5.6.7 a digit that is not ASCII"),
    ],
)
def test_anything_else_is_no_date(text: str) -> None:
    assert http_date(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", id="last century"),
        pytest.param("Monday, 06-Nov-23 08:49:37 GMT", "Mon, 06 Nov 2023 08:49:37 GMT", id="this year"),
        pytest.param("Monday, 06-Nov-73 08:49:37 GMT", "Mon, 06 Nov 2073 08:49:37 GMT", id="fifty years ahead"),
        pytest.param("Monday, 06-Nov-74 08:49:37 GMT", "Mon, 06 Nov 1974 08:49:37 GMT", id="further is the past"),
    ],
)
def test_two_digit_years_are_near_now(text: str, normal: str) -> None:
    assert http_date(text, NOW) == http_date(normal, NOW)


def test_a_two_digit_year_of_the_next_century() -> None:
    in_2090 = http_date("Sun, 06 Nov 2090 08:49:37 GMT", NOW)
    assert in_2090 is not None
    assert http_date("Sunday, 06-Nov-10 08:49:37 GMT", in_2090) == http_date("Thu, 06 Nov 2110 08:49:37 GMT", NOW)


def test_a_two_digit_year_is_at_most_fifty_years_ahead_of_it() -> None:
    in_2090 = http_date("Sun, 06 Nov 2090 08:49:37 GMT", NOW)
    assert in_2090 is not None
    assert http_date("Sunday, 06-Nov-40 08:49:37 GMT", in_2090) == http_date("Sun, 06 Nov 2140 08:49:37 GMT", NOW)
    assert http_date("Sunday, 06-Nov-41 08:49:37 GMT", in_2090) == http_date("Sun, 06 Nov 2041 08:49:37 GMT", NOW)


def test_a_leap_second_is_the_next_ones_first() -> None:
    assert http_date("Sat, 31 Dec 2016 23:59:60 GMT", NOW) == http_date("Sun, 01 Jan 2017 00:00:00 GMT", NOW)


def test_a_clock_that_no_calendar_holds_makes_no_date() -> None:
    assert http_date("Sunday, 06-Nov-94 08:49:37 GMT", 1e300) is None


def test_dates_are_written_in_the_preferred_form() -> None:
    assert format_http_date(EXAMPLE + 0.9) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("text", "members"),
    [
        pytest.param("", [], id="9110-5.6.1 nothing"),
        pytest.param("a", ["a"], id="9110-5.6.1 one"),
        pytest.param("a,b ,\tc", ["a", "b", "c"], id="9110-5.6.1 blanks"),
        pytest.param(",a,, ,b,", ["a", "b"], id="9110-5.6.1 empty members"),
        pytest.param('a="x,y", b', ['a="x,y"', "b"], id="9110-5.6.4 a comma in quotes"),
        pytest.param(r'a="x\",y", b', [r'a="x\",y"', "b"], id="9110-5.6.4 an escaped quote"),
        pytest.param('a="x, b', ['a="x', "b"], id="9110-5.6.4 a quote never closed hides nothing"),
        pytest.param('a="x,y" "z, b', ['a="x,y" "z', "b"], id="9110-5.6.4 the second quote never closed"),
    ],
)
def test_list_members(text: str, members: list[str]) -> None:
    assert list_members(text) == members


def test_long_unclosed_quotes_take_linear_time() -> None:
    assert len(list_members('"\\' * 100_000 + ",")) == 1


@pytest.mark.parametrize(
    ("text", "content"),
    [
        pytest.param('"a b"', "a b", id="9110-5.6.4 plain"),
        pytest.param(r'"a\"b\\c"', 'a"b\\c', id="9110-5.6.4 escapes"),
        pytest.param('""', "", id="9110-5.6.4 empty"),
        pytest.param("a", None, id="9110-5.6.4 not quoted"),
        pytest.param('"a', None, id="9110-5.6.4 not closed"),
        pytest.param('"a"b"', None, id="9110-5.6.4 a quote inside"),
    ],
)
def test_unquoted(text: str, content: str | None) -> None:
    assert unquoted(text) == content


def test_tokens_are_lower_case() -> None:
    assert tokens("Keep-Alive, X-A") == {"keep-alive", "x-a"}
    assert tokens(None) == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "strongly", "weakly"),
    [
        pytest.param('W/"1"', 'W/"1"', False, True, id="9110-8.8.3.2 both weak"),
        pytest.param('W/"1"', 'W/"2"', False, False, id="9110-8.8.3.2 weak and different"),
        pytest.param('W/"1"', '"1"', False, True, id="9110-8.8.3.2 one weak"),
        pytest.param('"1"', '"1"', True, True, id="9110-8.8.3.2 strong"),
    ],
)
def test_comparison_of_entity_tags(one: str, other: str, *, strongly: bool, weakly: bool) -> None:
    assert strongly_equal(one, other) is strongly
    assert weakly_equal(one, other) is weakly


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        pytest.param("application/json", True, id="plain"),
        pytest.param("Application/JSON; charset=utf-8", True, id="case and parameters"),
        pytest.param("application/problem+json", True, id="6839-3.1 suffix"),
        pytest.param("application/json , text/html", False, id="two types"),
        pytest.param("text/html, a/b+json", False, id="two types, the suffix last"),
        pytest.param("text/json5", False, id="another type"),
        pytest.param("text/html", False, id="html"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="absent"),
    ],
)
def test_is_json(text: str | None, *, is_it: bool) -> None:
    assert is_json(text) is is_it


def test_media_type_of_nothing_is_empty() -> None:
    assert media_type(None) == ""


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        pytest.param(None, None, id="12.5.3 absent stays absent"),
        pytest.param("gzip, deflate, br, zstd", "br, deflate, gzip, zstd", id="12.5.3 sorted"),
        pytest.param("GZIP;q=0.5,br", "br, gzip", id="12.5.3 case and weights"),
        pytest.param("gzip;q=0, br", "br", id="12.5.3 weight zero"),
        pytest.param("gzip; q=0.000", "identity", id="12.5.3 all zeros"),
        pytest.param("x-gzip", "gzip", id="8.4.1.3 the old name"),
        pytest.param("compress, foo", "identity", id="12.5.3 nothing known"),
        pytest.param("", "identity", id="12.5.3 empty"),
        pytest.param("identity", "identity", id="12.5.3 identity"),
        pytest.param("*", "br, deflate, gzip, zstd", id="12.5.3 anything"),
        pytest.param("br;q=0, *", "deflate, gzip, zstd", id="12.5.3 anything but"),
        pytest.param("*;q=0", "identity", id="12.5.3 nothing else"),
    ],
)
def test_accept_encoding_is_normalised(text: str | None, normal: str | None) -> None:
    assert normalised_codings(text) == normal
