"""RFC 9111 §4.1: which requests a stored response is for, and which of several answers."""

import pytest

from proxy.policy.disposition import Forward, ForwardReason, NotStored, NotStoredReason, Reuse, Storable
from proxy.policy.field_values import format_http_date
from proxy.policy.messages import Fields, RequestHead, StoredResponse, Timing
from proxy.policy.reuse import choose
from proxy.policy.route import KeyRule, RoutePolicy
from tests.support.builders import T0
from tests.support.policy import a_head, a_route, assessed, stored_as

Lines = tuple[tuple[str, str], ...]
FRESH = ("Cache-Control", "max-age=60")
ROUTE = a_route()


def asking(*lines: tuple[str, str]) -> RequestHead:
    return RequestHead("GET", "/a", Fields(lines))


def vary(*values: str) -> Lines:
    return tuple(("Vary", value) for value in values)


def kept(varies: Lines, asker: Lines, route: RoutePolicy = ROUTE, after: float = 0.0) -> StoredResponse:
    head = a_head((FRESH, ("Date", format_http_date(T0 + after)), *varies))
    return stored_as(head, route, asking(*asker), timing=Timing(T0 + after, T0 + after))


@pytest.mark.parametrize(
    ("varies", "one", "other", "reused"),
    [
        pytest.param((), (("A", "1"),), (("A", "2"),), True, id="4.1 no Vary"),
        pytest.param(vary(""), (("A", "1"),), (("A", "2"),), True, id="4.1 an empty Vary names nothing"),
        pytest.param(vary(" , "), (("A", "1"),), (("A", "2"),), True, id="9110-5.6.1 nor do empty members"),
        pytest.param(vary("A"), (("A", "1"),), (("A", "1"),), True, id="4.1 the same"),
        pytest.param(vary("A"), (("A", "1"),), (("A", "2"),), False, id="4.1 another"),
        pytest.param(vary("A"), (("A", "1"),), (), False, id="4.1 absent where it was there"),
        pytest.param(vary("A"), (), (("A", "1"),), False, id="4.1 there where it was absent"),
        pytest.param(vary("A"), (), (), True, id="4.1 absent in both"),
        pytest.param(vary("A"), (("A", ""),), (), False, id="4.1 empty is not absent"),
        pytest.param(vary("A"), (("A", ""),), (("A", ""),), True, id="4.1 empty in both"),
        pytest.param(vary("A"), (("B", "1"),), (("B", "2"),), True, id="4.1 fields that it does not name"),
        pytest.param(vary("a"), (("A", "1"),), (("a", "1"),), True, id="9110-5.1 names in any case"),
        pytest.param(
            vary("A, B"), (("A", "1"), ("B", "1")), (("B", "1"), ("A", "1")), True, id="4.1 two, in any order"
        ),
        pytest.param(vary("A, B"), (("A", "1"), ("B", "1")), (("A", "1"), ("B", "2")), False, id="4.1 one of two"),
        pytest.param(vary("A", "B"), (("A", "1"), ("B", "1")), (("A", "1"), ("B", "2")), False, id="4.1 two lines"),
        pytest.param(vary("A,,B"), (("B", "1"),), (("B", "2"),), False, id="9110-5.6.1 empty members between"),
        pytest.param(vary("\tA\t"), (("A", "1"),), (("A", "2"),), False, id="9110-5.6.3 tabs"),
        pytest.param(vary("A"), (("A", "1"), ("A", "2")), (("A", "1, 2"),), True, id="9110-5.3 lines are joined"),
        pytest.param(vary("A"), (("A", "1,2"),), (("A", "1"), ("A", "2")), True, id="9110-5.3 and the other way"),
        pytest.param(vary("A"), (("A", "1, 2"),), (("A", "2, 1"),), False, id="4.1 order may mean something"),
        pytest.param(vary("A"), (("A", "1"),), (("A", "1, 1"),), False, id="4.1 so may number"),
        pytest.param(vary("A"), (("A", "1, 2"),), (("A", "1 ,\t2"),), True, id="4.1 blanks around commas"),
        pytest.param(vary("A"), (("A", "x y"),), (("A", "x  y"),), False, id="4.1 blanks elsewhere"),
        pytest.param(vary("A"), (("A", "x"),), (("A", "X"),), False, id="4.1 case, where nothing allows"),
        pytest.param(
            vary("Accept-Language"),
            (("Accept-Language", "en, de"),),
            (("Accept-Language", "EN,de"),),
            True,
            id="9110-12.5.4",
        ),
        pytest.param(
            vary("Accept-Language"),
            (("Accept-Language", "en, de"),),
            (("Accept-Language", "de, en"),),
            True,
            id="9110-12.5.4 their order",
        ),
        pytest.param(
            vary("Accept-Language"),
            (("Accept-Language", "en;q=0.50, de;q=1.0"),),
            (("Accept-Language", "de, EN ; q=0.5"),),
            True,
            id="9110-12.4.2 their weights",
        ),
        pytest.param(
            vary("Accept-Language"),
            (("Accept-Language", "en;q=0.5, de"),),
            (("Accept-Language", "en, de;q=0.5"),),
            False,
            id="9110-12.4.2 other weights",
        ),
        pytest.param(
            vary("Accept-Language"),
            (("Accept-Language", "en, de;x"),),
            (("Accept-Language", "de;x, en"),),
            False,
            id="9110-12.5.4 malformed ones as they come",
        ),
        pytest.param(
            vary("Accept-Encoding"),
            (("Accept-Encoding", "gzip, br"),),
            (("Accept-Encoding", "BR,GZIP"),),
            True,
            id="12.5.3",
        ),
        pytest.param(
            vary("Accept-Encoding"),
            (("Accept-Encoding", "gzip"),),
            (("Accept-Encoding", "gzip;q=0"),),
            False,
            id="12.5.3 0",
        ),
        pytest.param(vary("Accept-Encoding"), (("Accept-Encoding", "gzip"),), (), False, id="9110-12.5.3 absent"),
        pytest.param(
            vary("User-Agent"),
            (("User-Agent", "a, b"),),
            (("User-Agent", "a,b"),),
            False,
            id="4.1 a comma inside a value",
        ),
        pytest.param(
            vary("Accept"),
            (("Accept", 'a;x="1, 2"'),),
            (("Accept", 'a;x="1,2"'),),
            False,
            id="4.1 blanks inside quotes",
        ),
        pytest.param(vary("Host"), (("Host", "a"),), (("Host", "b"),), False, id="4.1 any field, Host too"),
    ],
)
def test_who_else_gets_it(varies: Lines, one: Lines, other: Lines, *, reused: bool) -> None:
    decision = choose(asking(*other), [kept(varies, one)], ROUTE, T0 + 1)
    assert isinstance(decision, Reuse) is reused
    if not reused:
        assert decision == Forward(ForwardReason.VARY_MISS)


@pytest.mark.parametrize(
    "varies",
    [
        pytest.param(vary("*"), id="4.1 alone"),
        pytest.param(vary(" *\t"), id="4.1 with blanks"),
        pytest.param(vary("A, *"), id="4.1 last"),
        pytest.param(vary("*, A"), id="4.1 first"),
        pytest.param(vary("A,*,B"), id="4.1 between"),
        pytest.param(vary(",*,"), id="4.1 among empty members"),
        pytest.param(vary("A", "*"), id="4.1 on another line"),
        pytest.param(vary("*", "*"), id="4.1 twice"),
        pytest.param(vary("A B"), id="9110-12.5.5 two names without a comma: which fields select is not known"),
        pytest.param(vary("A", "B;c"), id="9110-12.5.5 what is no name, on another line"),
        pytest.param(vary('"*"'), id="9110-12.5.5 a star in quotes is no name"),
    ],
)
def test_a_star_matches_nobody(varies: Lines) -> None:
    assert assessed(a_head((FRESH, *varies))) == NotStored(NotStoredReason.VARY_STAR)


@pytest.mark.parametrize("varies", [vary("*a"), vary("a*")])
def test_a_star_inside_a_name_is_none(varies: Lines) -> None:
    assert isinstance(assessed(a_head((FRESH, *varies))), Storable)


# Several ------------------------------------------------------------------------------------------------------------

ONE, OTHER = (("A", "1"),), (("A", "2"),)
A1, A2 = kept(vary("A"), ONE), kept(vary("A"), OTHER)
A1_LATER = kept(vary("A"), ONE, after=10)
BARE, BARE_LATER = kept((), ()), kept((), (), after=10)
AB = kept(vary("A, B"), (*ONE, ("B", "1")), after=5)


@pytest.mark.parametrize(
    ("candidates", "request_lines", "best"),
    [
        pytest.param((A1, A2), ONE, A1, id="4.1 the first of two"),
        pytest.param((A1, A2), OTHER, A2, id="4.1 the second of two"),
        pytest.param((A2, A1), ONE, A1, id="4.1 wherever it stands"),
        pytest.param((A1, A1_LATER), ONE, A1_LATER, id="4 the most recent"),
        pytest.param((A1_LATER, A1), ONE, A1_LATER, id="4 the most recent, wherever it stands"),
        pytest.param((A1_LATER, AB), (*ONE, ("B", "1")), A1_LATER, id="4 the most recent of different Varys"),
        pytest.param((A1, AB), (*ONE, ("B", "1")), AB, id="4 the most recent, that names more"),
        pytest.param((A1, AB), (*ONE, ("B", "2")), A1, id="4.1 only one of them matches"),
        pytest.param((A1, BARE), ONE, A1, id="4.1 one with Vary before one without"),
        pytest.param((A1, BARE_LATER), ONE, A1, id="4.1 be that more recent"),
        pytest.param((A1, BARE), (), BARE, id="4.1 one without where no other matches"),
        pytest.param((A1, BARE), OTHER, BARE, id="4.1 whatever is asked"),
        pytest.param((BARE, BARE_LATER), ONE, BARE_LATER, id="4 the most recent without Vary"),
    ],
)
def test_which_of_several(candidates: tuple[StoredResponse, ...], request_lines: Lines, best: StoredResponse) -> None:
    decision = choose(asking(*request_lines), candidates, ROUTE, T0 + 11)
    assert isinstance(decision, Reuse)
    assert decision.stored is best


def test_none_of_several() -> None:
    assert choose(asking(("A", "3")), (A1, A2), ROUTE, T0 + 1) == Forward(ForwardReason.VARY_MISS)


def test_the_routes_own_fields_select_without_vary() -> None:
    route = a_route(key=KeyRule(fields=("a",)))
    stored = kept((), ONE, route)
    assert isinstance(choose(asking(*ONE), [stored], route, T0), Reuse)
    assert choose(asking(*OTHER), [stored], route, T0) == Forward(ForwardReason.VARY_MISS)


def test_cookies_that_are_ignored_still_select_where_vary_names_them() -> None:
    route = a_route(cookies_ignored=True)
    stored = kept(vary("Cookie"), (("Cookie", "a=1"),), route)
    assert isinstance(choose(asking(("Cookie", "a=1")), [stored], route, T0), Reuse)
    assert choose(asking(("Cookie", "a=2")), [stored], route, T0) == Forward(ForwardReason.VARY_MISS)
    assert choose(asking(), [stored], route, T0) == Forward(ForwardReason.VARY_MISS)
