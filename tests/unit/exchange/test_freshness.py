"""Plays about time: guessed lifetimes, what clients ask of the cache, and an upstream that does not answer."""

from typing import Any

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.policy.field_values import format_http_date
from tests.support.builders import T0
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route, settle

JSON = {"Content-Type": "application/json"}
FOR_10 = {**JSON, "Cache-Control": "max-age=10"}
NEW = b'{"a":2}'
DAY = 86_400.0


def a_play(*replies: Reply, **settings: Any) -> Scenario:
    return Scenario(ScriptedUpstream(*replies), (a_route(**{"ttl": 0.0, **settings}),))


# An upstream that does not answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.TIMEOUT, Failure.PROTOCOL])
async def test_stale_stands_in_for_an_upstream_that_does_not_answer(failure: Failure) -> None:
    gone = Reply(failure=UpstreamError(failure, "by the test"))
    play = a_play(Reply(lines=FOR_10), gone, stale_on_disconnect=DAY)
    await play.get()
    play.clock.advance(12)
    got = await play.get()
    assert (got.status, got.cache_status, got.x_cache) == (200, "hit; ttl=-2; detail=sie", "STALE")
    assert got.field("age") == "12"


@pytest.mark.parametrize(
    ("directives", "status"),
    [
        pytest.param("max-age=10, must-revalidate", 504, id="5.2.2.2 must-revalidate"),
        pytest.param("max-age=10, proxy-revalidate", 504, id="5.2.2.8 proxy-revalidate"),
        pytest.param("max-age=10, no-cache", 504, id="5.2.2.4 no-cache"),
        pytest.param("s-maxage=10", 504, id="5.2.2.10 s-maxage"),
        pytest.param("max-age=10, stale-if-error=1", 502, id="5861-4 behind the origin's window"),
        pytest.param("max-age=10, stale-if-error=5", 200, id="5861-4 inside it"),
        pytest.param("max-age=10", 200, id="4.2.4 nobody forbade it"),
    ],
)
async def test_unless_it_is_forbidden(directives: str, status: int) -> None:
    gone = Reply(failure=UpstreamError(Failure.UNREACHABLE, "by the test"))
    lines = {**JSON, "Cache-Control": directives, "ETag": '"a"'}
    play = a_play(Reply(lines=lines), gone, stale_on_disconnect=DAY)
    await play.get()
    play.clock.advance(12)
    assert (await play.get()).status == status


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_error_is_an_answer_and_goes_through(status: int) -> None:
    play = a_play(Reply(lines=FOR_10), Reply(status, JSON), stale_on_disconnect=DAY)
    await play.get()
    play.clock.advance(12)
    assert (await play.get()).status == status


# A guess ------------------------------------------------------------------------------------------------------------


async def test_a_guess_is_a_hit_until_it_is_over() -> None:
    lines = {"Content-Type": "text/html", "Last-Modified": format_http_date(T0 - 1000)}
    play = a_play(Reply(lines=lines), Reply(304), heuristic=True)
    await play.get()
    play.clock.advance(99)
    assert (await play.get()).cache_status == "hit; ttl=1"
    play.clock.advance(2)
    assert (await play.get()).x_cache == "REVALIDATED"
    assert (await play.get()).cache_status == "hit; ttl=110"
    assert len(play.origin.requests) == 2


# What clients ask ---------------------------------------------------------------------------------------------------


async def test_a_reload_is_a_hit_unless_the_route_honours_it() -> None:
    play = a_play(Reply(lines=FOR_10))
    await play.get()
    assert (await play.get(lines={"Cache-Control": "no-cache", "Pragma": "no-cache"})).x_cache == "HIT"
    assert len(play.origin.requests) == 1


async def test_an_honoured_reload_asks_whether_it_still_holds() -> None:
    play = a_play(Reply(lines={**FOR_10, "ETag": '"a"'}), Reply(304), client_directives=True)
    await play.get()
    got = await play.get(lines={"Cache-Control": "no-cache"})
    assert (got.x_cache, got.cache_status) == ("REVALIDATED", "fwd=request; fwd-status=304; stored")
    assert play.origin.requests[1].fields.joined("if-none-match") == '"a"'


async def test_an_honoured_reload_brings_what_is_new_for_everybody() -> None:
    play = a_play(Reply(lines=FOR_10), Reply(lines=FOR_10, chunks=(NEW,)), client_directives=True)
    await play.get()
    got = await play.get(lines={"Cache-Control": "max-age=0"})
    assert got.x_cache == "HIT", "it is not older than that yet"
    play.clock.advance(1)
    got = await play.get(lines={"Cache-Control": "max-age=0"})
    assert (got.body, got.cache_status) == (NEW, "fwd=request; fwd-status=200; stored")
    assert (await play.get()).body == NEW


async def test_a_reload_that_fails_is_answered_with_what_is_fresh() -> None:
    gone = Reply(failure=UpstreamError(Failure.UNREACHABLE, "by the test"))
    play = a_play(Reply(lines=FOR_10), gone, client_directives=True)
    await play.get()
    assert (await play.get(lines={"Cache-Control": "no-cache"})).status == 200


async def test_a_client_that_takes_stale_gets_it_and_nobody_asks() -> None:
    play = a_play(Reply(lines=FOR_10), client_directives=True)
    await play.get()
    play.clock.advance(15)
    got = await play.get(lines={"Cache-Control": "max-stale=5"})
    assert (got.x_cache, got.cache_status) == ("STALE", "hit; ttl=-5")
    await settle()
    assert len(play.origin.requests) == 1


async def test_nothing_is_stored_of_what_a_client_wants_unstored() -> None:
    play = a_play(Reply(lines=FOR_10), Reply(lines=FOR_10, chunks=(NEW,)), client_directives=True)
    got = await play.get(lines={"Cache-Control": "no-store"})
    assert got.cache_status == "fwd=bypass; detail=client-no-store"
    assert (await play.get()).body == NEW


async def test_only_if_cached_never_reaches_the_upstream() -> None:
    play = a_play(Reply(lines=FOR_10))
    only = {"Cache-Control": "only-if-cached"}
    assert (await play.get(lines=only)).status == 504
    got = await play.get(lines={**only, "Cookie": "a=1"})
    assert (got.status, got.cache_status) == (504, "fwd=request; detail=only-if-cached")
    assert play.origin.requests == []
    await play.get()
    assert (await play.get(lines=only)).x_cache == "HIT"


async def test_warnings_pass_as_they_came_and_none_is_made() -> None:
    lines = {**FOR_10, "Warning": '299 - "x"'}
    gone = Reply(failure=UpstreamError(Failure.UNREACHABLE, "by the test"))
    play = a_play(Reply(lines=lines), Reply(lines=FOR_10), gone, stale_on_disconnect=DAY)
    await play.get()
    assert (await play.get()).field("warning") == '299 - "x"'
    play.clock.advance(11)
    await play.get()
    play.clock.advance(11)
    got = await play.get()
    assert (got.x_cache, got.field("warning")) == ("STALE", None)
