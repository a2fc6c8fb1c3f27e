"""RFC 9110 §14, RFC 9111 §3.3, §3.4 in play: parts asked for, kept, joined, and never taken for the whole."""

import asyncio

import pytest

from proxy.errors import Failure, UpstreamError
from proxy.exchange.purges import Purge, PurgeKind, PurgeMode
from proxy.policy.disposition import NotStoredReason
from proxy.policy.route import Mode
from tests.support.builders import a_request
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Got, Scenario, a_route, settle

WHOLE = b"0123456789"
TYPE = {"Content-Type": "text/plain", "Accept-Ranges": "bytes"}


def part(first: int, last: int, etag: str = '"v1"', **more: str) -> Reply:
    """The upstream's 206 with these bytes."""
    lines = {**TYPE, "ETag": etag, "Cache-Control": "max-age=60", "Content-Range": f"bytes {first}-{last}/10", **more}
    return Reply(206, lines, (WHOLE[first : last + 1],))


def whole(etag: str = '"v1"', body: bytes = WHOLE, **more: str) -> Reply:
    """The upstream's 200."""
    return Reply(200, {**TYPE, "ETag": etag, "Cache-Control": "max-age=60", **more}, (body,))


async def ask(play: Scenario, value: str | None, **lines: str) -> Got:
    """GET with that Range; afterwards no place at the upstream may be taken."""
    named = {name.replace("_", "-"): text for name, text in lines.items()}
    got = await play.get(lines=named if value is None else {"Range": value, **named})
    await settle()
    assert play.guard.inflight == 0
    return got


# From a stored whole --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "status", "content_range", "body"),
    [
        pytest.param("bytes=2-4", 206, "bytes 2-4/10", b"234", id="14.1.2 a part"),
        pytest.param("bytes=7-", 206, "bytes 7-9/10", b"789", id="14.1.2 open ended"),
        pytest.param("bytes=-2", 206, "bytes 8-9/10", b"89", id="14.1.2 a suffix"),
        pytest.param("bytes=0-1,4-5", 200, None, WHOLE, id="14.2 several: the whole"),
        pytest.param("lines=0-1", 200, None, WHOLE, id="14.2 another unit is ignored"),
        pytest.param("bytes=10-", 416, "bytes */10", b"", id="15.5.17 out of range"),
    ],
)
async def test_from_a_stored_whole(value: str, status: int, content_range: str | None, body: bytes) -> None:
    play = Scenario(ScriptedUpstream(whole()))
    await ask(play, None)
    got = await ask(play, value)
    assert (got.status, got.field("content-range"), got.body) == (status, content_range, body)
    assert (got.x_cache, got.field("accept-ranges")) == ("HIT", "bytes")
    assert len(play.origin.requests) == 1


async def test_out_of_range_tells_nothing_of_the_representation_and_is_kept_by_nobody() -> None:
    play = Scenario(ScriptedUpstream(whole()))
    await ask(play, None)
    got = await ask(play, "bytes=10-")
    assert (got.field("etag"), got.field("content-type")) == (None, None)
    assert got.field("cache-control") == "no-store"


@pytest.mark.parametrize(
    ("if_range", "status"),
    [
        pytest.param('"v1"', 206, id="13.1.5 this version"),
        pytest.param('"v0"', 200, id="13.1.5 another: the whole"),
        pytest.param('W/"v1"', 200, id="13.1.5 weak: the whole"),
    ],
)
async def test_if_range_on_a_stored_whole(if_range: str, status: int) -> None:
    play = Scenario(ScriptedUpstream(whole()))
    await ask(play, None)
    assert (await ask(play, "bytes=0-1", If_Range=if_range)).status == status


async def test_head_has_no_parts() -> None:
    play = Scenario(ScriptedUpstream(whole()))
    await ask(play, None)
    got = await play.get(lines={"Range": "bytes=0-1"}, method="HEAD")
    assert (got.status, got.answer.length, got.field("content-range")) == (200, 10, None)


# On a miss ------------------------------------------------------------------------------------------------------------


async def test_a_part_is_asked_for_as_it_is_and_kept() -> None:
    """3.3"""
    play = Scenario(ScriptedUpstream(part(2, 5)))
    got = await ask(play, "bytes=2-5")
    assert (got.status, got.body, got.field("content-range")) == (206, b"2345", "bytes 2-5/10")
    assert got.cache_status == "fwd=uri-miss; fwd-status=206; stored"
    assert play.origin.requests[0].fields.joined("range") == "bytes=2-5"
    again = await ask(play, "bytes=3-4")
    assert (again.status, again.body, again.field("content-range")) == (206, b"34", "bytes 3-4/10")
    assert again.x_cache == "HIT"
    assert len(play.origin.requests) == 1


@pytest.mark.parametrize("value", [None, "bytes=0-5", "bytes=4-", "bytes=2-3,4-5", "bytes=-1"])
async def test_a_part_answers_nothing_beyond_it(value: str | None) -> None:
    """3.3"""
    play = Scenario(ScriptedUpstream(part(2, 5), whole()))
    await ask(play, "bytes=2-5")
    got = await ask(play, value)
    assert got.cache_status.startswith("fwd=partial; ")
    assert got.body in (WHOLE, WHOLE[:6], WHOLE[4:], WHOLE[-1:])
    assert len(play.origin.requests) == 2


async def test_a_head_is_not_answered_by_a_part() -> None:
    play = Scenario(ScriptedUpstream(part(2, 5), whole()))
    await ask(play, "bytes=2-5")
    assert (await play.get(method="HEAD")).cache_status == "fwd=partial"


async def test_parts_grow_together_until_they_are_the_whole() -> None:
    """3.4"""
    play = Scenario(ScriptedUpstream(part(0, 3), part(4, 6), part(7, 9)))
    await ask(play, "bytes=0-3")
    await ask(play, "bytes=4-6")
    assert (await ask(play, "bytes=1-5")).body == b"12345"
    await ask(play, "bytes=7-9")
    got = await ask(play, None)
    assert (got.status, got.body, got.x_cache, got.field("content-range")) == (200, WHOLE, "HIT", None)
    assert len(play.origin.requests) == 3


async def test_parts_of_two_versions_are_never_joined() -> None:
    """3.4"""
    play = Scenario(ScriptedUpstream(part(0, 4), part(5, 9, '"v2"'), whole('"v2"')))
    await ask(play, "bytes=0-4")
    await ask(play, "bytes=5-9")
    assert (await ask(play, "bytes=6-7")).x_cache == "HIT"
    assert (await ask(play, None)).cache_status.startswith("fwd=partial")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(part(0, 3, **{"Cache-Control": "no-store"}), id="5.2.2.5 no-store"),
        pytest.param(part(0, 3, **{"Cache-Control": "private, max-age=9"}), id="5.2.2.7 private"),
        pytest.param(part(0, 3, **{"Cache-Control": "public"}), id="3.3 no lifetime of its own"),
        pytest.param(part(0, 3, **{"Content-Range": "bytes 0-3/*"}), id="14.4 unknown length"),
        pytest.param(
            part(0, 3, **{"Content-Type": "multipart/byteranges; boundary=x", "Content-Range": ""}), id="14.6"
        ),
    ],
)
async def test_parts_that_are_only_relayed(reply: Reply) -> None:
    play = Scenario(ScriptedUpstream(reply))
    got = await ask(play, "bytes=0-3")
    assert (got.status, got.body) == (206, b"0123")
    assert play.store.entries == {}
    await ask(play, "bytes=0-3")
    assert len(play.origin.requests) == 2


async def test_a_part_with_a_weak_entity_tag_stands_for_itself() -> None:
    play = Scenario(ScriptedUpstream(part(0, 3, 'W/"v1"'), part(4, 9, 'W/"v1"'), whole()))
    await ask(play, "bytes=0-3")
    assert (await ask(play, "bytes=1-2")).x_cache == "HIT"
    await ask(play, "bytes=4-9")
    assert (await ask(play, None)).cache_status.startswith("fwd=partial")


async def test_a_part_shorter_than_it_says_is_not_kept() -> None:
    short = part(0, 3)
    short.chunks = (b"01",)
    play = Scenario(ScriptedUpstream(short))
    await ask(play, "bytes=0-3")
    assert play.store.entries == {}


async def test_a_part_that_breaks_off_is_not_kept() -> None:
    broken = part(0, 3)
    broken.breaks = UpstreamError(Failure.PROTOCOL, "reset")
    play = Scenario(ScriptedUpstream(broken))
    with pytest.raises(UpstreamError):
        await ask(play, "bytes=0-3")
    await settle()
    assert play.store.entries == {}
    assert play.guard.inflight == 0


async def test_an_upstream_without_ranges_gives_the_whole_and_the_part_is_cut_here() -> None:
    """14.2"""
    play = Scenario(ScriptedUpstream(whole()))
    got = await ask(play, "bytes=2-4")
    assert (got.status, got.body) == (206, b"234")
    assert (await ask(play, None)).x_cache == "HIT"


async def test_where_the_route_decides_parts_are_cut_from_a_shared_whole() -> None:
    gate = asyncio.Event()
    slow = whole()
    slow.gate = gate
    play = Scenario(ScriptedUpstream(slow), (a_route(mode=Mode.OVERRIDE),))
    asking = [asyncio.ensure_future(play.get(lines={"Range": f"bytes={n}-{n}"})) for n in range(5)]
    await settle()
    gate.set()
    assert [got.body for got in await asyncio.gather(*asking)] == [b"0", b"1", b"2", b"3", b"4"]
    assert len(play.origin.requests) == 1
    assert play.origin.requests[0].fields.joined("range") is None


async def test_the_upstreams_416_is_relayed_and_never_kept() -> None:
    lines = {"Content-Range": "bytes */10", "Cache-Control": "max-age=60"}
    play = Scenario(ScriptedUpstream(Reply(416, lines, ()), whole()), (a_route(statuses=None),))
    got = await ask(play, "bytes=10-")
    assert (got.status, got.field("content-range")) == (416, "bytes */10")
    assert (await ask(play, None)).status == 200


async def test_a_part_that_nobody_asked_for_is_not_kept() -> None:
    play = Scenario(ScriptedUpstream(part(0, 3)))
    assert (await ask(play, None)).status == 206
    assert play.store.entries == {}


async def test_who_leaves_before_the_fetch_has_begun_leaves_nothing_behind() -> None:
    play = Scenario(ScriptedUpstream(part(0, 3)))
    asking = asyncio.ensure_future(play.get(lines={"Range": "bytes=0-3"}))
    while not play.flights.is_fetching("/a"):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await settle()
    assert not play.flights.is_fetching("/a")
    assert (len(play.flights), play.guard.inflight) == (0, 0)


async def test_who_asks_for_a_part_waits_for_nobody_and_nobody_for_it() -> None:
    gate = asyncio.Event()
    slow = whole()
    slow.gate = gate
    play = Scenario(ScriptedUpstream(slow, part(0, 3)))
    waiting = asyncio.ensure_future(play.get())
    await play.origin.arrived.wait()
    got = await play.get(lines={"Range": "bytes=0-3"})
    assert (got.status, got.body) == (206, b"0123")
    gate.set()
    assert (await waiting).body == WHOLE
    await settle()
    assert play.guard.inflight == 0


async def test_a_part_that_is_only_relayed_does_not_keep_others_from_sharing() -> None:
    gate = asyncio.Event()
    slow = whole()
    slow.gate = gate
    play = Scenario(ScriptedUpstream(part(0, 3, 'W/"v1"'), slow))
    await ask(play, "bytes=0-3")
    asking = play.together(5)
    await settle()
    gate.set()
    assert {got.status for got in await asyncio.gather(*asking)} == {200}
    assert len(play.origin.requests) == 2


async def test_a_part_never_takes_the_place_of_the_whole() -> None:
    gate = asyncio.Event()
    slow = part(0, 3)
    slow.gate = gate
    play = Scenario(ScriptedUpstream(slow, whole()))
    waiting = asyncio.ensure_future(play.get(lines={"Range": "bytes=0-3"}))
    await play.origin.arrived.wait()
    await play.get()
    gate.set()
    assert (await waiting).status == 206
    await settle()
    assert (await play.get()).x_cache == "HIT"


async def test_a_part_fetched_before_a_purge_is_not_kept() -> None:
    gate = asyncio.Event()
    slow = part(0, 3)
    slow.gate = gate
    play = Scenario(ScriptedUpstream(slow))
    waiting = asyncio.ensure_future(play.get(lines={"Range": "bytes=0-3"}))
    await play.origin.arrived.wait()
    await play.store.purge(Purge(PurgeKind.ALL, "", PurgeMode.HARD))
    gate.set()
    await waiting
    await settle()
    assert play.store.entries == {}
    assert play.observer.reasons == [NotStoredReason.PURGED_IN_FLIGHT]


async def test_a_store_that_is_down_does_not_keep_a_part_from_its_client() -> None:
    play = Scenario(ScriptedUpstream(part(0, 3)))
    play.store.is_down = True
    assert (await ask(play, "bytes=0-3")).body == b"0123"


async def test_a_download_beyond_the_limit_is_resumed_in_a_stream() -> None:
    play = Scenario(ScriptedUpstream(part(4, 9)), (a_route(max_object=3),))
    answer = await play.exchange.answer(a_request(lines={"Range": "bytes=4-", "If-Range": '"v1"'}), None)
    got = await Got.of(answer)
    assert (got.status, got.body) == (206, b"456789")
    assert play.origin.requests[0].fields.joined("if-range") == '"v1"'
    assert play.store.entries == {}
    assert play.guard.inflight == 0


async def test_an_answer_to_if_range_is_kept_only_where_it_adds_to_what_is_there() -> None:
    """9110-15.3.7: it may lack fields that its asker has from before."""
    play = Scenario(ScriptedUpstream(part(4, 6), part(0, 3), part(4, 6)))
    await ask(play, "bytes=4-6", If_Range='"v1"')
    assert play.store.entries == {}
    await ask(play, "bytes=0-3")
    await ask(play, "bytes=4-6", If_Range='"v1"')
    assert (await ask(play, "bytes=2-5")).x_cache == "HIT"


# Stale parts ----------------------------------------------------------------------------------------------------------


async def test_a_stale_part_is_validated() -> None:
    """4.3.1"""
    play = Scenario(ScriptedUpstream(part(0, 3), Reply(304, {"ETag": '"v1"', "Cache-Control": "max-age=60"}, ())))
    await ask(play, "bytes=0-3")
    play.clock.advance(61)
    got = await ask(play, "bytes=1-2")
    assert (got.status, got.body, got.field("content-range")) == (206, b"12", "bytes 1-2/10")
    assert got.cache_status == "fwd=stale; fwd-status=304; stored"
    assert (await ask(play, "bytes=0-1")).x_cache == "HIT"


async def test_a_stale_part_of_what_has_changed_is_replaced_by_the_whole() -> None:
    play = Scenario(ScriptedUpstream(part(0, 3), whole('"v2"', b"abcdef")))
    await ask(play, "bytes=0-3")
    play.clock.advance(61)
    assert (await ask(play, "bytes=1-2")).body == b"bc"
    assert (await ask(play, None)).body == b"abcdef"


async def test_a_stale_part_stands_in_only_for_itself() -> None:
    route = a_route(stale_if_error=100.0)
    play = Scenario(ScriptedUpstream(part(0, 3), Reply(failure=UpstreamError(Failure.UNREACHABLE, "no"))), (route,))
    await ask(play, "bytes=0-3")
    play.clock.advance(61)
    assert (await ask(play, "bytes=1-2")).body == b"12"
    assert (await ask(play, None)).status == 502
    assert (await ask(play, "bytes=1-8")).status == 502


async def test_what_credentials_brought_is_not_for_others() -> None:
    play = Scenario(ScriptedUpstream(part(0, 3)))
    await ask(play, "bytes=0-3", Authorization="Bearer x")
    assert play.store.entries == {}
    shared = part(0, 3, **{"Cache-Control": "public, max-age=60"})
    play = Scenario(ScriptedUpstream(shared))
    await ask(play, "bytes=0-3", Authorization="Bearer x")
    assert (await ask(play, "bytes=0-3")).x_cache == "HIT"


# The rest of a part ---------------------------------------------------------------------------------------------------


async def test_the_rest_of_a_part_is_fetched_once_for_all_who_want_the_whole() -> None:
    play = Scenario(ScriptedUpstream(part(0, 3), part(4, 9)))
    await ask(play, "bytes=0-3")
    answers = await asyncio.gather(play.get(), play.get(lines={"If-None-Match": '"v1"'}), play.get())
    assert [(got.status, got.body) for got in answers] == [(200, WHOLE), (304, b""), (200, WHOLE)]
    assert sorted(str(got.x_cache) for got in answers) == ["COALESCED", "COALESCED", "MISS"]
    assert len(play.origin.requests) == 2
    assert (await ask(play, None)).x_cache == "HIT"


async def test_a_rest_that_breaks_off_is_a_failure_and_leaves_the_part() -> None:
    broken = part(4, 9)
    broken.breaks = UpstreamError(Failure.PROTOCOL, "reset")
    play = Scenario(ScriptedUpstream(part(0, 3), broken))
    await ask(play, "bytes=0-3")
    assert (await ask(play, None)).status == 502
    assert (await ask(play, "bytes=1-2")).x_cache == "HIT"


async def test_a_rest_of_another_length_than_it_says_is_a_failure() -> None:
    short = part(4, 9)
    short.chunks = (b"45",)
    play = Scenario(ScriptedUpstream(part(0, 3), short))
    await ask(play, "bytes=0-3")
    assert (await ask(play, None)).status == 502


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(416, {"Content-Range": "bytes */3"}, (b"",)), id="15.5.17 there is no such part now"),
        pytest.param(part(4, 9, **{"Cache-Control": "no-store"}), id="5.2.2.5 it may not be stored"),
        pytest.param(part(4, 8), id="14.2 less than was asked for"),
    ],
)
async def test_a_rest_that_is_of_no_use_is_not_the_last_word(reply: Reply) -> None:
    play = Scenario(ScriptedUpstream(part(0, 3), reply, whole('"v2"', b"new")))
    await ask(play, "bytes=0-3")
    got = await ask(play, None)
    assert (got.status, got.body) == (200, b"new")
    assert "range" not in play.origin.requests[2].fields
