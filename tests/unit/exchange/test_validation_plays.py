"""RFC 9111 §4.3, RFC 9110 §13 in play: who asks the upstream under which condition, and what its 304 or HEAD does."""

from collections.abc import Mapping

import pytest

from proxy.errors import Failure, UpstreamError
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route

JSON = {"Content-Type": "application/json"}
LM = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
NOT_MODIFIED = 304


def fresh(lines: Mapping[str, str] | None = None, seconds: int = 10) -> dict[str, str]:
    return {**JSON, "Cache-Control": f"max-age={seconds}", **(lines or {})}


def sent(play: Scenario, number: int, name: str) -> str | None:
    """A field of the request that the upstream saw as the ``number``-th."""
    return play.origin.requests[number].fields.joined(name)


# Asking -------------------------------------------------------------------------------------------------------------


async def test_both_validators_of_one_stored_response_are_sent() -> None:
    """4.3.1"""
    play = Scenario(ScriptedUpstream(Reply(lines=fresh({"ETag": '"v1"', "Last-Modified": LM})), Reply(304, {}, ())))
    await play.get()
    play.clock.advance(11)
    assert (await play.get()).x_cache == "REVALIDATED"
    assert (sent(play, 1, "if-none-match"), sent(play, 1, "if-modified-since")) == ('"v1"', LM)
    assert play.guard.inflight == 0


def _spanish_and_english(*then: Reply) -> Scenario:
    spanish = Reply(lines=fresh({"Vary": "Accept-Language", "ETag": '"es"'}, 60), chunks=(b'"hola"',))
    english = Reply(lines=fresh({"Vary": "Accept-Language", "ETag": '"en"'}, 60), chunks=(b'"hello"',))
    return Scenario(ScriptedUpstream(spanish, english, *then))


async def _fill(play: Scenario) -> None:
    await play.get(lines={"Accept-Language": "es"})
    await play.get(lines={"Accept-Language": "en"})


async def test_a_304_picks_among_the_variants_that_were_offered() -> None:
    """4.1, 4.3.1, 4.3.4: what it names answers the new selecting fields from then on, beside the old ones."""
    play = _spanish_and_english(Reply(304, {"ETag": '"es"', "Cache-Control": "max-age=60"}, ()))
    await _fill(play)
    got = await play.get(lines={"Accept-Language": "qu, es"})
    assert sent(play, 2, "if-none-match") == '"es", "en"'
    assert sent(play, 2, "if-modified-since") is None
    assert (got.status, got.body) == (200, b'"hola"')
    assert got.cache_status == "fwd=vary-miss; fwd-status=304; stored"
    assert (await play.get(lines={"Accept-Language": "qu, es"})).x_cache == "HIT"
    assert (await play.get(lines={"Accept-Language": "es"})).body == b'"hola"'
    assert (await play.get(lines={"Accept-Language": "en"})).body == b'"hello"'
    assert len(play.origin.requests) == 3
    assert play.guard.inflight == 0


@pytest.mark.parametrize("etag", ['"other"', 'W/"other"', None], ids=["4.3.4 another", "4.3.4 another, weak", "none"])
async def test_a_304_that_picks_nothing_is_asked_again_without_conditions(etag: str | None) -> None:
    named = {} if etag is None else {"ETag": etag}
    whole = Reply(lines=fresh({"Vary": "Accept-Language", "ETag": '"qu"'}, 60), chunks=(b'"imaynalla"',))
    play = _spanish_and_english(Reply(304, named, ()), whole)
    await _fill(play)
    got = await play.get(lines={"Accept-Language": "qu"})
    assert (got.status, got.body) == (200, b'"imaynalla"')
    assert sent(play, 3, "if-none-match") is None
    assert len(play.origin.requests) == 4
    assert play.guard.inflight == 0


async def test_a_full_answer_to_an_offer_is_a_variant_like_any_other() -> None:
    """4.3.3"""
    whole = Reply(lines=fresh({"Vary": "Accept-Language", "ETag": '"qu"'}, 60), chunks=(b'"imaynalla"',))
    play = _spanish_and_english(whole)
    await _fill(play)
    assert (await play.get(lines={"Accept-Language": "qu"})).cache_status == "fwd=vary-miss; fwd-status=200; stored"
    assert (await play.get(lines={"Accept-Language": "qu"})).body == b'"imaynalla"'


async def test_a_variant_of_somebody_else_is_not_offered_on_behalf_of_credentials() -> None:
    play = _spanish_and_english(Reply(lines=fresh(seconds=60)))
    await _fill(play)
    await play.get(lines={"Accept-Language": "qu", "Authorization": "Bearer x"})
    assert sent(play, 2, "if-none-match") is None


# A 304 that is not for us --------------------------------------------------------------------------------------------


async def test_a_304_for_another_version_is_asked_again_without_conditions_once() -> None:
    """4.3.4"""
    first, odd = Reply(lines=fresh({"ETag": '"v1"'})), Reply(304, {"ETag": '"v2"'}, ())
    play = Scenario(ScriptedUpstream(first, odd, Reply(lines=fresh({"ETag": '"v2"'}), chunks=(b'{"a":2}',))))
    await play.get()
    play.clock.advance(11)
    got = await play.get()
    assert (got.status, got.body) == (200, b'{"a":2}')
    assert sent(play, 1, "if-none-match") == '"v1"'
    assert sent(play, 2, "if-none-match") is None
    assert play.origin.bodies[1].is_closed
    assert play.guard.inflight == 0


async def test_a_304_for_another_version_twice_is_a_502() -> None:
    play = Scenario(ScriptedUpstream(Reply(lines=fresh({"ETag": '"v1"'})), Reply(304, {"ETag": '"v2"'}, ())))
    await play.get()
    play.clock.advance(11)
    assert (await play.get()).status == 502
    assert len(play.origin.requests) == 3
    assert play.guard.inflight == 0


@pytest.mark.parametrize(
    ("directive", "status"), [("must-revalidate", 504), ("proxy-revalidate", 504), ("x", 502)], ids=str
)
@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.PROTOCOL], ids=str)
async def test_what_must_be_validated_and_cannot_is_a_504(failure: Failure, directive: str, status: int) -> None:
    """5.2.2.2, 5.2.2.8"""
    first = Reply(lines={"Cache-Control": f"max-age=10, {directive}", "ETag": '"v1"'})
    gone = Reply(failure=UpstreamError(failure, "gone"))
    play = Scenario(ScriptedUpstream(first, gone), (a_route(stale_on_disconnect=0.0),))
    await play.get()
    play.clock.advance(11)
    assert (await play.get()).status == status


async def test_or_what_is_stale_where_that_may_serve() -> None:
    first, odd = Reply(lines=fresh({"ETag": '"v1"'})), Reply(304, {"ETag": '"v2"'}, ())
    play = Scenario(ScriptedUpstream(first, odd), (a_route(stale_if_error=100.0),))
    await play.get()
    play.clock.advance(11)
    got = await play.get()
    assert (got.status, got.cache_status) == (200, "hit; ttl=-1; detail=sie")
    assert play.guard.inflight == 0


@pytest.mark.parametrize("lines", [{}, {"If-None-Match": '"mine"'}], ids=["no condition", "a condition kept back"])
async def test_a_304_without_a_condition_is_never_relayed(lines: dict[str, str]) -> None:
    play = Scenario(ScriptedUpstream(Reply(304, {"ETag": '"v1"'}, ())))
    assert (await play.get(lines=lines)).status == 502
    assert play.guard.inflight == 0


async def test_the_304_to_a_condition_of_a_client_with_credentials_is_its_own() -> None:
    """4.3.4"""
    play = Scenario(ScriptedUpstream(Reply(304, {"ETag": '"v1"'}, ())))
    got = await play.get(lines={"Authorization": "Bearer x", "If-None-Match": '"v1"'})
    assert (got.status, sent(play, 0, "if-none-match")) == (304, '"v1"')
    assert play.guard.inflight == 0


async def test_a_304_without_a_condition_is_no_answer_to_credentials_either() -> None:
    play = Scenario(ScriptedUpstream(Reply(304, {}, ())))
    assert (await play.get(lines={"Authorization": "Bearer x"})).status == 502
    assert play.guard.inflight == 0


# What a 304 changes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stored", "new", "expected"),
    [
        pytest.param("X-A", "1", "2", "2", id="3.2 replaced"),
        pytest.param("X-A", "1", None, "1", id="3.2 kept"),
        pytest.param("X-A", None, "2", "2", id="3.2 added"),
        pytest.param("Content-Type", "application/json", "text/plain", "text/plain", id="3.2 Content-Type too"),
        pytest.param("Content-Encoding", "br", "gzip", "br", id="3.2 not what the stored bytes are in"),
        pytest.param("Content-Encoding", None, "gzip", None, id="3.2 nor what they are not in"),
        pytest.param("Content-Range", None, "bytes 0-1/2", None, id="3.2 nor a part of them"),
        pytest.param("Content-Length", None, "99", None, id="3.2 nor their length"),
    ],
)
async def test_fields_after_a_304(name: str, stored: str | None, new: str | None, expected: str | None) -> None:
    first = fresh({"ETag": '"v1"', **({} if stored is None else {name: stored})})
    second = {"ETag": '"v1"', "Cache-Control": "max-age=10", **({} if new is None else {name: new})}
    play = Scenario(ScriptedUpstream(Reply(lines=first), Reply(304, second, ())))
    lines = {"Accept-Encoding": "br, gzip"}
    await play.get(lines=lines)
    play.clock.advance(11)
    assert (await play.get(lines=lines)).field(name.lower()) == expected
    assert (await play.get(lines=lines)).field(name.lower()) == expected


async def test_lifetimes_begin_again_as_the_304_says() -> None:
    play = Scenario(
        ScriptedUpstream(
            Reply(lines=fresh({"ETag": '"v1"'})), Reply(304, {"Cache-Control": "max-age=30", "Age": "5"}, ())
        )
    )
    await play.get()
    play.clock.advance(11)
    await play.get()
    play.clock.advance(24)
    assert (await play.get()).cache_status == "hit; ttl=1"
    play.clock.advance(2)
    assert (await play.get()).x_cache == "REVALIDATED"


async def test_a_full_answer_replaces_what_was_validated() -> None:
    """4.3.3"""
    play = Scenario(
        ScriptedUpstream(
            Reply(lines=fresh({"ETag": '"v1"', "X": "1"})), Reply(lines=fresh({"ETag": '"v2"'}), chunks=(b'{"a":2}',))
        )
    )
    await play.get()
    play.clock.advance(11)
    assert (await play.get()).body == b'{"a":2}'
    hit = await play.get()
    assert (hit.x_cache, hit.field("x"), hit.field("etag")) == ("HIT", None, '"v2"')


# The client's own conditions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param({"If-None-Match": '"v1"'}, 304, id="13.1.2 the same"),
        pytest.param({"If-None-Match": 'W/"v1"'}, 304, id="13.1.2 weakly the same"),
        pytest.param({"If-None-Match": '"v0", "v1"'}, 304, id="13.1.2 one of several"),
        pytest.param({"If-None-Match": "*"}, 304, id="13.1.2 any"),
        pytest.param({"If-None-Match": '"v0"'}, 200, id="13.1.2 another"),
        pytest.param({"If-None-Match": '"v0"', "If-Modified-Since": LATER}, 200, id="13.2.2 precedence"),
        pytest.param({"If-Modified-Since": LM}, 304, id="13.1.3 not since"),
        pytest.param({"If-Modified-Since": LATER}, 304, id="13.1.3 nor since later"),
        pytest.param({"If-Modified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, 200, id="13.1.3 since"),
        pytest.param({"If-Modified-Since": "yesterday"}, 200, id="13.1.3 no date"),
        pytest.param({"If-None-Match": '"v1"', "Range": "bytes=0-1"}, 304, id="13.2.2 before a range"),
        pytest.param({"If-None-Match": '"v0"', "Range": "bytes=0-1"}, 206, id="13.2.2 and then the range"),
    ],
)
@pytest.mark.parametrize("is_hit", [True, False], ids=["hit", "miss"])
async def test_conditions_are_judged_here(lines: dict[str, str], status: int, *, is_hit: bool) -> None:
    first = fresh({"ETag": '"v1"', "Last-Modified": LM, "Accept-Ranges": "bytes"})
    play = Scenario(ScriptedUpstream(Reply(lines=first)))
    if is_hit:
        await play.get()
    got = await play.get(lines=lines)
    assert got.status == status
    assert (got.body == b"") is (status == NOT_MODIFIED)
    assert play.guard.inflight == 0


async def test_the_date_stands_in_where_nobody_said_when_it_was_modified() -> None:
    """4.3.2"""
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(seconds=60))))
    date = (await play.get()).field("date") or (await play.get()).field("date")
    assert date is not None
    assert (await play.get(lines={"If-Modified-Since": date})).status == 304
    assert (await play.get(lines={"If-Modified-Since": LM})).status == 200


@pytest.mark.parametrize(
    ("stored", "present", "absent"),
    [
        pytest.param(
            {"ETag": '"v1"', "Last-Modified": LM, "Vary": "X", "Content-Location": "/b", "Expires": LM},
            ("etag", "vary", "content-location", "expires", "cache-control", "date", "age"),
            ("last-modified", "content-type", "content-length"),
            id="15.4.5 with an entity-tag",
        ),
    ],
)
async def test_what_a_304_carries(stored: dict[str, str], present: tuple[str, ...], absent: tuple[str, ...]) -> None:
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(stored, 60))))
    await play.get()
    got = await play.get(lines={"If-None-Match": "*"})
    assert got.status == 304
    assert [name for name in present if got.field(name) is None] == []
    assert [name for name in absent if got.field(name) is not None] == []
    assert got.answer.length is None, "Content-Length of a 304 would be that of the 200 (RFC 9110 §8.6)"


async def test_conditions_are_ignored_where_the_answer_is_no_success() -> None:
    """13.2.1"""
    play = Scenario(ScriptedUpstream(Reply(404, fresh({"ETag": '"v1"'}, 60))))
    assert [(await play.get(lines={"If-None-Match": '"v1"'})).status for _ in range(2)] == [404, 404]


async def test_what_is_not_stored_is_judged_all_the_same() -> None:
    """13.2.1: the upstream did not see the condition."""
    body = Reply(lines={**JSON, "Cache-Control": "private", "ETag": '"v1"'})
    play = Scenario(ScriptedUpstream(body))
    got = await play.get(lines={"If-None-Match": '"v1"'})
    assert (got.status, got.body, got.cache_status) == (304, b"", "fwd=bypass; detail=private")
    assert play.origin.bodies[0].is_closed
    assert play.guard.inflight == 0


@pytest.mark.parametrize("name", ["If-Match", "If-Unmodified-Since"])
async def test_preconditions_on_the_present_state_are_the_origins(name: str) -> None:
    """4.3.2"""
    play = Scenario(ScriptedUpstream(Reply(lines=fresh({"ETag": '"v1"'}, 60)), Reply(412, JSON)))
    await play.get()
    assert (await play.get(lines={name: '"v0"'})).status == 412
    assert sent(play, 1, name.lower()) == '"v0"'
    assert (await play.get()).x_cache == "HIT"


# HEAD ---------------------------------------------------------------------------------------------------------------


async def _stale_then_head(first: dict[str, str], head: dict[str, str], status: int = 200) -> Scenario:
    play = Scenario(
        ScriptedUpstream(Reply(lines=fresh(first)), Reply(status, head, ()), Reply(lines=fresh({"X": "new"})))
    )
    await play.get()
    play.clock.advance(11)
    await play.get(method="HEAD")
    assert play.origin.requests[1].method == "HEAD"
    assert play.guard.inflight == 0
    return play


@pytest.mark.parametrize(
    ("first", "head"),
    [
        pytest.param({}, {}, id="4.3.5 nothing to compare"),
        pytest.param({"ETag": '"v1"'}, {"ETag": '"v1"'}, id="4.3.5 the same entity-tag"),
        pytest.param({"Last-Modified": LM}, {"Last-Modified": LM}, id="4.3.5 the same Last-Modified"),
        pytest.param({}, {"Content-Length": "7"}, id="4.3.5 the same length"),
        pytest.param({"ETag": '"v1"'}, {"Content-Length": "7"}, id="4.3.5 only what it has counts"),
    ],
)
async def test_a_head_brings_a_stored_get_up_to_date(first: dict[str, str], head: dict[str, str]) -> None:
    play = await _stale_then_head(first, {**head, "Cache-Control": "max-age=100", "X": "of the HEAD"})
    got = await play.get()
    assert (got.cache_status, got.field("x"), got.body) == ("hit; ttl=100", "of the HEAD", b'{"a":1}')
    assert len(play.origin.requests) == 2


@pytest.mark.parametrize(
    ("first", "head"),
    [
        pytest.param({"ETag": '"v1"'}, {"ETag": '"v2"'}, id="4.3.5 another entity-tag"),
        pytest.param({}, {"ETag": '"v2"'}, id="4.3.5 an entity-tag where there was none"),
        pytest.param({"Last-Modified": LM}, {"Last-Modified": LATER}, id="4.3.5 another Last-Modified"),
        pytest.param({}, {"Content-Length": "8"}, id="4.3.5 another length"),
        pytest.param({"ETag": '"v1"'}, {"ETag": '"v1"', "Content-Length": "8"}, id="4.3.5 all must be the same"),
    ],
)
async def test_a_head_of_something_else_leaves_the_stored_get_stale(
    first: dict[str, str], head: dict[str, str]
) -> None:
    play = await _stale_then_head(first, {**head, "Cache-Control": "max-age=100"})
    assert (await play.get()).field("x") == "new"
    assert len(play.origin.requests) == 3


async def test_a_head_that_says_nothing_changes_nothing() -> None:
    """A route's lifetime does not begin again because a HEAD was answered."""
    play = Scenario(ScriptedUpstream(Reply(), Reply(200, {"Content-Length": "7"}, ()), Reply(chunks=(b'{"a":2}',))))
    await play.get()
    play.clock.advance(61)
    assert (await play.get(method="HEAD")).cache_status == "fwd=stale"
    assert (await play.get()).body == b'{"a":2}'
    assert play.guard.inflight == 0


async def test_a_head_of_something_else_ends_what_would_have_been_served_while_refreshed() -> None:
    play = await _stale_then_head({"ETag": '"v1"'}, {"Content-Length": "8"})
    (stored,) = play.store.entries["/a"]
    assert stored.is_ended


@pytest.mark.parametrize("status", [404, 410, 301])
async def test_only_a_200_to_a_head_speaks_of_a_stored_get(status: int) -> None:
    """4.3.5"""
    play = await _stale_then_head({"ETag": '"v1"'}, {"ETag": '"v2"'}, status)
    (stored,) = play.store.entries["/a"]
    assert not stored.is_ended


@pytest.mark.parametrize(
    "failing",
    [Reply(503, JSON, ()), Reply(failure=UpstreamError(Failure.UNREACHABLE, "no"))],
    ids=["5861-4 a 503", "4.2.4 no connection"],
)
async def test_a_head_is_answered_by_what_is_stale_when_asking_fails(failing: Reply) -> None:
    play = Scenario(ScriptedUpstream(Reply(lines=fresh()), failing), (a_route(stale_if_error=100.0),))
    await play.get()
    play.clock.advance(11)
    got = await play.get(method="HEAD")
    assert (got.status, got.cache_status, got.answer.length) == (200, "hit; ttl=-1; detail=sie", 7)
    assert play.guard.inflight == 0


async def test_a_head_that_fails_with_nothing_stored_says_so() -> None:
    play = Scenario(ScriptedUpstream(Reply(failure=UpstreamError(Failure.TIMEOUT, "late"))))
    assert (await play.get(method="HEAD")).status == 504
    assert play.observer.failures == [Failure.TIMEOUT]
    assert play.guard.inflight == 0


async def test_a_condition_on_a_head_is_judged_here_too() -> None:
    play = Scenario(ScriptedUpstream(Reply(lines=fresh({"ETag": '"v1"'}))))
    got = await play.get(lines={"If-None-Match": '"v1"'}, method="HEAD")
    assert (got.status, sent(play, 0, "if-none-match")) == (304, None)
