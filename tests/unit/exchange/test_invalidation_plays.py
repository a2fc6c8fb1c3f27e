"""RFC 9111 §4.4, RFC 9875 in play: what an unsafe request takes away, before its client reads that it succeeded."""

import asyncio

import pytest

from proxy.exchange.purges import Purge, Purged
from tests.support.origin import Reply, ScriptedUpstream
from tests.support.scenario import Scenario, a_route, settle

JSON = {"Content-Type": "application/json"}


def _answering(lines: dict[str, str] | None = None, status: int = 200, *routes: str) -> Scenario:
    """An upstream that answers two GETs, then as said, then GETs again."""
    get = Reply(lines={**JSON, "Cache-Control": "max-age=60"})
    play = Scenario(ScriptedUpstream(get, get, Reply(status, lines or {}), get))
    if routes:
        play = Scenario(play.origin, tuple(a_route(path, path) for path in routes))
    return play


async def _filled(play: Scenario) -> Scenario:
    await play.get("/a")
    await play.get("/b")
    return play


async def _held(play: Scenario) -> list[str]:
    await settle()
    assert play.guard.inflight == 0
    return sorted(play.store.entries)


@pytest.mark.parametrize(
    ("method", "status", "lines", "left"),
    [
        pytest.param("PUT", 200, {}, ["/b"], id="4.4 the target"),
        pytest.param("BREW", 204, {}, ["/b"], id="4.4 an unknown method"),
        pytest.param("POST", 303, {"Location": "/b"}, [], id="4.4 and Location"),
        pytest.param("POST", 201, {"Content-Location": "http://tambo.test/b"}, [], id="4.4 and Content-Location"),
        pytest.param(
            "POST", 201, {"Location": "http://upstream.test:8000/base/b"}, [], id="4.4 by the upstream's name"
        ),
        pytest.param("POST", 201, {"Location": "http://other.test/b"}, ["/b"], id="4.4 not of another origin"),
        pytest.param("POST", 500, {"Location": "/b"}, ["/a", "/b"], id="4.4 not an error"),
        pytest.param("OPTIONS", 200, {"Location": "/b"}, ["/a", "/b"], id="4.4 not a safe method"),
    ],
)
async def test_what_an_unsafe_request_takes_away(
    method: str, status: int, lines: dict[str, str], left: list[str]
) -> None:
    play = await _filled(_answering(lines, status))
    assert (await play.get("/a", method=method)).status == status
    assert await _held(play) == left


async def test_the_key_is_that_of_a_get_whatever_route_the_unsafe_request_took() -> None:
    get = Reply(lines={**JSON, "Cache-Control": "max-age=60"})
    posting = a_route("posting", "/**", methods=frozenset({"POST"}))
    play = Scenario(ScriptedUpstream(get, Reply(200), get), (posting, a_route()))
    await play.get("/a")
    await play.get("/a", method="POST")
    assert await _held(play) == []


@pytest.mark.parametrize(
    "lines", [{}, {"Authorization": "Bearer x"}, {"Range": "bytes=0-0"}], ids=["one to join", "one's own", "for a part"]
)
async def test_a_get_that_was_under_way_is_not_kept(lines: dict[str, str]) -> None:
    gate = asyncio.Event()
    slow = Reply(lines={**JSON, "Cache-Control": "public, max-age=60"}, gate=gate)
    play = Scenario(ScriptedUpstream(slow, Reply(200)))
    before = asyncio.ensure_future(play.get("/a", lines))
    await play.origin.arrived.wait()
    await play.get("/a", method="PUT")
    gate.set()
    await before
    assert await _held(play) == []


def _grouped(groups: str) -> Reply:
    return Reply(lines={**JSON, "Cache-Control": "max-age=60", "Cache-Groups": groups})


@pytest.mark.parametrize(
    ("method", "status", "said", "left"),
    [
        pytest.param("POST", 200, '"x"', ["/b", "/c"], id="9875-3 one group"),
        pytest.param("POST", 200, '"y"', ["/c"], id="9875-2 all that share it"),
        pytest.param("POST", 200, '"x", "z"', ["/b"], id="9875-3 several"),
        pytest.param("POST", 500, '"x"', ["/b", "/c"], id="9875-3 also with an error"),
        pytest.param("POST", 200, '"none"', ["/a", "/b", "/c"], id="9875-3 one that nobody is in"),
        pytest.param("POST", 200, '"X"', ["/a", "/b", "/c"], id="9875-2 case counts"),
        pytest.param("GET", 200, '"x"', ["/a", "/b", "/c"], id="9875-3 not on a safe method"),
    ],
)
async def test_groups(method: str, status: int, said: str, left: list[str]) -> None:
    replies = (_grouped('"x", "y"'), _grouped('"y"'), _grouped('"z"'))
    last = Reply(status, {"Cache-Group-Invalidation": said, "Cache-Control": "no-store"})
    play = Scenario(ScriptedUpstream(*replies, last))
    for target in ("/a", "/b", "/c"):
        await play.get(target)
    await play.get("/else", method=method)
    assert await _held(play) == left


async def test_invalidation_by_group_does_not_cascade() -> None:
    """9875-2.2: what else an invalidated response was a member of stays."""
    play = Scenario(
        ScriptedUpstream(_grouped('"x", "y"'), _grouped('"y"'), Reply(200, {"Cache-Group-Invalidation": '"x"'}))
    )
    await play.get("/a")
    await play.get("/b")
    await play.get("/else", method="POST")
    assert await _held(play) == ["/b"]


async def test_who_waits_for_a_fetch_from_before_a_group_was_ended_gets_one_of_its_own() -> None:
    gate = asyncio.Event()
    slow = _grouped('"x"')
    slow.gate = gate
    play = Scenario(ScriptedUpstream(slow, Reply(200, {"Cache-Group-Invalidation": '"x"'}), _grouped('"x"')))
    before = asyncio.ensure_future(play.get("/a"))
    await play.origin.arrived.wait()
    await play.get("/else", method="POST")
    assert (await play.get("/a")).x_cache == "MISS"
    assert len(play.origin.requests) == 3
    gate.set()
    await before
    assert await _held(play) == ["/a"]


async def test_a_store_that_is_down_keeps_no_answer_from_its_client() -> None:
    play = await _filled(_answering({"Location": "/b"}))
    play.store.is_down = True
    assert (await play.get("/a", method="POST")).status == 200
    assert play.observer.store_failures == ["lookup"]


async def test_a_client_that_leaves_does_not_undo_the_invalidation(monkeypatch: pytest.MonkeyPatch) -> None:
    play = await _filled(_answering({"Location": "/b"}))
    gate, purge = asyncio.Event(), play.store.purge
    purging = asyncio.Event()

    async def slow(which: Purge) -> Purged:
        purging.set()
        await gate.wait()
        return await purge(which)

    monkeypatch.setattr(play.store, "purge", slow)
    asking = asyncio.ensure_future(play.get("/a", method="POST"))
    await purging.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    gate.set()
    assert await _held(play) == []
    assert play.origin.bodies[-1].is_closed
    assert len(play.flights) == 0
