"""Hits on connections that live: keep-alive, slow readers, upgrades, stopping, TLS; with the hit path and without."""

import asyncio
import ssl
from pathlib import Path

import pytest

from proxy.edge.server.outlet import SLICE
from proxy.exchange.ports import Answer, RequestBody
from proxy.policy.messages import RequestHead
from tests.support.certificates import self_signed
from tests.support.hit_house import House
from tests.support.public_server import Wire, answer, connected, serving

HIT = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
MISS = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"


async def _hit(wire: Wire) -> bytes:
    """Ask for what is stored: how its connection goes on."""
    await wire.send(HIT)
    status, fields, body = await wire.answer()
    assert (status, fields[b"x-cache"], body) == (200, b"HIT", b'{"a":1}')
    return fields.get(b"connection", b"")


async def test_a_connection_is_idle_since_its_last_hit() -> None:
    house = House()
    await house.holds()
    async with serving(hits=house.path, clock=house.clock, keepalive_timeout=0.05) as server, connected(server) as wire:
        for _ in range(4):  # the clock of silence stands still: what the timer finds is never old enough
            await _hit(wire)
            await asyncio.sleep(0.06)
        house.clock.advance(1)
        assert await wire.rest() == b""
        assert server.finished == [], "none of them took the long way"


async def test_of_idle_connections_the_one_without_hits_gives_way() -> None:
    house = House()
    await house.holds()
    two = serving(hits=house.path, clock=house.clock, max_connections=2)
    async with two as server, connected(server) as busy, connected(server) as silent:
        await _hit(busy)
        await silent.send(MISS)
        await silent.answer()
        house.clock.advance(1)
        await _hit(busy)
        async with connected(server) as newcomer:
            assert await _hit(newcomer) == b""
            assert await silent.rest() == b""
            assert await _hit(busy) == b""


async def test_who_asks_and_does_not_read_gets_each_answer_whole_and_in_its_turn() -> None:
    """What does not fit into the kernel's buffers goes the long way, which waits; nothing is written past it."""
    house = House()
    body = bytes(SLICE - 2000)
    await house.holds(body=body)
    asked = 400

    async def script(request: RequestHead, content: RequestBody | None) -> Answer:
        return answer(body, fields=(("X-Cache", "LONG"),))

    async with serving(script, hits=house.path, clock=house.clock) as server, connected(server) as wire:
        sending = asyncio.ensure_future(_one_by_one(wire, asked))
        async with asyncio.timeout(20):
            while server.listener.in_flight == 0:
                await asyncio.sleep(0)
        words = set[bytes]()
        for _ in range(asked):
            status, fields, got = await wire.answer()
            assert (status, got) == (200, body)
            words.add(fields[b"x-cache"])
        await sending
        assert words == {b"HIT", b"LONG"}
        assert await _whole(wire, body) == b"HIT", "once it has read everything, it is at rest again"


async def _one_by_one(wire: Wire, count: int) -> None:
    """Ask so often without reading, each time in a segment of its own."""
    for _ in range(count):
        await wire.send(HIT)
        for _ in range(4):  # turns of the loop for it to be heard
            await asyncio.sleep(0)


async def _whole(wire: Wire, body: bytes) -> bytes:
    await wire.send(HIT)
    _, fields, got = await wire.answer()
    assert got == body
    return fields[b"x-cache"]


async def test_a_client_that_never_reads_its_hits_is_cut() -> None:
    house = House()
    await house.holds(body=bytes(SLICE - 2000))

    async def script(request: RequestHead, content: RequestBody | None) -> Answer:
        return answer(bytes(SLICE - 2000))

    changes = {"hits": house.path, "clock": house.clock, "unread_timeout": 0.2}
    async with serving(script, **changes) as server, connected(server) as wire:  # type: ignore[arg-type] # real settings
        sending = asyncio.ensure_future(_one_by_one(wire, 4000))
        await server.until_open(0)
        await asyncio.gather(sending, return_exceptions=True)


async def test_between_hits_the_long_way_is_taken_in_its_turn() -> None:
    """Requests in one segment, or a hit while another request is being answered: nobody overtakes."""
    house = House()
    await house.holds()
    gate, entered = asyncio.Event(), asyncio.Event()

    async def script(request: RequestHead, content: RequestBody | None) -> Answer:
        entered.set()
        await gate.wait()
        return answer(request.path.encode())

    async with serving(script, hits=house.path, clock=house.clock) as server, connected(server) as wire:
        await _hit(wire)
        await wire.send(MISS)
        await entered.wait()
        await wire.send(HIT, HIT)
        gate.set()
        assert [(await wire.answer())[2] for _ in range(3)] == [b"/b", b"/a", b"/a"]
        await _hit(wire)


async def test_after_a_hit_a_connection_may_become_a_tunnel() -> None:
    house = House()
    await house.holds()
    asked = list[RequestHead]()

    async def script(request: RequestHead, content: RequestBody | None) -> Answer:
        asked.append(request)
        return answer(b"declined")

    upgrade = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with serving(script, hits=house.path, clock=house.clock) as server, connected(server) as wire:
        await _hit(wire)
        await wire.send(upgrade)
        assert (await wire.answer())[2] == b"declined"
        assert [request.path for request in asked] == ["/a"], "it is for the upstream to decide, hit or not"
        await _hit(wire)


async def test_the_last_hit_before_a_stop_says_that_it_is_the_last() -> None:
    house = House()
    await house.holds()

    async def script(request: RequestHead, content: RequestBody | None) -> Answer:
        return answer(b'{"a":1}', fields=(("X-Cache", "HIT"),))

    async with serving(script, hits=house.path, clock=house.clock) as server, connected(server) as wire:
        assert await _hit(wire) == b""
        server.listener.announce_close()
        assert await _hit(wire) == b"close"
        assert await wire.rest() == b""


async def test_a_connection_with_hits_only_is_closed_by_a_drain_and_one_on_its_way_is_answered() -> None:
    house = House()
    await house.holds()

    async def script(request: RequestHead, content: RequestBody | None) -> Answer:
        return answer(b'{"a":1}', fields=(("X-Cache", "HIT"),))

    house_is_open = serving(script, hits=house.path, clock=house.clock)
    async with house_is_open as server, connected(server) as idle, connected(server) as asking:
        await _hit(idle)
        await _hit(asking)
        asking.writer.write(HIT)  # in the kernel when the drain begins, as far as we know
        await server.listener.drain(5)
        assert await idle.rest() == b""
        got = await asking.rest()
        assert got.count(b"HTTP/1.1 200 ") == 1
        assert b"Connection: close" in got


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    folder: Path = tmp_path_factory.mktemp("tls")
    return self_signed(folder)


async def test_hits_over_tls_are_the_same_bytes(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    house, other = House(), House()  # a path is closed with its listener
    await house.holds()
    await other.holds()
    server_side, client_side = contexts
    async with serving(hits=other.path, clock=other.clock) as plain, connected(plain) as wire:
        await wire.send(HIT)
        expected = await wire.head() + await wire.exactly(7)
    async with serving(hits=house.path, clock=house.clock, context=server_side) as server:
        async with connected(server, client_side) as wire:
            await wire.send(MISS)  # what comes with the handshake's end goes the long way
            await wire.answer()
            for _ in range(3):
                await wire.send(HIT)
                assert await wire.head() + await wire.exactly(7) == expected
            await wire.send(MISS[:9], MISS[9:])
            await wire.answer()
        await server.listener.drain(5)
        assert server.bugs == []
        assert len(server.finished) == 2
