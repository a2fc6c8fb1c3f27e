"""RFC 9110 §7.6: which fields go on, and which never do."""

import pytest
from msgspec.structs import replace

from proxy.policy.disposition import Admission, Credentialed, NotStoredReason, PassThrough, Shareable, Verdict
from proxy.policy.forwarding import end_to_end, is_upgrade, upstream_fields
from proxy.policy.messages import Fields, RequestHead
from proxy.policy.route import ForwardFields, KeyRule, Mode, RoutePolicy
from tests.support.policy import a_route, a_rule

VIA = ("Via", "1.1 tambo")
PASS = PassThrough(NotStoredReason.METHOD)
ALL = a_route()
STRICT = a_route(
    forward_fields=ForwardFields.STRICT, forward=("x-named", "x-real-ip", "range"), key=KeyRule(fields=("x-key",))
)
JUDGED = a_route(verdicts=(a_rule("a", Verdict.FAILURE),))
NEVER = (
    *("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Anything", "X-Real-IP"),
    *("True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Host", "X-Original-Host", "X-Original-URL"),
    *("X-Rewrite-URL", "X-HTTP-Host-Override", "X-HTTP-Method-Override", "X-Method-Override", "X-Backend-Host"),
    *("X-Remote-User", "X-Middleware-Subrequest", "Proxy"),
)
HOPS = (
    *("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"),
    *("Proxy-Authorization", "HTTP2-Settings", "Content-Length", "Host", "Expect"),
)


def sent(
    lines: list[tuple[str, str]],
    route: RoutePolicy = ALL,
    admission: Admission = PASS,
    conditional: Fields = Fields(),  # noqa: B008 - an immutable value
) -> list[tuple[str, str]]:
    """What the upstream gets, but for what Tambo adds to every request."""
    request = RequestHead("GET", "/", Fields(lines))
    found = upstream_fields(request, route, admission, conditional)
    assert VIA in found.lines
    return [line for line in found.lines if line not in (VIA, ("X-Forwarded-Proto", "http"))]


@pytest.mark.parametrize("admission", [PASS, Credentialed(), Shareable()], ids=["passed", "credentials", "shared"])
@pytest.mark.parametrize("name", NEVER + HOPS)
def test_never_on_any_request(name: str, admission: Admission) -> None:
    assert sent([(name, "x")], admission=admission) == []
    assert sent([(name.upper(), "x"), (name.lower(), "y")], admission=admission) == []


@pytest.mark.parametrize("name", ["X_Forwarded_For", "x_real_ip", "Transfer_Encoding"])
def test_nor_by_the_name_that_cgi_makes_the_same(name: str) -> None:
    assert sent([(name, "x")]) == []


def test_what_connection_names_is_for_us() -> None:
    assert sent([("Connection", "X-A, close"), ("Connection", "x-b"), ("X-A", "1"), ("X-B", "1"), ("X-C", "1")]) == [
        ("X-C", "1")
    ]


def test_a_passed_request_goes_on_as_it_came() -> None:
    lines = [
        ("Cookie", "a=1"),
        ("accept", "x"),
        ("Accept", "y"),
        ("Authorization", "z"),
        ("If-None-Match", '"a"'),
        ("If-Match", '"a"'),
        ("Range", "bytes=0-1"),
        ("If-Range", '"a"'),
        ("Accept-Encoding", "gzip;q=0.5, br"),
        ("Cache-Control", "no-cache"),
        ("Sec-WebSocket-Key", "k"),
        ("Content-Type", "a/b"),
    ]
    assert sent(lines) == lines
    assert sent(lines, STRICT) == lines


def test_a_shared_fetch_asks_for_the_whole_without_conditions() -> None:
    conditions = ("If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range")
    assert sent([(name, "x") for name in conditions], admission=Shareable()) == []


def test_all_passes_the_rest() -> None:
    lines = [("Accept", "x"), ("User-Agent", "y"), ("Cache-Control", "no-cache")]
    assert sent(lines, admission=Shareable()) == lines


def test_a_cookie_that_is_ignored_colours_no_shared_answer() -> None:
    lines = [("Cookie", "a=1")]
    assert sent(lines, a_route(cookies_ignored=True), Shareable()) == []
    assert sent(lines, a_route(cookies_ignored=True, forward=("cookie",)), Shareable()) == lines
    assert sent(lines, a_route(cookies_ignored=True), PassThrough(NotStoredReason.METHOD))[:1] == lines


def test_ignored_credentials_do_not_reach_the_upstream() -> None:
    lines = [("Authorization", "x")]
    for forward_fields in ForwardFields:
        route = a_route(mode=Mode.OVERRIDE, authorization_ignored=True, forward_fields=forward_fields)
        assert sent(lines, route, Shareable()) == []
        assert sent(lines, replace(route, forward=("authorization",)), Shareable()) == lines
        assert sent(lines, replace(route, key=KeyRule(fields=("authorization",))), Shareable()) == lines


def test_strict_passes_what_is_named() -> None:
    lines = [
        ("Traceparent", "00-1"),
        ("X-Request-Id", "7"),
        ("X-Named", "1"),
        ("X-Key", "2"),
        ("Accept", "x"),
        ("User-Agent", "y"),
        ("Cookie", "a=1"),
        ("X-Real-IP", "named, but never"),
        ("Range", "named, but never"),
        ("Via", "1.0 x"),
    ]
    assert sent(lines, STRICT, Shareable()) == lines[:4]


@pytest.mark.parametrize(
    ("given", "route", "admission", "expected"),
    [
        pytest.param("gzip;q=0.5, br, foo", ALL, Shareable(), "br, gzip", id="12.5.3 shared: normalised"),
        pytest.param("gzip", STRICT, Shareable(), "gzip", id="12.5.3 strict too"),
        pytest.param("gzip, br", ALL, Credentialed(), "br, gzip", id="12.5.3 with credentials too: it may be stored"),
        pytest.param(None, ALL, Shareable(), None, id="12.5.3 absent stays absent"),
        pytest.param("foo", ALL, Shareable(), "identity", id="12.5.3 nothing known"),
        pytest.param("gzip", JUDGED, Shareable(), "identity", id="judged: unpacked"),
        pytest.param(None, JUDGED, Shareable(), "identity", id="judged: also when the client said nothing"),
        pytest.param("gzip, foo", JUDGED, PASS, "gzip, foo", id="passed: as it came"),
    ],
)
def test_accept_encoding(given: str | None, route: RoutePolicy, admission: Admission, expected: str | None) -> None:
    lines = [] if given is None else [("Accept-Encoding", given)]
    assert sent(lines, route, admission) == ([] if expected is None else [("Accept-Encoding", expected)])


def test_our_conditions_replace_the_clients() -> None:
    ours = Fields([("If-None-Match", '"u"')])
    lines = [("If-None-Match", '"c"'), ("Range", "bytes=0-1"), ("If-Range", '"c"'), ("Accept", "x")]
    assert sent(lines, ALL, Credentialed(), ours) == [("Accept", "x"), ("If-None-Match", '"u"')]
    assert sent(lines, STRICT, Shareable(), ours) == [("If-None-Match", '"u"')]


def test_credentials_keep_their_own_conditions_where_we_ask_none() -> None:
    lines = [("Authorization", "x"), ("If-None-Match", '"c"'), ("Range", "bytes=0-1")]
    assert sent(lines, ALL, Credentialed()) == lines


@pytest.mark.parametrize(
    ("route", "admission", "is_told"),
    [
        pytest.param(ALL, PASS, True, id="passed"),
        pytest.param(STRICT, PASS, True, id="passed, strict"),
        pytest.param(ALL, Shareable(), False, id="shared"),
        pytest.param(STRICT, Shareable(), False, id="shared, strict"),
        pytest.param(ALL, Credentialed(), False, id="credentials: 3.5 may share the answer"),
        pytest.param(STRICT, Credentialed(), True, id="credentials, strict: never stored"),
    ],
)
def test_who_asked_is_told_only_where_the_answer_is_theirs(
    route: RoutePolicy, admission: Admission, *, is_told: bool
) -> None:
    request = RequestHead("GET", "/", Fields([("X-Forwarded-For", "forged")]), "https", "api.test", "192.0.2.7")
    found = upstream_fields(request, route, admission)
    told = {name: found.joined(f"x-forwarded-{name}") for name in ("for", "proto", "host")}
    who = {"for": "192.0.2.7", "proto": "https", "host": "api.test"}
    assert told == (who if is_told else dict.fromkeys(who))


def test_via_is_appended() -> None:
    found = upstream_fields(RequestHead("GET", "/", Fields([("Via", "1.0 front")])), ALL, PASS)
    assert found.all("via") == ("1.0 front", "1.1 tambo")


def test_via_says_in_which_version_the_request_came() -> None:
    found = upstream_fields(RequestHead("GET", "/", Fields(), version="1.0"), ALL, PASS)
    assert found.all("via") == ("1.0 tambo",)


def test_connection_cannot_wipe_via_out() -> None:
    fields = Fields([("Connection", "Via, X-Hop"), ("Via", "1.1 other"), ("X-Hop", "1")])
    assert upstream_fields(RequestHead("GET", "/", fields), ALL, PASS).all("via") == ("1.1 other", "1.1 tambo")
    assert end_to_end(fields).lines == (("Via", "1.1 other"),)


def test_end_to_end_fields_of_a_response() -> None:
    fields = Fields(
        [
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Trailer", "x"),
            ("Upgrade", "h2c"),
            ("Proxy-Authenticate", "x"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("Content-Length", "3"),
        ]
    )
    assert end_to_end(fields).lines == (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Content-Length", "3"))


@pytest.mark.parametrize(
    ("method", "connection", "upgrade", "protocol"),
    [
        pytest.param("GET", "Upgrade", "websocket", "websocket", id="7.8 websocket"),
        pytest.param("GET", "keep-alive, upgrade", "WebSocket", "WebSocket", id="7.8 in a list, its case kept"),
        pytest.param("GET", "keep-alive", "websocket", None, id="7.8 not for this connection"),
        pytest.param("GET", "upgrade", None, None, id="7.8 to nothing"),
        pytest.param("POST", "upgrade", "websocket", None, id="6455-4.1 GET only"),
        pytest.param("GET", "upgrade", "h2c", None, id="9113-3.1 never another HTTP"),
        pytest.param("GET", "upgrade", "HTTP/2.0, h2", None, id="9113-3.1 by any name"),
        pytest.param("GET", "upgrade", "h2c, websocket", "websocket", id="9113-3.1 the others are asked for"),
    ],
)
def test_is_upgrade(method: str, connection: str, upgrade: str | None, protocol: str | None) -> None:
    lines = [("Connection", connection)] + ([] if upgrade is None else [("Upgrade", upgrade)])
    assert is_upgrade(RequestHead(method, "/", Fields(lines))) == protocol
