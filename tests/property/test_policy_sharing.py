"""Time never runs backwards, nothing gets fresher by itself, and nobody is shown what was somebody else's."""

from collections import Counter

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.errors import Failure
from proxy.policy.cache_key import cache_key
from proxy.policy.content import completed
from proxy.policy.directives import response_directives
from proxy.policy.disposition import Reuse, ReuseWhileRevalidating, ServeStale, Shareable, Storable, Validate
from proxy.policy.field_values import format_http_date, http_date
from proxy.policy.freshness import (
    LONGEST_HEURISTIC,
    LifetimeSource,
    current_age,
    freshness_left,
    lifetime,
    origin_date,
)
from proxy.policy.messages import Fields, RequestHead, ResponseHead, StoredResponse, Timing, Windows
from proxy.policy.reuse import choose, keep_for
from proxy.policy.route import DEFAULT_STATUSES, ForwardFields, Match, Mode, RoutePolicy
from proxy.policy.storability import admit, assess
from proxy.policy.validation import conclude, stand_in
from tests.support.builders import T0, a_stored
from tests.support.policy import a_route

# Most of what is generated is kept, so that what must not be is met often: see the last test.
LIFETIMES = ("max-age=60", "max-age=60", "s-maxage=30", "max-age=60, s-maxage=30", "max-age=0", "garbage=")
directives = st.sampled_from(
    (
        *("public", "no-cache", "must-revalidate", "proxy-revalidate", "immutable", "must-understand"),
        *("stale-while-revalidate=9", "stale-if-error=9", 'private="x-mine"'),
    )
)
controls = st.builds(
    lambda lifetime, others: ", ".join((lifetime, *others)),
    st.sampled_from(LIFETIMES),
    st.lists(directives, max_size=2),
)


def chance(name: str, values: st.SearchStrategy[str], one_in: int) -> st.SearchStrategy[tuple[str, str] | None]:
    """A line of this field, one time in so many; else None."""
    line = values.map(lambda value: (name, value))
    return st.integers(1, one_in).flatmap(lambda number: line if number == one_in else st.none())


def maybe(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str] | None]:
    """A line of this field, or none: more often none."""
    return chance(name, values, 3)


def seldom(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str] | None]:
    """For what makes the rest not matter."""
    return chance(name, values, 8)


def present(lines: tuple[tuple[str, str] | None, ...]) -> list[tuple[str, str]]:
    return [line for line in lines if line is not None]


def dates(earliest: int, latest: int) -> st.SearchStrategy[str]:
    return st.integers(earliest, latest).map(lambda seconds: format_http_date(T0 + seconds))


response_lines = st.tuples(
    chance("Cache-Control", controls, 1),
    maybe("Cache-Control", st.sampled_from(["must-revalidate", "s-maxage=30", "public"])),
    seldom("Cache-Control", st.sampled_from(["private", "no-store"])),
    seldom("CDN-Cache-Control", controls),
    maybe("Vary", st.sampled_from(["Accept", "X-Who", "Accept, X-Who", "Cookie", "Authorization", "Accept-Encoding"])),
    seldom("Vary", st.sampled_from(["*", "X-Who", "Accept X-Who"])),
    seldom("Set-Cookie", st.just("id=1")),
    maybe("X-Mine", st.just("secret")),
    maybe("Age", st.sampled_from(["5", "x", "-1"])),
    maybe("Date", dates(-100, 100)),
    maybe("Expires", dates(-100, 100)),
    maybe("Last-Modified", dates(-9999, 100)),
    maybe("ETag", st.sampled_from(['"a"', 'W/"a"', "a"])),
    maybe("Content-Encoding", st.just("gzip")),
).map(present)
asked = st.lists(
    st.sampled_from(["no-cache", "only-if-cached", "no-store", "max-age=9", "min-fresh=9", "max-stale", "max-stale=9"]),
    max_size=2,
).map(", ".join)
request_lines = st.tuples(
    maybe("Accept", st.sampled_from(["a", "b"])),
    maybe("X-Who", st.sampled_from(["a", "b"])),
    maybe("Cookie", st.sampled_from(["id=1", "id=2"])),
    maybe("Authorization", st.sampled_from(["one", "two"])),
    maybe("Accept-Encoding", st.sampled_from(["gzip", "br"])),
    maybe("Cache-Control", asked),
).map(present)
requests = request_lines.map(lambda lines: RequestHead("GET", "/a", Fields(lines)))
responses = st.builds(
    ResponseHead,
    st.sampled_from([200] * 12 + [203, 206, 301, 304, 404, 500, 503]),
    response_lines.map(lambda lines: Fields([("Content-Type", "application/json"), *lines])),
)
routes = st.builds(
    a_route,
    mode=st.sampled_from(Mode),
    ttl=st.sampled_from([0.0, 60.0, 60.0]),
    cookies_ignored=st.booleans(),
    forward_fields=st.sampled_from(ForwardFields),
    stale_while_revalidate=st.sampled_from([None, 0.0, 9.0]),
    stale_if_error=st.sampled_from([None, 9.0]),
    stale_on_disconnect=st.sampled_from([0.0, 999.0]),
    heuristic=st.booleans(),
    client_directives=st.booleans(),
    statuses=st.sampled_from([None, DEFAULT_STATUSES]),
    store_set_cookie=st.booleans(),
    archive=st.sampled_from([0.0, 99.0]),
    jitter=st.sampled_from([0.0, 0.5]),
)
delays = st.floats(0, 200)


def kept(request: RequestHead, response: ResponseHead, route: RoutePolicy, delay: float = 0.0) -> StoredResponse | None:
    match = Match(route, {})
    decision = assess(request, response, b"{}", match, cache_key(request, match), Timing(T0 - delay, T0))
    return decision.stored if isinstance(decision, Storable) else None


@settings(max_examples=200)
@given(requests, responses, routes, delays)
def test_nothing_that_was_somebodys_is_kept(
    request: RequestHead, response: ResponseHead, route: RoutePolicy, delay: float
) -> None:
    stored = kept(request, response, route, delay)
    if stored is None:
        return
    said = response_directives(response.fields)
    assert not said.private
    assert not said.no_store or said.must_understand
    assert "set-cookie" not in stored.fields or route.store_set_cookie
    assert "*" not in (response.fields.joined("vary") or "")
    assert not ("x-mine" in said.withheld and "x-mine" in stored.fields)
    if "authorization" in request.fields:
        assert said.public or said.must_revalidate or said.s_maxage is not None


@settings(max_examples=200)
@given(requests, requests, responses, routes, st.floats(0, 300))
def test_nobody_is_shown_what_was_not_meant_for_them(
    asker: RequestHead, other: RequestHead, response: ResponseHead, route: RoutePolicy, later: float
) -> None:
    stored = kept(asker, response, route)
    admission = admit(other, route)
    if stored is None or (not isinstance(admission, Shareable) and "cookie" in other.fields):
        return
    decision = choose(other, [stored], route, T0 + later)
    if not isinstance(decision, Reuse | ReuseWhileRevalidating | Validate):
        return
    said = response_directives(response.fields)
    if "authorization" in other.fields:
        assert said.public or said.must_revalidate or said.s_maxage is not None
    sent_all = route.forward_fields is ForwardFields.ALL or "authorization" in asker.fields
    for name in ("accept", "x-who", "cookie", "authorization"):
        if sent_all and name in (response.fields.joined("vary") or "").lower().split(", "):
            assert asker.fields.joined(name) == other.fields.joined(name)
    if "content-encoding" in response.fields:
        assert asker.fields.joined("accept-encoding") == other.fields.joined("accept-encoding")


@settings(max_examples=300)
@given(requests, responses, routes, delays, st.binary(max_size=64), st.floats(0, 99))
def test_a_head_that_was_assessed_becomes_with_its_body_what_both_are_assessed_as(
    request: RequestHead, response: ResponseHead, route: RoutePolicy, delay: float, body: bytes, cost: float
) -> None:
    match = Match(route, {})
    key, timing = cache_key(request, match), Timing(T0 - delay, T0)
    by_head = assess(request, response, None, match, key, timing)
    both = assess(request, response, body, match, key, replace(timing, cost=cost))
    if isinstance(by_head, Storable):
        assert both == Storable(completed(by_head.stored, response, body, route, cost))
    else:
        assert both == by_head


@given(requests, responses, routes, st.floats(0, 300), st.floats(0, 300))
def test_age_never_falls_and_freshness_never_grows(
    request: RequestHead, response: ResponseHead, route: RoutePolicy, first: float, more: float
) -> None:
    stored = kept(request, response, route)
    if stored is None:
        return
    assert 0 <= current_age(stored, T0 + first) <= current_age(stored, T0 + first + more)
    assert freshness_left(stored, T0 + first + more) <= freshness_left(stored, T0 + first)
    rank = {Reuse: 0, ReuseWhileRevalidating: 1}
    sooner, later = (type(choose(request, [stored], route, T0 + at)) for at in (first, first + more))
    assert rank.get(sooner, 2) <= rank.get(later, 2), "what was not fresh does not become so"


@given(requests, responses, routes, st.floats(0, 300))
def test_what_is_ended_is_never_called_fresh(
    request: RequestHead, response: ResponseHead, route: RoutePolicy, later: float
) -> None:
    stored = kept(request, response, route)
    if stored is None:
        return
    ended = replace(stored, is_ended=True)
    assert freshness_left(ended, T0 + later) <= 0
    assert not isinstance(choose(request, [ended], route, T0 + later), Reuse)


@given(requests, responses, routes, st.floats(0, 10_000))
def test_nothing_serves_after_it_is_forgotten(
    request: RequestHead, response: ResponseHead, route: RoutePolicy, beyond: float
) -> None:
    stored = kept(request, response, route)
    if stored is None:
        return
    now = T0 + keep_for(stored) + 0.001 + beyond
    unasked = RequestHead("GET", "/a", request.fields.without({"cache-control"}))  # max-stale has no end of its own
    assert not isinstance(choose(unasked, [stored], route, now), Reuse | ReuseWhileRevalidating)
    assert stand_in(stored, Failure.TIMEOUT, now).__class__.__name__ == "Relay"


@settings(max_examples=200)
@given(requests, responses, routes, st.floats(0, 200))
def test_nobody_gets_stale_without_leave(
    request: RequestHead, response: ResponseHead, route: RoutePolicy, later: float
) -> None:
    stored = kept(request, response, route)
    if stored is None or freshness_left(stored, T0 + later) > 0:
        return
    said, decision = response_directives(response.fields), choose(request, [stored], route, T0 + later)
    if isinstance(decision, Reuse):
        assert route.client_directives
        assert "max-stale" in (request.fields.joined("cache-control") or "")
    serves = isinstance(decision, Reuse | ReuseWhileRevalidating)
    serves |= isinstance(stand_in(stored, Failure.UNREACHABLE, T0 + later), ServeStale)
    if serves and route.mode is Mode.RFC:
        assert not any((said.must_revalidate, said.proxy_revalidate, said.no_cache))
        assert said.s_maxage is None or said.stale_while_revalidate or said.stale_if_error


@given(requests, responses, routes, st.floats(0, 3000))
def test_an_error_that_was_answered_opens_no_window_of_a_disconnection(
    request: RequestHead, response: ResponseHead, route: RoutePolicy, later: float
) -> None:
    stored = kept(request, response, route)
    if stored is None:
        return
    now, without = T0 + later, replace(stored, windows=replace(stored.windows, disconnect=0.0))
    assert type(stand_in(stored, Failure.FAULTY, now)) is type(stand_in(without, Failure.FAULTY, now))
    assert type(choose(request, [stored], route, now)) is type(choose(request, [without], route, now))


@given(requests, responses, routes)
def test_a_guess_is_a_tenth_and_a_week_at_most(
    request: RequestHead, response: ResponseHead, route: RoutePolicy
) -> None:
    timing = Timing(T0, T0)
    fresh = lifetime(response, response_directives(response.fields), route, timing)
    if fresh is None or fresh.source is not LifetimeSource.HEURISTIC:
        return
    assert route.heuristic
    assert "expires" not in response.fields or response_directives(response.fields).is_targeted
    modified = http_date(response.fields.joined("last-modified") or "", T0)
    since = 0.0 if modified is None else max(0.0, origin_date(response.fields, timing) - modified)
    assert 0 <= fresh.seconds <= min(since / 10 + 1e-9, LONGEST_HEURISTIC)


@settings(max_examples=200)
@given(requests, responses, response_lines, routes, st.floats(0, 300))
def test_a_304_never_brings_back_what_may_not_be_kept(
    request: RequestHead, response: ResponseHead, lines: list[tuple[str, str]], route: RoutePolicy, later: float
) -> None:
    stored = kept(request, response, route)
    if stored is None:
        return
    decision = conclude(stored, ResponseHead(304, Fields(lines)), route, Timing(T0 + later, T0 + later))
    freshened = getattr(decision, "stored", None)
    if not isinstance(freshened, StoredResponse):
        return
    assert freshened.body == stored.body
    assert "set-cookie" not in freshened.fields or route.store_set_cookie
    said = response_directives(freshened.fields)
    if said.private or said.no_store:
        assert freshened.always_validate
        assert freshened.windows == Windows()


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_odd_clocks_are_survived(response_time: float, now: float) -> None:
    stored = a_stored(response_time=response_time)
    assert current_age(stored, now) >= 0
    choose(RequestHead("GET", "/a", Fields()), [stored], a_route(), now)


def test_what_is_generated_is_worth_generating() -> None:
    """A property over what is never kept would hold of any code."""
    seen = Counter[str]()

    @seed(0)
    @settings(max_examples=400, database=None, deadline=None)
    @given(requests, responses, routes, delays)
    def count(request: RequestHead, response: ResponseHead, route: RoutePolicy, delay: float) -> None:
        stored = kept(request, response, route, delay)
        said = response_directives(response.fields)
        seen["private"] += said.private
        if stored is None:
            return
        seen["kept"] += 1
        seen["varying"] += bool(stored.secondary_key)
        seen["standing in"] += stored.windows.last > 0
        seen["never stale"] += stored.never_stale
        seen["for whom has credentials"] += "authorization" in request.fields

    count()
    least = {
        "kept": 150,
        "private": 3,
        "varying": 20,
        "standing in": 20,
        "never stale": 10,
        "for whom has credentials": 5,
    }
    assert all(seen[what] >= times for what, times in least.items()), seen
