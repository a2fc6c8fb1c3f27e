"""RFC 9111 §3, §3.5, §5.2.2, RFC 9110 §15: which response is stored at all, whose it is, and which fields of it."""

from typing import Any

import pytest

from proxy.policy.disposition import NotStored, NotStoredReason, Reuse, Storable
from proxy.policy.messages import Fields
from proxy.policy.reuse import KEPT_FOR_VALIDATION, choose, keep_for
from tests.support.builders import T0, a_request
from tests.support.policy import a_head, a_route, assessed, stored_as

R = NotStoredReason
HTML = ("Content-Type", "text/html")
ALL = a_route(statuses=None)
Lines = tuple[tuple[str, str], ...]


def cc(value: str, *more: tuple[str, str]) -> Lines:
    return (HTML, ("Cache-Control", value), *more)


# Statuses -----------------------------------------------------------------------------------------------------------

FINAL = (200, 201, 202, 203, 204, 205, 226, 299, 300, 301, 302, 303, 305, 307, 308, 399, 400, 401, 402, 403, 404)
FINAL_ERRORS = (405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 418, 421, 422, 451, 499, 500, 501, 502, 503, 504)


@pytest.mark.parametrize("status", [*FINAL, *FINAL_ERRORS, 505, 507, 599, 600, 999])
def test_every_final_status_with_explicit_freshness(status: int) -> None:
    for lines in (cc("max-age=60"), cc("s-maxage=60"), (HTML, ("Expires", "Fri, 31 Dec 9999 23:59:59 GMT"))):
        assert stored_as(a_head(lines, status), ALL).freshness_lifetime >= 60


@pytest.mark.parametrize("status", [100, 101, 103, 199])
def test_no_interim_status(status: int) -> None:
    assert assessed(a_head(cc("max-age=60"), status), ALL) == NotStored(R.STATUS)


@pytest.mark.parametrize("status", [428, 429, 431, 511])
def test_statuses_that_no_cache_may_store(status: int) -> None:
    head = a_head(cc("max-age=60, public"), status)
    assert assessed(head, ALL) == NotStored(R.STATUS, shared=True)
    assert isinstance(assessed(head, a_route(statuses=frozenset({status}))), Storable)


@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        pytest.param("max-age=60, must-understand", 200, None, id="5.2.2.3 a status that is understood"),
        pytest.param("max-age=60, must-understand", 404, None, id="5.2.2.3 an error that is"),
        pytest.param("max-age=60, must-understand", 503, None, id="5.2.2.3 the upstream's that is"),
        pytest.param("max-age=60, must-understand", 299, R.STATUS, id="5.2.2.3 one that is not"),
        pytest.param("max-age=60, must-understand", 499, R.STATUS, id="5.2.2.3 an error that is not"),
        pytest.param("max-age=60, must-understand", 599, R.STATUS, id="5.2.2.3 the upstream's that is not"),
        pytest.param("max-age=60, must-understand, no-store", 200, None, id="5.2.2.3 lifts no-store"),
        pytest.param("no-store, max-age=60, must-understand", 200, None, id="5.2.2.3 in any order"),
        pytest.param(
            "max-age=60, must-understand, no-store", 299, R.NO_STORE, id="5.2.2.3 not where it is not understood"
        ),
        pytest.param("max-age=60, MUST-UNDERSTAND, No-Store", 200, None, id="5.2 in any case"),
        pytest.param("max-age=60, must-understand, private", 200, R.PRIVATE, id="5.2.2.7 and nothing else"),
        pytest.param("must-understand, no-store", 200, R.CONTENT_TYPE, id="3 it is no lifetime"),
        pytest.param("max-age=60, no-store", 200, R.NO_STORE, id="5.2.2.5 no-store without it"),
    ],
)
def test_must_understand(value: str, status: int, reason: R | None) -> None:
    decision = assessed(a_head(cc(value), status), ALL)
    assert (decision.reason if isinstance(decision, NotStored) else None) == reason
    assert isinstance(decision, Storable | NotStored)


# Whose it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        pytest.param("max-age=60", False, id="3.5 nothing said"),
        pytest.param("public, max-age=60", True, id="3.5 public"),
        pytest.param("PUBLIC, max-age=60", True, id="3.5 public in any case"),
        pytest.param("must-revalidate, max-age=60", True, id="3.5 must-revalidate"),
        pytest.param("s-maxage=60", True, id="3.5 s-maxage"),
        pytest.param("s-maxage=0, max-age=60", True, id="3.5 s-maxage=0: to be validated"),
        pytest.param("proxy-revalidate, max-age=60", False, id="5.2.2.8 proxy-revalidate is no leave"),
        pytest.param("no-cache, max-age=60", False, id="5.2.2.4 nor is no-cache"),
        pytest.param("immutable, max-age=60", False, id="8246 nor immutable"),
        pytest.param("must-understand, max-age=60", False, id="5.2.2.3 nor must-understand"),
        pytest.param("public, private, max-age=60", False, id="5.2.2.7 private beats public"),
        pytest.param("public, no-store, max-age=60", False, id="5.2.2.5 no-store beats public"),
        pytest.param('x="public", max-age=60', False, id="9110-5.6.4 not inside quotes"),
    ],
)
def test_answers_to_credentials(value: str, *, is_kept: bool) -> None:
    asker = a_request(lines={"Authorization": "one"})
    decision = assessed(a_head(cc(value)), ALL, asker)
    assert isinstance(decision, Storable) is is_kept
    if isinstance(decision, Storable) and decision.stored.freshness_lifetime:
        for lines in ({}, {"Authorization": "one"}, {"Authorization": "two"}):
            assert isinstance(choose(a_request(lines=lines), [decision.stored], ALL, T0), Reuse)


@pytest.mark.parametrize("value", ["max-age=60", "proxy-revalidate, max-age=60", "immutable, max-age=60"])
def test_what_credentials_may_not_reuse(value: str) -> None:
    stored = stored_as(a_head(cc(value)))
    assert isinstance(choose(a_request(), [stored], ALL, T0), Reuse)
    assert not isinstance(choose(a_request(lines={"Authorization": "x"}), [stored], ALL, T0), Reuse)


@pytest.mark.parametrize(
    ("value", "settings", "reason"),
    [
        pytest.param("max-age=60", {}, R.SET_COOKIE, id="7.3 not by default"),
        pytest.param("public, max-age=60", {}, R.SET_COOKIE, id="7.3 public changes nothing of that"),
        pytest.param("max-age=60", {"store_set_cookie": True}, None, id="7.3 where the route says so"),
        pytest.param("s-maxage=60", {"store_set_cookie": True}, None, id="7.3 by s-maxage"),
        pytest.param("foo", {"store_set_cookie": True, "ttl": 60.0}, R.CONTENT_TYPE, id="7.3 not a silent one"),
        pytest.param("private, max-age=60", {"store_set_cookie": True}, R.PRIVATE, id="5.2.2.7 private"),
    ],
)
def test_answers_that_set_a_cookie(value: str, settings: dict[str, Any], reason: R | None) -> None:
    decision = assessed(a_head(cc(value, ("Set-Cookie", "a=1"))), a_route(**settings))
    assert (decision.reason if isinstance(decision, NotStored) else None) == reason


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param('max-age=60, private="x-a"', "x-b x-c", id="5.2.2.7 one"),
        pytest.param('max-age=60, private="x-a, x-b"', "x-c", id="5.2.2.7 two"),
        pytest.param('max-age=60, private="X-A,X-B"', "x-c", id="5.2.2.7 in any case"),
        pytest.param('max-age=60, private="x-a", private="x-c"', "x-b", id="5.2.2.7 twice"),
        pytest.param('max-age=60, no-cache="x-a"', "x-b x-c", id="5.2.2.4 one"),
        pytest.param('max-age=60, no-cache="x-a\t,\tx-b"', "x-c", id="5.2.2.4 tabs"),
        pytest.param('max-age=60, no-cache="x-a", private="x-b"', "x-c", id="5.2.2.4 and 5.2.2.7"),
        pytest.param('max-age=60, no-cache="x-d"', "x-a x-b x-c", id="5.2.2.4 one that is not there"),
    ],
)
def test_fields_that_are_not_kept(value: str, kept: str) -> None:
    head = a_head(cc(value, ("X-A", "1"), ("X-B", "1"), ("X-C", "1")))
    fields = stored_as(head).fields
    assert " ".join(name for name in ("x-a", "x-b", "x-c") if name in fields) == kept


def test_unqualified_no_cache_beside_a_qualified_one() -> None:
    stored = stored_as(a_head(cc('max-age=60, no-cache="x-a", no-cache', ("X-A", "1"))))
    assert stored.always_validate
    assert "x-a" not in stored.fields


# For how long -------------------------------------------------------------------------------------------------------

LM = ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
ETAG = ("ETag", '"a"')


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        pytest.param(cc("max-age=60"), 60, id="3 as long as fresh"),
        pytest.param(cc("max-age=0"), 0, id="3 nothing to validate: not at all"),
        pytest.param(cc("max-age=0", ETAG), KEPT_FOR_VALIDATION, id="4.3.1 an entity-tag to validate"),
        pytest.param(cc("max-age=0", LM), KEPT_FOR_VALIDATION, id="4.3.1 a date to validate"),
        pytest.param(cc("s-maxage=0", ETAG), KEPT_FOR_VALIDATION, id="5.2.2.10 s-maxage=0"),
        pytest.param(cc("no-cache", ETAG), KEPT_FOR_VALIDATION, id="5.2.2.4 no-cache"),
        pytest.param(cc("no-cache"), 0, id="5.2.2.4 no-cache and nothing to validate"),
        pytest.param((HTML, ("Expires", "0"), ETAG), KEPT_FOR_VALIDATION, id="5.3 in the past"),
    ],
)
def test_how_long_it_is_kept(lines: Lines, seconds: float) -> None:
    stored = stored_as(a_head(lines), a_route(made_etag=False, stale_on_disconnect=86_400.0))
    assert keep_for(stored) == pytest.approx(seconds + (86_400 if stored.windows.disconnect else 0))


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((HTML,), id="3 nothing said"),
        pytest.param((HTML, ETAG, LM), id="3 validators alone, and no guess allowed"),
        pytest.param(cc("public"), id="3 public alone"),
        pytest.param(cc("must-revalidate"), id="3 must-revalidate alone"),
        pytest.param(cc("immutable"), id="3 immutable alone"),
        pytest.param(cc("stale-while-revalidate=60"), id="3 a window alone"),
        pytest.param(cc("stale-if-error=60"), id="3 the other window alone"),
        pytest.param(cc("foo=1"), id="5.2.3 a stranger alone"),
        pytest.param((HTML, ("Pragma", "public")), id="5.4 Pragma"),
    ],
)
def test_what_nobody_gave_a_lifetime(lines: Lines) -> None:
    assert assessed(a_head(lines)) == NotStored(R.CONTENT_TYPE)


def test_obsolete_fields_are_kept_as_they_came() -> None:
    lines = (("Warning", '110 - "a"'), ("Warning", '299 - "b"'), ("Pragma", "no-cache"))
    fields = stored_as(a_head(cc("max-age=60", *lines))).fields
    assert Fields(line for line in fields.lines if line[0] in ("Warning", "Pragma")).lines == lines
