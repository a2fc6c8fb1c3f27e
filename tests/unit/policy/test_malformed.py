"""RFC 9111 §4.2.1, §5: what becomes of freshness that is malformed, doubled or in conflict. From fields to seconds."""

import pytest

from proxy.policy.field_values import age_value, http_date
from proxy.policy.freshness import freshness_left
from proxy.policy.messages import Timing
from tests.support.builders import T0
from tests.support.policy import a_head, a_route, stored_as

Lines = tuple[tuple[str, str], ...]

NOW = "Tue, 14 Nov 2023 22:13:20 GMT"  # T0
LATER = "Tue, 14 Nov 2023 22:14:20 GMT"  # a minute later
ROUTE = a_route(statuses=None)


def left(*lines: tuple[str, str], timing: Timing = Timing(T0, T0)) -> float:  # noqa: B008 - an immutable value
    """Seconds of freshness left on arrival."""
    return freshness_left(stored_as(a_head(lines), ROUTE, timing=timing), T0)


def cc(*values: str) -> Lines:
    return tuple(("Cache-Control", value) for value in values)


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        # delta-seconds
        pytest.param(cc("max-age=60"), 60, id="5.2.2.1 max-age"),
        pytest.param(cc("max-age=0060"), 60, id="1.2.2 leading zeros"),
        pytest.param(cc("max-age=2147483648"), 2**31, id="1.2.2 2^31"),
        pytest.param(cc("max-age=99999999999999999999"), 2**31, id="1.2.2 beyond any"),
        pytest.param(cc("max-age=-60"), 0, id="4.2.1 negative"),
        pytest.param(cc("max-age=+60"), 0, id="4.2.1 signed"),
        pytest.param(cc("max-age=60.0"), 0, id="4.2.1 a fraction, though whole"),
        pytest.param(cc("max-age=6e1"), 0, id="4.2.1 an exponent"),
        pytest.param(cc("max-age=0x3c"), 0, id="4.2.1 hexadecimal"),
        pytest.param(cc("max-age=60s"), 0, id="4.2.1 a unit"),
        pytest.param(cc("max-age=a60"), 0, id="4.2.1 a letter in front"),
        pytest.param(cc("max-age=60;x=1"), 0, id="4.2.1 a parameter"),
        pytest.param(cc("max-age=60 60"), 0, id="4.2.1 two numbers"),
        pytest.param(cc("max-age"), 0, id="4.2.1 no argument"),
        pytest.param(cc("max-age="), 0, id="4.2.1 an empty argument"),
        pytest.param(cc('max-age=""'), 0, id="4.2.1 an empty string"),
        pytest.param(cc("max-age==60"), 0, id="4.2.1 two signs"),
        pytest.param(cc("max-age:60"), 0, id="4.2.1 a colon"),
        pytest.param(cc("s-maxage=x, max-age=60"), 0, id="4.2.1 invalid s-maxage beside a good max-age"),
        pytest.param(cc("max-age=x, s-maxage=60"), 60, id="5.2.2.10 a good s-maxage beside an invalid max-age"),
        pytest.param((*cc("max-age=x"), ("Expires", LATER)), 0, id="5.3 invalid max-age and a good Expires"),
        # quoted forms
        pytest.param(cc('max-age="60"'), 60, id="5.2 quoted"),
        pytest.param(cc('s-maxage="60"'), 60, id="5.2 s-maxage quoted"),
        pytest.param(cc('max-age="6\\0"'), 60, id="9110-5.6.4 escaped"),
        pytest.param(cc('max-age=" 60"'), 0, id="4.2.1 a blank inside quotes"),
        pytest.param(cc("max-age='60'"), 0, id="9110-5.6.4 single quotes are none"),
        pytest.param(cc('max-age="60'), 0, id="9110-5.6.4 an open quote"),
        pytest.param(cc('x="max-age=5", max-age=60'), 60, id="9110-5.6.4 inside another's quotes"),
        pytest.param(cc('x="a, max-age=5", max-age=60'), 60, id="9110-5.6.4 behind a comma in quotes"),
        pytest.param(cc('x="\\", max-age=5", max-age=60'), 60, id="9110-5.6.4 behind an escaped quote"),
        # names, lists, blanks
        pytest.param(cc("MaX-aGe=60"), 60, id="5.2 names in any case"),
        pytest.param(cc("S-MAXAGE=60"), 60, id="5.2 s-maxage in any case"),
        pytest.param(cc("max_age=5, max-age=60"), 60, id="5.2.3 a similar name is a stranger"),
        pytest.param(cc("xmax-age=5, max-agex=5, max-age=60"), 60, id="5.2.3 so are longer ones"),
        pytest.param(cc(",, max-age=60 ,,"), 60, id="9110-5.6.1 empty members"),
        pytest.param(cc("\tmax-age=60\t,\tpublic"), 60, id="9110-5.6.3 tabs"),
        pytest.param(cc("public,max-age=60"), 60, id="9110-5.6.1 no blanks"),
        pytest.param(cc("max-age =60"), 0, id="5.2 a blank before ="),
        pytest.param(cc("max-age\t=60"), 0, id="5.2 a tab before ="),
        pytest.param(cc("max-age= 60"), 0, id="5.2 a blank after ="),
        pytest.param(cc("public; max-age=60", "max-age=60"), 60, id="5.2 semicolons separate nothing"),
        # doubled and in conflict
        pytest.param(cc("max-age=60, max-age=60"), 60, id="4.2.1 the same twice"),
        pytest.param(cc("max-age=60, max-age=5"), 5, id="4.2.1 two: the stricter"),
        pytest.param(cc("max-age=5, max-age=60"), 5, id="4.2.1 two the other way: the stricter"),
        pytest.param(cc("max-age=60", "max-age=5"), 5, id="4.2.1 on two lines"),
        pytest.param(cc("max-age=60", "max-age=x"), 0, id="4.2.1 one of them invalid"),
        pytest.param(cc("s-maxage=5, s-maxage=60"), 5, id="4.2.1 s-maxage twice"),
        pytest.param(cc("s-maxage=0, max-age=60"), 0, id="5.2.2.10 s-maxage=0"),
        pytest.param(cc("max-age=60, s-maxage=90"), 90, id="5.2.2.10 s-maxage wins for a shared cache"),
        pytest.param((*cc("public"), ("Expires", LATER)), 60, id="5.3 Expires beside other directives"),
        pytest.param((*cc(""), ("Expires", LATER)), 60, id="5.3 Expires beside an empty one"),
        pytest.param((*cc("max-age=5"), ("Expires", LATER)), 5, id="5.3 max-age before Expires"),
        pytest.param((*cc("max-age=60"), ("Expires", "0")), 60, id="5.3 even before one in the past"),
        pytest.param((*cc("s-maxage=5"), ("Expires", LATER)), 5, id="5.3 s-maxage before Expires"),
        # Pragma, Warning
        pytest.param((*cc("max-age=60"), ("Pragma", "no-cache")), 60, id="5.4 Pragma in a response"),
        pytest.param((*cc("max-age=60"), ("Warning", '110 - "stale"')), 60, id="5.5 Warning says nothing"),
    ],
)
def test_directives(lines: Lines, seconds: float) -> None:
    assert left(*lines) == seconds


DATE = ("Date", NOW)


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        pytest.param((DATE, ("Expires", LATER)), 60, id="5.3 Expires"),
        pytest.param((("Expires", LATER),), 60, id="9110-6.6.1 no Date"),
        pytest.param((("Date", ""), ("Expires", LATER)), 60, id="9110-6.6.1 an empty Date"),
        pytest.param((("Date", "x"), ("Expires", LATER)), 60, id="9110-6.6.1 an invalid Date"),
        pytest.param((DATE, DATE, ("Expires", LATER)), 60, id="9110-5.3 two Dates are none"),
        pytest.param((DATE, ("Expires", NOW)), 0, id="5.3 the same as Date"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:13:19 GMT")), 0, id="5.3 before Date"),
        pytest.param((DATE, ("Expires", "0")), 0, id="5.3 nought"),
        pytest.param((DATE, ("Expires", "-1")), 0, id="5.3 minus one"),
        pytest.param((DATE, ("Expires", "")), 0, id="5.3 empty"),
        pytest.param((DATE, ("Expires", "never")), 0, id="5.3 a word"),
        pytest.param((DATE, ("Expires", "1700000060")), 0, id="5.3 seconds"),
        pytest.param((DATE, ("Expires", "2023-11-14T22:14:20Z")), 0, id="9110-5.6.7 ISO 8601"),
        pytest.param((DATE, ("Expires", f'"{LATER}"')), 0, id="9110-5.6.7 quoted"),
        pytest.param((DATE, ("Expires", LATER), ("Expires", LATER)), 0, id="4.2.1 two lines are stale"),
        pytest.param((DATE, ("Expires", f"{LATER}, {LATER}")), 0, id="4.2.1 so are two in one"),
        pytest.param((DATE, ("Expires", "0"), ("Expires", LATER)), 0, id="4.2.1 one of two invalid"),
        pytest.param((DATE, ("Expires", LATER.lower())), 60, id="4.2 in lower case"),
        pytest.param((DATE, ("Expires", LATER.upper())), 60, id="4.2 in upper case"),
        pytest.param((DATE, ("Expires", "Tue, 14 nOv 2023 22:14:20 GMT")), 60, id="4.2 the month in any case"),
        pytest.param((DATE, ("Expires", "tUe, 14 Nov 2023 22:14:20 GMT")), 60, id="4.2 the day in any case"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:14:20 gmt")), 60, id="4.2 the zone in any case"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:14:20 UTC")), 0, id="4.2 another zone's name"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 23:14:20 CET")), 0, id="4.2 a local zone"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:14:20 Z")), 0, id="4.2 a letter for a zone"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:14:20 +0000")), 0, id="4.2 an offset"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:14:20")), 0, id="4.2 no zone"),
        pytest.param((DATE, ("Expires", "Tuesday, 14-Nov-23 22:14:20 GMT")), 60, id="9110-5.6.7 RFC 850"),
        pytest.param((DATE, ("Expires", "Tue Nov 14 22:14:20 2023")), 60, id="9110-5.6.7 asctime"),
        pytest.param((DATE, ("Expires", "Tue Nov 14 22:14:20 2023 GMT")), 0, id="9110-5.6.7 asctime has no zone"),
        pytest.param((DATE, ("Expires", "Wed, 14 Nov 2023 22:14:20 GMT")), 60, id="9110-5.6.7 another day's name"),
        pytest.param((DATE, ("Expires", "Thu, 30 Feb 2099 22:14:20 GMT")), 0, id="9110-5.6.7 no such day"),
        pytest.param((DATE, ("Expires", "Wed, 29 Feb 2023 22:14:20 GMT")), 0, id="9110-5.6.7 no leap year"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:60:20 GMT")), 0, id="9110-5.6.7 no such minute"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22:13:60 GMT")), 40, id="9110-5.6.7 a leap second"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023  22:14:20 GMT")), 0, id="9110-5.6.7 two blanks"),
        pytest.param((DATE, ("Expires", "Tue 14 Nov 2023 22:14:20 GMT")), 0, id="9110-5.6.7 no comma"),
        pytest.param((DATE, ("Expires", "Tue,14 Nov 2023 22:14:20 GMT")), 0, id="9110-5.6.7 no blank"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 23 22:14:20 GMT")), 0, id="9110-5.6.7 two digits"),
        pytest.param((DATE, ("Expires", "Tue, 14-Nov-2023 22:14:20 GMT")), 0, id="9110-5.6.7 dashes"),
        pytest.param((DATE, ("Expires", "Tue, 14 Nov 2023 22.14.20 GMT")), 0, id="9110-5.6.7 dots"),
        pytest.param((DATE, ("Expires", "Fri, 31 Dec 9999 23:59:59 GMT")), 253_402_300_799 - T0, id="5.3 far away"),
    ],
)
def test_dates(lines: Lines, seconds: float) -> None:
    assert left(*lines) == seconds


FOR_100 = ("Cache-Control", "max-age=100")


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        pytest.param((("Age", "30"),), 70, id="5.1 Age"),
        pytest.param((("Age", "030"),), 70, id="1.2.2 leading zeros"),
        pytest.param((("Age", "0"),), 100, id="5.1 nought"),
        pytest.param((("Age", "100"),), 0, id="4.2 as old as fresh"),
        pytest.param((("Age", "30, 90"),), 70, id="5.1 the first of two"),
        pytest.param((("Age", "30"), ("Age", "90")), 70, id="5.1 the first of two lines"),
        pytest.param((("Age", "90"), ("Age", "30")), 10, id="5.1 the first, be it the older"),
        pytest.param((("Age", ", 30"),), 70, id="9110-5.6.1 behind an empty member"),
        pytest.param((("Age", ""),), 100, id="5.1 empty is ignored"),
        pytest.param((("Age", "x"),), 100, id="5.1 a word is ignored"),
        pytest.param((("Age", "x, 90"),), 100, id="5.1 with what follows"),
        pytest.param((("Age", "-30"),), 100, id="5.1 negative is ignored"),
        pytest.param((("Age", "30.5"),), 100, id="5.1 a fraction is ignored"),
        pytest.param((("Age", "30;x=1"),), 100, id="5.1 a parameter is ignored, and it with it"),
        pytest.param((("Age", '"30"'),), 100, id="5.1 quoted is ignored"),
        pytest.param((("Age", "30 90"),), 100, id="5.1 two numbers are ignored"),
        pytest.param((("Age", "0x1e"),), 100, id="5.1 hexadecimal is ignored"),
        pytest.param((("Age", "99999999999999"),), 100 - 2**31, id="1.2.2 beyond any"),
        pytest.param((("Date", "Tue, 14 Nov 2023 22:12:50 GMT"),), 70, id="4.2.3 apparent age"),
        pytest.param((("Date", "Tue, 14 Nov 2023 22:13:50 GMT"),), 100, id="4.2.3 a Date in the future"),
        pytest.param((("Date", "Tue, 14 Nov 2023 22:12:50 GMT"), ("Age", "40")), 60, id="4.2.3 the larger: Age"),
        pytest.param((("Date", "Tue, 14 Nov 2023 22:12:50 GMT"), ("Age", "20")), 70, id="4.2.3 the larger: Date"),
        pytest.param(
            (("Date", "Tue, 14 Nov 2023 22:12:50 GMT"), ("Age", "x")), 70, id="4.2.3 an invalid Age beside it"
        ),
    ],
)
def test_ages(lines: Lines, seconds: float) -> None:
    assert left(FOR_100, *lines) == seconds


def test_the_time_a_response_took_is_age() -> None:
    assert left(FOR_100, ("Age", "30"), timing=Timing(T0 - 5, T0)) == 65
    assert left(FOR_100, timing=Timing(T0 - 5, T0)) == 95


@pytest.mark.parametrize("text", ["30", " 30", "30 ,x", ",,30", "\t30\t, 1"])
def test_the_first_member_is_without_its_blanks(text: str) -> None:
    assert age_value(text) == 30


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        pytest.param(
            "Tuesday, 14-Nov-73 22:13:20 GMT", "Tue, 14 Nov 2073 22:13:20 GMT", id="fifty years to the second"
        ),
        pytest.param("Tuesday, 14-Nov-73 22:13:21 GMT", "Wed, 14 Nov 1973 22:13:21 GMT", id="a second more: the past"),
        pytest.param("Friday, 15-Nov-73 00:00:00 GMT", "Thu, 15 Nov 1973 00:00:00 GMT", id="a day more"),
        pytest.param("Friday, 01-Dec-73 00:00:00 GMT", "Sat, 01 Dec 1973 00:00:00 GMT", id="a month more"),
        pytest.param("Friday, 31-Dec-72 23:59:59 GMT", "Sat, 31 Dec 2072 23:59:59 GMT", id="less"),
        pytest.param("Friday, 01-Jan-74 00:00:00 GMT", "Tue, 01 Jan 1974 00:00:00 GMT", id="the next year"),
        pytest.param("Friday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT", id="the turn of the century"),
        pytest.param("Friday, 29-Feb-00 00:00:00 GMT", "Tue, 29 Feb 2000 00:00:00 GMT", id="a leap day"),
    ],
)
def test_two_digit_years_to_the_second(text: str, normal: str) -> None:
    assert http_date(text, T0) == http_date(normal, T0)
    assert http_date(text, T0) is not None
