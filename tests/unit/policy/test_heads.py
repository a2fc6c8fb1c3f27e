"""The heads that clients read: Age, ETag, Cache-Status, X-Cache, Via."""

import http_sf
import pytest

from proxy.policy import dispositions
from proxy.policy.disposition import Disposition, ForwardReason, NotStoredReason, Result, StaleReason
from proxy.policy.heads import (
    cache_status,
    interim_head,
    not_modified_head,
    received_head,
    relayed_head,
    reused_head,
    x_cache,
)
from proxy.policy.messages import Fields, ResponseHead
from tests.support.builders import T0, a_stored
from tests.support.policy import a_route

ROUTE = a_route()
HIT = dispositions.hit(30)
MISS = dispositions.fetched(ForwardReason.URI_MISS, 200, None)


@pytest.mark.parametrize(
    ("disposition", "text", "word"),
    [
        pytest.param(dispositions.hit(30), "tambo; hit; ttl=30", "HIT", id="fresh hit"),
        pytest.param(
            dispositions.revalidating(-3, is_running=False), "tambo; hit; ttl=-3; detail=swr", "STALE", id="stale"
        ),
        pytest.param(
            dispositions.revalidating(-3, is_running=True), "tambo; hit; ttl=-3; detail=swr", "UPDATING", id="updating"
        ),
        pytest.param(
            dispositions.stood_in(-3, StaleReason.ERROR), "tambo; hit; ttl=-3; detail=sie", "STALE", id="stale on error"
        ),
        pytest.param(
            dispositions.stood_in(-3, StaleReason.ARCHIVE),
            "tambo; hit; ttl=-3; detail=archive",
            "ARCHIVE",
            id="archive",
        ),
        pytest.param(MISS, "tambo; fwd=uri-miss; fwd-status=200; stored", "MISS", id="first miss"),
        pytest.param(
            dispositions.collapsed(ForwardReason.URI_MISS), "tambo; fwd=uri-miss; collapsed", "COALESCED", id="joined"
        ),
        pytest.param(
            dispositions.fetched(ForwardReason.STALE, 200, None),
            "tambo; fwd=stale; fwd-status=200; stored",
            "EXPIRED",
            id="expired, fetched",
        ),
        pytest.param(
            dispositions.revalidated(ForwardReason.STALE, stored=True),
            "tambo; fwd=stale; fwd-status=304; stored",
            "REVALIDATED",
            id="304",
        ),
        pytest.param(
            dispositions.bypassed(NotStoredReason.COOKIE),
            "tambo; fwd=bypass; detail=cookie",
            "BYPASS",
            id="not cacheable",
        ),
        pytest.param(dispositions.passed(), "tambo; fwd=method", "BYPASS", id="unsafe method"),
        pytest.param(
            dispositions.faulty(ForwardReason.URI_MISS, 200),
            "tambo; fwd=uri-miss; fwd-status=200; detail=verdict-failure",
            "MISS",
            id="verdict failure",
        ),
    ],
)
def test_cache_status_and_x_cache(disposition: Disposition, text: str, word: str) -> None:
    assert cache_status(disposition) == text
    assert x_cache(disposition) == word
    assert isinstance(http_sf.parse(text.encode(), tltype="list"), list)


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        pytest.param("a-b_c.d*:/", "a-b_c.d*:/", id="9651-3.3.4 a token"),
        pytest.param("5xx", '"5xx"', id="9651-3.3.4 no token: begins with a digit"),
        pytest.param("a b", '"a b"', id="9651-3.3.3 a string"),
        pytest.param('a"\\\xe9\n', '"a\\"\\\\??"', id="9651-3.3.3 what a string cannot hold"),
        pytest.param("", '""', id="9651-3.3.3 empty"),
    ],
)
def test_details_are_tokens_or_strings(detail: str, text: str) -> None:
    assert cache_status(Disposition(Result.HIT, "HIT", detail=detail)) == f"tambo; detail={text}"
    assert http_sf.parse(f"tambo; detail={text}".encode(), tltype="list")


def test_ttl_stays_an_integer_that_a_structured_field_holds() -> None:
    assert cache_status(Disposition(Result.HIT, "HIT", ttl=-(10**30))) == f"tambo; ttl={-(2**31)}"


STORED = a_stored(
    fields=Fields(
        [("Content-Type", "a/b"), ("Age", "7"), ("xkey", "t"), ("X-Cache", "other"), ("Cache-Status", "up; hit")]
    ),
    corrected_initial_age=7.0,
)


def test_a_hit_says_how_old_it_is_and_where_it_came_from() -> None:
    head = reused_head(STORED, ROUTE, T0 + 3.9, HIT)
    assert head.status == 200
    assert head.fields.lines == (
        ("Content-Type", "a/b"),
        ("Cache-Status", "up; hit"),
        ("Age", "10"),
        ("ETag", '"e1"'),
        ("Cache-Status", "tambo; hit; ttl=30"),
        ("X-Cache", "HIT"),
    )


def test_a_follower_is_told_the_age_too() -> None:
    head = reused_head(STORED, ROUTE, T0 + 3, dispositions.collapsed(ForwardReason.URI_MISS))
    assert head.fields.all("age") == ("10",)


def test_what_was_fetched_for_this_request_has_the_age_it_came_with() -> None:
    assert reused_head(STORED, ROUTE, T0 + 3, MISS).fields.all("age") == ("7",)
    assert reused_head(a_stored(), ROUTE, T0 + 3, MISS).fields.all("age") == ()


def test_the_upstreams_entity_tag_stands_as_it_came() -> None:
    stored = a_stored(fields=Fields([("ETag", 'W/"u"')]), etag='W/"u"', etag_is_made=False)
    assert reused_head(stored, ROUTE, T0, HIT).fields.all("etag") == ('W/"u"',)


def test_a_made_entity_tag_is_shown_where_the_route_wants_one() -> None:
    assert "etag" not in reused_head(a_stored(), a_route(made_etag=False), T0, HIT).fields


@pytest.mark.parametrize(
    ("name", "exposed"),
    [
        pytest.param("Surrogate-Key", True, id="Surrogate-Key"),
        pytest.param("Cache-Tag", True, id="Cache-Tag"),
        pytest.param("xkey", True, id="xkey"),
        pytest.param("Cache-Groups", True, id="9875 Cache-Groups"),
        pytest.param("Tambo-Cache-Control", False, id="9213 ours alone"),
        pytest.param("X-Cache", False, id="another's X-Cache"),
    ],
)
def test_fields_that_are_not_for_clients(name: str, *, exposed: bool) -> None:
    fields, key = Fields([(name, "x")]), name.lower()
    shown = a_route(expose_tags=True)
    for head in (
        reused_head(a_stored(fields=fields), ROUTE, T0, HIT),
        relayed_head(ResponseHead(200, fields), ROUTE, MISS),
    ):
        assert "x" not in head.fields.all(key)
    for head in (
        reused_head(a_stored(fields=fields), shown, T0, HIT),
        relayed_head(ResponseHead(200, fields), shown, MISS),
    ):
        assert ("x" in head.fields.all(key)) is exposed


def test_cdn_cache_control_goes_on_to_other_caches() -> None:
    fields = Fields([("CDN-Cache-Control", "max-age=1")])
    assert "cdn-cache-control" in reused_head(a_stored(fields=fields), ROUTE, T0, HIT).fields


def test_a_relayed_head_loses_what_was_for_the_hop() -> None:
    response = ResponseHead(
        404,
        Fields(
            [
                ("Connection", "close, X-Hop"),
                ("X-Hop", "1"),
                ("Transfer-Encoding", "chunked"),
                ("Content-Length", "5"),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"),
                ("Age", "3"),
                ("Via", "1.1 up"),
            ]
        ),
        "Nope",
    )
    head = relayed_head(response, ROUTE, dispositions.bypassed(NotStoredReason.STATUS))
    assert (head.status, head.reason) == (404, "Nope")
    assert head.fields.lines == (
        ("Content-Length", "5"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Age", "3"),
        ("Via", "1.1 up"),
        ("Cache-Status", "tambo; fwd=bypass; detail=status"),
        ("X-Cache", "BYPASS"),
    )


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_via_names_the_version_that_was_received(version: str) -> None:
    head = received_head(ResponseHead(200, Fields([("Via", "1.1 up"), ("A", "b")]), "OK", version))
    assert head.fields.lines == (("Via", "1.1 up"), ("A", "b"), ("Via", f"{version} tambo"))


def test_an_interim_head_has_what_is_for_the_client_and_no_content() -> None:
    said = [
        ("Link", "</a>"),
        ("Link", "</b>"),
        ("Connection", "x-hop, via"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "5"),
        ("Surrogate-Key", "t"),
        ("X-Cache", "HIT"),
    ]
    head = interim_head(ResponseHead(103, Fields(said), "Early Hints"), ROUTE)
    assert (head.status, head.reason) == (103, "Early Hints")
    assert head.fields.lines == (("Link", "</a>"), ("Link", "</b>"), ("Via", "1.1 tambo"))


def test_a_101_says_what_it_switched_to() -> None:
    fields = Fields([("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", "x")])
    head = relayed_head(ResponseHead(101, fields), ROUTE, dispositions.passed())
    assert head.fields.lines[:2] == (("Sec-WebSocket-Accept", "x"), ("Upgrade", "websocket"))


def test_a_304_keeps_what_caches_need_and_drops_what_describes_content() -> None:
    kept = (
        "Cache-Control",
        "Content-Location",
        "Date",
        "ETag",
        "Expires",
        "Vary",
        "Age",
        "Via",
        "Cache-Status",
        "Link",
    )
    dropped = (
        "Content-Type",
        "Content-Encoding",
        "Content-Language",
        "Content-Length",
        "Content-Range",
        "Last-Modified",
    )
    head = not_modified_head(ResponseHead(200, Fields([(name, "x") for name in kept + dropped]), "OK"))
    assert head == ResponseHead(304, Fields([(name, "x") for name in kept]))


def test_a_304_without_an_entity_tag_keeps_last_modified() -> None:
    fields = Fields([("Last-Modified", "x")])
    assert not_modified_head(ResponseHead(200, fields)).fields == fields
