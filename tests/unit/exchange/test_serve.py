"""Plays about one request or several: who asks the upstream, who waits, what everybody is told."""

import asyncio
from typing import Any

import jmespath
import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.guard import GuardSettings
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.disposition import NotStoredReason, Verdict
from proxy.policy.route import ForwardFields, KeyRule, Mode, RoutePolicy, VerdictRule
from tests.support.builders import a_request
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Got, Scenario, a_route, settle

JSON = {"Content-Type": "application/json"}
EVERYTHING = Purge(PurgeKind.ALL, "", PurgeMode.HARD)
UNREACHABLE = UpstreamError(Failure.UNREACHABLE, "refused by the test")


def fresh(seconds: int = 10, **more: str) -> dict[str, str]:
    return {**JSON, "Cache-Control": f"max-age={seconds}", **more}


async def test_the_second_answer_comes_from_the_store() -> None:
    play = Scenario()
    first, second = await play.get(), await play.get()
    assert (first.cache_status, first.x_cache) == ("fwd=uri-miss; fwd-status=200; stored", "MISS")
    assert (second.cache_status, second.x_cache) == ("hit; ttl=60", "HIT")
    assert first.body == second.body == b'{"a":1}'
    assert len(play.origin.requests) == 1


async def test_followers_share_one_fetch() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), gate=gate)))
    asking = play.together(100)
    await play.origin.arrived.wait()
    gate.set()
    answers = await asyncio.gather(*asking)
    told = [answer.cache_status for answer in answers]
    assert told == ["fwd=uri-miss; fwd-status=200; stored"] + ["fwd=uri-miss; collapsed"] * 99
    assert {answer.x_cache for answer in answers[1:]} == {"COALESCED"}
    assert {answer.body for answer in answers} == {b'{"a":1}'}
    assert len(play.origin.requests) == 1


async def test_the_fetch_is_finished_and_stored_when_every_client_has_left() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), gate=gate)))
    asking = play.together(3)
    await play.origin.arrived.wait()
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    gate.set()
    await settle()
    assert (await play.get()).x_cache == "HIT"
    assert len(play.origin.requests) == 1


async def test_a_leader_that_leaves_harms_nobody() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), gate=gate)))
    leader, *followers = play.together(4)
    await play.origin.arrived.wait()
    leader.cancel()
    gate.set()
    assert [got.x_cache for got in await asyncio.gather(*followers)] == ["COALESCED"] * 3
    assert len(play.origin.requests) == 1


async def test_a_leader_that_leaves_in_mid_body_does_not_stop_the_fetch() -> None:
    body_gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), chunks=(b"[1,", b"2]"), body_gate=body_gate)))
    request = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    await settle()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    body_gate.set()
    await settle()
    assert (await play.get()).body == b"[1,2]"
    assert len(play.origin.requests) == 1


async def test_what_turns_out_private_is_its_askers_alone_and_the_others_are_released_at_its_head() -> None:
    gate, body_gate = asyncio.Event(), asyncio.Event()
    private = Reply(lines={**JSON, "Cache-Control": "private"}, gate=gate, body_gate=body_gate)
    play = Scenario(ScriptedUpstream(private))
    asking = play.together(3)
    await play.origin.arrived.wait()
    gate.set()
    await settle()
    assert len(play.origin.requests) == 3, "the followers wait for the body of an answer that is not theirs"
    body_gate.set()
    answers = await asyncio.gather(*asking)
    assert {answer.cache_status for answer in answers} == {"fwd=bypass; detail=private"}
    assert play.store.entries == {}


async def test_after_an_answer_that_was_private_the_next_ones_do_not_queue_behind_each_other() -> None:
    gate = asyncio.Event()
    private = {**JSON, "Cache-Control": "private"}
    play = Scenario(ScriptedUpstream(Reply(lines=private), Reply(lines=private, gate=gate)))
    await play.get()
    asking = play.together(3)
    await settle()
    assert len(play.origin.requests) == 4
    gate.set()
    await asyncio.gather(*asking)


async def test_an_error_is_shared_with_those_who_waited_and_not_stored() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(503, JSON, (b'{"e":1}',), gate=gate)))
    asking = play.together(5)
    await play.origin.arrived.wait()
    gate.set()
    answers = await asyncio.gather(*asking)
    assert {(answer.status, answer.body) for answer in answers} == {(503, b'{"e":1}')}
    assert len(play.origin.requests) == 1
    await play.get()
    assert len(play.origin.requests) == 2


@pytest.mark.parametrize(
    ("route", "name", "lines"),
    [
        pytest.param(a_route(key=KeyRule(fields=("x-key",))), "X-Key", {}, id="by the route"),
        pytest.param(
            a_route(key=KeyRule(fields=("x-key",))), "X-Key", {"Vary": "*"}, id="by the route, whatever it says"
        ),
        pytest.param(a_route(), "X-Key", {"Vary": "X-Key"}, id="9111-4.1 by Vary"),
        pytest.param(a_route(), "X-Api-Key", {}, id="a key as many APIs have it"),
        pytest.param(a_route(mode=Mode.OVERRIDE), "X-Auth-Token", {}, id="the same on a route that passes all on"),
    ],
)
async def test_an_error_is_for_those_with_its_selecting_fields(
    route: RoutePolicy, name: str, lines: dict[str, str]
) -> None:
    """Who is refused must not be the reason why somebody with another key is."""
    gate = asyncio.Event()
    refused, good = Reply(401, lines, (b"who?",), gate=gate), Reply(200, {"Content-Type": "text/plain"}, (b"you",))
    play = Scenario(ScriptedUpstream(refused, good), (route,))
    asking = [asyncio.ensure_future(play.get(lines={name: key})) for key in ("bad", "bad", "good")]
    await settle()
    gate.set()
    answers = [await one for one in asking]
    assert [(got.status, got.body) for got in answers] == [(401, b"who?"), (401, b"who?"), (200, b"you")]
    assert len(play.origin.requests) == 2


async def test_an_api_that_fails_is_asked_once_whoever_asks() -> None:
    """What it says then speaks of itself, and not of a key."""
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(503, {}, (b"no",), gate=gate)))
    asking = [asyncio.ensure_future(play.get(lines={"X-Api-Key": f"{number}"})) for number in range(20)]
    await settle()
    gate.set()
    assert {(await one).status for one in asking} == {503}
    assert len(play.origin.requests) == 1


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        pytest.param(Failure.UNREACHABLE, 502, "unreachable", id="unreachable is 502"),
        pytest.param(Failure.PROTOCOL, 502, "protocol", id="broken off is 502"),
        pytest.param(Failure.TIMEOUT, 504, "timeout", id="late is 504"),
        pytest.param(Failure.SHED, 503, "shed", id="not asked is 503"),
    ],
)
async def test_a_failure_says_which_and_no_internals(failure: Failure, status: int, code: str) -> None:
    play = Scenario(ScriptedUpstream(Reply(failure=UpstreamError(failure, "10.0.0.7:8000 said no"))))
    got = await play.get()
    assert got.status == status
    assert got.field("content-type") == "application/problem+json"
    assert f'"code": "{code}"'.encode() in got.body
    assert b"10.0.0.7" not in got.body
    assert play.observer.failures == [failure]


async def test_a_failed_fetch_is_asked_once_for_all_who_wait() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(failure=UNREACHABLE, gate=gate)))
    asking = play.together(10)
    await play.origin.arrived.wait()
    gate.set()
    assert [got.status for got in await asyncio.gather(*asking)] == [502] * 10
    assert len(play.origin.requests) == 1


async def test_a_fetch_that_is_not_over_in_time_is_a_504_for_everyone_at_once() -> None:
    play = Scenario(ScriptedUpstream(Reply(gate=asyncio.Event())), total=0.05)
    assert [got.status for got in await asyncio.gather(*play.together(3))] == [504] * 3


async def test_stale_is_served_when_fetching_fails() -> None:
    route = a_route(stale_if_error=100.0)
    play = Scenario(ScriptedUpstream(Reply(), Reply(failure=UNREACHABLE)), (route,))
    await play.get()
    play.clock.advance(70)
    got = await play.get()
    assert (got.status, got.cache_status, got.x_cache) == (200, "hit; ttl=-10; detail=sie", "STALE")


async def test_stale_is_served_for_a_5xx() -> None:
    play = Scenario(ScriptedUpstream(Reply(), Reply(500, JSON)), (a_route(stale_if_error=100.0),))
    await play.get()
    play.clock.advance(70)
    assert (await play.get()).cache_status == "hit; ttl=-10; detail=sie"


async def test_the_archive_is_marked() -> None:
    route = a_route(stale_if_error=10.0, archive=1000.0)
    play = Scenario(ScriptedUpstream(Reply(), Reply(failure=UNREACHABLE)), (route,))
    await play.get()
    play.clock.advance(500)
    got = await play.get()
    assert (got.cache_status, got.x_cache) == ("hit; ttl=-440; detail=archive", "ARCHIVE")


async def test_while_one_refresh_runs_everybody_gets_stale_at_once() -> None:
    gate = asyncio.Event()
    refreshed = Reply(chunks=(b'{"a":2}',), gate=gate)
    play = Scenario(ScriptedUpstream(Reply(), refreshed), (a_route(stale_while_revalidate=100.0),))
    await play.get()
    play.clock.advance(70)
    first, second = await play.get(), await play.get()
    assert (first.x_cache, second.x_cache) == ("STALE", "UPDATING")
    assert first.cache_status == second.cache_status == "hit; ttl=-10; detail=swr"
    gate.set()
    await settle()
    assert (await play.get()).body == b'{"a":2}'
    assert len(play.origin.requests) == 2


async def test_a_304_freshens_what_is_stored() -> None:
    first = Reply(lines=fresh(ETag='"v1"'))
    play = Scenario(ScriptedUpstream(first, Reply(304, {"ETag": '"v1"', "Cache-Control": "max-age=10"}, ())))
    await play.get()
    play.clock.advance(11)
    got = await play.get()
    assert (got.status, got.body) == (200, b'{"a":1}')
    assert (got.x_cache, got.cache_status) == ("REVALIDATED", "fwd=stale; fwd-status=304; stored")
    assert play.origin.requests[1].fields.joined("if-none-match") == '"v1"'
    assert (await play.get()).x_cache == "HIT"


async def test_an_expired_answer_that_was_fetched_again() -> None:
    play = Scenario(ScriptedUpstream(Reply(), Reply(chunks=(b'{"a":2}',))))
    await play.get()
    play.clock.advance(70)
    got = await play.get()
    assert (got.body, got.x_cache) == (b'{"a":2}', "EXPIRED")
    assert got.cache_status == "fwd=stale; fwd-status=200; stored"


async def test_a_client_that_holds_the_made_etag_gets_a_304() -> None:
    play = Scenario()
    await play.get()
    etag = (await play.get()).field("etag")
    assert etag is not None
    got = await play.get(lines={"If-None-Match": etag})
    assert (got.status, got.body) == (304, b"")
    play.clock.advance(70)
    again = await play.get(lines={"If-None-Match": etag})
    assert again.status == 304, "the same answer, fetched anew"
    assert "if-none-match" not in play.origin.requests[1].fields, "a made ETag went upstream"


async def test_head_is_answered_from_a_stored_get() -> None:
    play = Scenario()
    await play.get()
    got = await play.get(method="HEAD")
    assert (got.status, got.x_cache, got.answer.length) == (200, "HIT", 7)
    assert len(play.origin.requests) == 1


async def test_head_with_nothing_stored_asks_and_stores_nothing() -> None:
    play = Scenario()
    assert (await play.get(method="HEAD")).cache_status == "fwd=uri-miss"
    assert play.origin.requests[0].method == "HEAD"
    assert play.store.entries == {}


async def test_a_follower_with_other_selecting_fields_goes_by_itself() -> None:
    gate = asyncio.Event()
    spanish = Reply(lines=fresh(Vary="Accept-Language"), chunks=(b'"hola"',), gate=gate)
    english = Reply(lines=fresh(Vary="Accept-Language"), chunks=(b'"hello"',))
    play = Scenario(ScriptedUpstream(spanish, english))
    one = asyncio.ensure_future(play.get(lines={"Accept-Language": "es"}))
    await play.origin.arrived.wait()
    two = asyncio.ensure_future(play.get(lines={"Accept-Language": "en"}))
    await settle()
    gate.set()
    assert [(await one).body, (await two).body] == [b'"hola"', b'"hello"']
    assert (await two).cache_status == "fwd=vary-miss; fwd-status=200; stored"
    assert (await play.get(lines={"Accept-Language": "es"})).body == b'"hola"'


async def test_a_store_that_is_down_is_a_miss() -> None:
    play = Scenario()
    play.store.is_down = True
    assert [(await play.get()).status for _ in range(2)] == [200, 200]
    assert len(play.origin.requests) == 2
    assert set(play.observer.store_failures) == {"lookup", "put"}


@pytest.mark.parametrize(("is_vouched", "fetches"), [(True, 1), (False, 2)])
async def test_where_a_purge_may_be_unheard_of_no_fetch_is_joined(is_vouched: bool, fetches: int) -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), gate=gate)))
    play.store.is_down, play.store.is_vouched = True, is_vouched
    both = play.together(2)
    await settle()
    assert len(play.origin.requests) == fetches
    gate.set()
    assert {(await one).status for one in both} == {200}


async def test_a_fetch_begun_before_a_hard_purge_brings_nothing_back() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), chunks=(b'"old"',), gate=gate), Reply(chunks=(b'"new"',))))
    before = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    await play.store.purge(EVERYTHING)
    after = await play.get()
    assert after.body == b'"new"', "joined a fetch that began before the purge"
    gate.set()
    assert (await before).body == b'"old"'
    await settle()
    assert (await play.get()).body == b'"new"'
    assert play.observer.reasons == [NotStoredReason.PURGED_IN_FLIGHT]


async def test_too_large_a_body_streams_through_to_the_one_who_asked() -> None:
    chunks = tuple(bytes([65 + n]) * 400 for n in range(10))
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), chunks=chunks)), (a_route(max_object=1000),))
    assert (await play.get()).body == b"".join(chunks)
    assert play.observer.reasons == [NotStoredReason.TOO_LARGE]
    assert play.store.entries == {}
    assert play.guard.inflight == 0


async def test_an_endless_body_is_read_only_as_fast_as_its_client() -> None:
    chunks = (b"x" * 100,) * 1000
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), chunks=chunks)), (a_route(max_object=1000),))
    answer = await play.exchange.answer(a_request(), None)
    body = answer.body
    assert not isinstance(body, bytes)
    await anext(aiter(body))
    await settle()
    assert play.origin.bodies[-1].read_bytes <= 1200
    await body.aclose()
    assert play.origin.bodies[-1].is_closed
    assert play.guard.inflight == 0


async def test_a_body_that_breaks_off_is_cut_for_the_asker_and_never_stored() -> None:
    broken = Reply(lines=fresh(), chunks=(b"[1,",), breaks=UpstreamError(Failure.PROTOCOL, "reset"))
    play = Scenario(ScriptedUpstream(broken))
    with pytest.raises(UpstreamError):
        await play.get()
    assert play.store.entries == {}
    assert play.guard.inflight == 0


async def test_the_cap_is_never_passed_and_the_queue_is_fair() -> None:
    gate = asyncio.Event()
    play = Scenario(
        ScriptedUpstream(Reply(lines=fresh(), gate=gate)), guard_settings=GuardSettings(4, queue=10, queue_timeout=5)
    )
    asking = [asyncio.ensure_future(play.get(f"/{n}")) for n in range(16)]
    await settle()
    assert (play.origin.inflight, play.guard.queue_depth) == (4, 10)
    assert [request.target for request in play.origin.requests] == ["/0", "/1", "/2", "/3"]
    gate.set()
    answers = await asyncio.gather(*asking)
    assert [got.status for got in answers] == [200] * 14 + [503] * 2
    assert [answer.field("x-queue-position") for answer in answers[-2:]] == ["11", "11"]
    assert answers[-1].field("retry-after") is not None
    assert play.origin.most_inflight == 4
    assert [request.target for request in play.origin.requests] == [f"/{n}" for n in range(14)]
    assert play.guard.inflight == 0


async def test_a_client_that_joins_a_refresh_does_not_wait_behind_other_clients_of_its_time() -> None:
    gate = asyncio.Event()
    play = Scenario(
        ScriptedUpstream(Reply(), Reply(gate=gate), Reply()),
        (a_route(stale_while_revalidate=10.0),),
        GuardSettings(1, queue=10, queue_timeout=5),
    )
    await play.get("/a")
    play.clock.advance(65)
    held = asyncio.ensure_future(play.get("/held"))
    await settle()
    assert (await play.get("/a")).x_cache == "STALE", "its refresh waits for a place"
    play.clock.advance(10)
    joined = asyncio.ensure_future(play.get("/a"))
    await settle()
    last = asyncio.ensure_future(play.get("/last"))
    await settle()
    gate.set()
    await asyncio.gather(held, joined, last)
    assert [request.target for request in play.origin.requests] == ["/a", "/held", "/a", "/last"]


async def test_a_full_queue_serves_stale_where_there_is_any() -> None:
    gate = asyncio.Event()
    play = Scenario(
        ScriptedUpstream(Reply(), Reply(gate=gate)),
        (a_route(stale_if_error=100.0),),
        GuardSettings(1, queue=0, queue_timeout=5),
    )
    await play.get("/a")
    play.clock.advance(70)
    other = asyncio.ensure_future(play.get("/b"))
    await settle()
    got = await play.get("/a")
    assert (got.status, got.cache_status) == (200, "hit; ttl=-10; detail=shed")
    gate.set()
    await other


async def test_who_waits_too_long_gets_what_is_stale_or_a_503() -> None:
    gate = asyncio.Event()
    play = Scenario(
        ScriptedUpstream(Reply(), Reply(gate=gate)),
        (a_route(stale_if_error=100.0),),
        GuardSettings(1, queue=5, queue_timeout=0.02),
    )
    await play.get("/a")
    play.clock.advance(70)
    other = asyncio.ensure_future(play.get("/b"))
    await settle()
    stale, cold, passed = await asyncio.gather(play.get("/a"), play.get("/c"), play.get("/d", method="POST"))
    assert (stale.status, stale.cache_status) == (200, "hit; ttl=-10; detail=shed")
    for got in (cold, passed):
        assert got.status == 503
        assert int(got.field("x-queue-position") or 0) >= 1
        assert int(got.field("retry-after") or 0) >= 1
    gate.set()
    await other


@pytest.mark.parametrize(
    ("lines", "method", "told"),
    [
        pytest.param({}, "POST", "fwd=method", id="an unsafe method goes through"),
        pytest.param({}, "DELETE", "fwd=method", id="so does DELETE"),
        pytest.param({"Cookie": "a=1"}, "GET", "fwd=bypass; detail=cookie", id="a Cookie goes through"),
    ],
)
async def test_what_is_not_cacheable_goes_through_each_time(lines: dict[str, str], method: str, told: str) -> None:
    play = Scenario()
    assert [(await play.get(lines=lines, method=method)).cache_status for _ in range(2)] == [told, told]
    assert len(play.origin.requests) == 2
    assert play.guard.inflight == 0


async def test_an_unsafe_request_that_succeeds_invalidates_its_target() -> None:
    play = Scenario()
    await play.get()
    await play.get(method="PUT")
    assert (await play.get()).x_cache == "MISS"


async def test_an_unsafe_request_that_fails_invalidates_nothing() -> None:
    play = Scenario(ScriptedUpstream(Reply(), Reply(500)))
    await play.get()
    await play.get(method="PUT")
    assert (await play.get()).x_cache == "HIT"


async def test_requests_with_authorization_never_wait_for_each_other() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), gate=gate)))
    asking = [asyncio.ensure_future(play.get(lines={"Authorization": f"Bearer {n}"})) for n in range(3)]
    await settle()
    assert len(play.origin.requests) == 3
    gate.set()
    await asyncio.gather(*asking)
    assert play.store.entries == {}


async def test_saved_seconds_are_those_the_fetch_took() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(60), gate=gate)))
    first = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    play.clock.advance(12)
    gate.set()
    assert (await first).answer.saved_seconds == 0
    assert (await play.get()).answer.saved_seconds == 12


def _judging(**changes: Any) -> RoutePolicy:
    rules = tuple(
        VerdictRule(when, jmespath.compile(when), verdict)
        for when, verdict in (
            ("message && detail", Verdict.FAILURE),
            ("gone", Verdict.NEGATIVE),
            ("mine", Verdict.PASS),
        )
    )
    return a_route(mode=Mode.OVERRIDE, verdicts=rules, **changes)


ERROR_IN_200 = Reply(chunks=(b'{"message":"Error al', b' consultar RUC","detail":"x","ruc":"1"}'))


async def test_an_error_inside_a_200_is_relayed_and_never_stored() -> None:
    play = Scenario(ScriptedUpstream(ERROR_IN_200), (_judging(),))
    got = await play.get()
    assert (got.status, got.x_cache) == (200, "MISS")
    assert got.cache_status == "fwd=uri-miss; fwd-status=200; detail=verdict-failure"
    assert got.body.startswith(b'{"message"')
    await play.get()
    assert len(play.origin.requests) == 2
    assert play.store.entries == {}


async def test_stale_is_preferred_to_an_error_inside_a_200() -> None:
    play = Scenario(ScriptedUpstream(Reply(), ERROR_IN_200), (_judging(stale_if_error=100.0),))
    await play.get()
    play.clock.advance(70)
    got = await play.get()
    assert (got.body, got.cache_status) == (b'{"a":1}', "hit; ttl=-10; detail=sie")


async def test_a_body_to_be_judged_is_held_back_whole() -> None:
    body_gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(chunks=(b'{"a"', b":1}"), body_gate=body_gate)), (_judging(),))
    asking = asyncio.ensure_future(play.exchange.answer(a_request(), None))
    await play.origin.arrived.wait()
    await settle()
    assert not asking.done(), "a byte went out before the body was judged"
    body_gate.set()
    answer = await asking
    assert (await Got.of(answer)).body == b'{"a":1}'


async def test_a_negative_answer_has_a_short_life() -> None:
    play = Scenario(ScriptedUpstream(Reply(chunks=(b'{"gone":true}',))), (_judging(negative_ttl=5.0),))
    await play.get()
    assert (await play.get()).x_cache == "NEGATIVE"
    play.clock.advance(6)
    assert (await play.get()).x_cache in ("MISS", "EXPIRED")


async def test_a_verdict_can_say_pass() -> None:
    play = Scenario(ScriptedUpstream(Reply(chunks=(b'{"mine":1}',))), (_judging(),))
    assert (await play.get()).cache_status == "fwd=bypass; detail=body-verdict"
    assert play.store.entries == {}


async def test_draining_finishes_what_is_under_way() -> None:
    gate = asyncio.Event()
    play = Scenario(ScriptedUpstream(Reply(lines=fresh(), gate=gate)))
    asking = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    draining = asyncio.ensure_future(play.flights.drain(5))
    gate.set()
    assert await draining == 0
    assert (await asking).status == 200
    assert len(play.flights) == 0


async def test_followers_of_another_variant_share_a_fetch_of_their_own() -> None:
    gate = asyncio.Event()
    spanish = Reply(lines=fresh(Vary="Accept-Language"), chunks=(b'"hola"',), gate=gate)
    english = Reply(lines=fresh(Vary="Accept-Language"), chunks=(b'"hello"',))
    play = Scenario(ScriptedUpstream(spanish, english))
    leader = asyncio.ensure_future(play.get(lines={"Accept-Language": "es"}))
    await play.origin.arrived.wait()
    others = [asyncio.ensure_future(play.get(lines={"Accept-Language": "en"})) for _ in range(20)]
    await settle()
    gate.set()
    assert (await leader).body == b'"hola"'
    assert {got.body for got in await asyncio.gather(*others)} == {b'"hello"'}
    assert len(play.origin.requests) == 2


async def test_waiting_in_the_queue_does_not_count_against_the_fetch() -> None:
    gate = asyncio.Event()
    play = Scenario(
        ScriptedUpstream(Reply(lines=fresh(), gate=gate), Reply(lines=fresh())),
        guard_settings=GuardSettings(1, queue=5, queue_timeout=5),
        total=0.2,
    )
    first = asyncio.ensure_future(play.get("/a"))
    await play.origin.arrived.wait()
    second = asyncio.ensure_future(play.get("/b"))
    assert (await first).status == 504  # after 0.2 s, all of which the second one spent in the queue
    assert (await second).status == 200


async def test_a_head_with_authorization_takes_it_along() -> None:
    play = Scenario(routes=(a_route(mode=Mode.OVERRIDE, forward_fields=ForwardFields.STRICT),))
    await play.get(lines={"Authorization": "Bearer x"}, method="HEAD")
    assert play.origin.requests[0].fields.joined("authorization") == "Bearer x"


async def test_a_fetch_that_ends_without_a_word_is_a_502_and_is_not_begun_again() -> None:
    play = Scenario(ScriptedUpstream(Reply(bug=ZeroDivisionError())))
    got = await play.get()
    assert got.status == 502
    assert len(play.origin.requests) == 1
    await settle()
    assert len(play.observer.bugs) == 1


async def test_what_is_cut_by_shutdown_is_told_so() -> None:
    play = Scenario(ScriptedUpstream(Reply(gate=asyncio.Event())))
    asking = play.together(2)
    await play.origin.arrived.wait()
    assert await play.flights.drain(0) == 1
    assert [got.status for got in await asyncio.gather(*asking)] == [502, 502]


async def test_unsafe_requests_for_what_is_not_stored_fill_no_purge_log() -> None:
    play = Scenario()
    for number in range(5):
        await play.get(f"/{number}", method="POST")
    assert play.store.purges == []


async def test_an_unsafe_request_overtakes_a_fetch_under_way() -> None:
    gate = asyncio.Event()
    old = Reply(lines=fresh(), chunks=(b'"old"',), gate=gate)
    play = Scenario(ScriptedUpstream(old, Reply(), Reply(chunks=(b'"new"',))))
    asking = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    await play.get(method="PUT")
    gate.set()
    await asking
    await settle()
    assert (await play.get()).body == b'"new"'


async def test_a_head_without_validators_makes_nothing_fresh() -> None:
    sized = {**JSON, "Content-Length": "7"}
    play = Scenario(ScriptedUpstream(Reply(lines=sized), Reply(lines=sized, chunks=()), Reply(chunks=(b'{"a":2}',))))
    await play.get()
    play.clock.advance(70)
    await play.get(method="HEAD")
    assert (await play.get()).body == b'{"a":2}', "a HEAD of the same length made an old body fresh"
