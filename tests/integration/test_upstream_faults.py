"""What the upstream's client makes of origins that answer wrongly, late or not at all, over real sockets."""

import asyncio
from itertools import chain, repeat

import pytest

from proxy.errors import Failure, UpstreamError
from tests.support.raw_origin import Peer, RawOrigin, answering
from tests.support.raw_responses import CHUNKED, CLOSING, CUT, GOOD, MALFORMED, OK
from tests.support.upstream import HI, MIB, SHORT, a_client, get, hanging, once, read

pytestmark = pytest.mark.integration


# What is read ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", GOOD)
async def test_good_responses_leave_the_connection_usable(case: str) -> None:
    data, status, content = GOOD[case]
    script, heads = answering(data)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        for _ in range(3):
            answer = await client.send(get())
            assert answer.head.status == status
            assert await read(answer) == content
        assert len(heads) == 3
        assert (client.stats.created, client.stats.reused) == (1, 2)


@pytest.mark.parametrize("case", CLOSING)
async def test_after_these_the_connection_is_closed(case: str) -> None:
    data, content = CLOSING[case]
    async with RawOrigin(once(data)) as origin, a_client(origin) as client:
        for _ in range(2):
            assert await read(await client.send(get())) == content
        assert client.stats.created == 2


@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_responses(case: str) -> None:
    async with RawOrigin(once(MALFORMED[case])) as origin, a_client(origin) as client:
        with pytest.raises(UpstreamError) as caught:
            await read(await client.send(get()))
        assert caught.value.failure is Failure.PROTOCOL
        assert client.stats.open == 0
        assert origin.connections == 1


@pytest.mark.parametrize("case", CUT)
@pytest.mark.parametrize("with_reset", [False, True])
async def test_cut_responses(case: str, with_reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(CUT[case])
        if with_reset:
            peer.reset()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        with pytest.raises(UpstreamError) as caught:
            await read(await client.send(get()))
        assert caught.value.failure is Failure.PROTOCOL
        assert client.stats.open == 0
        assert origin.connections == 1


async def test_content_until_close_is_cut_by_a_reset() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"\r\nhello")
        await gate.wait()
        peer.reset()

    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        chunks = aiter(answer.body)
        assert await anext(chunks) == b"hello"
        gate.set()
        with pytest.raises(UpstreamError) as caught:
            await anext(chunks)
        assert caught.value.failure is Failure.PROTOCOL


async def test_what_came_before_the_cut_is_read_first() -> None:
    async with RawOrigin(once(OK + b"Content-Length: 9\r\n\r\nhello")) as origin, a_client(origin) as client:
        answer = await client.send(get())
        chunks = aiter(answer.body)
        assert await anext(chunks) == b"hello"
        for _ in range(2):  # it does not become complete by being asked again
            with pytest.raises(UpstreamError):
                await anext(chunks)


@pytest.mark.parametrize("data", [OK + b"Content-Length: 5\r\n\r\n", OK + b"\r\n", CHUNKED])
async def test_head_requests_leave_the_connection_usable(data: bytes) -> None:
    script, _ = answering(data)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        for _ in range(3):
            answer = await client.send(get(method="HEAD"))
            assert await read(answer) == b""
        assert client.stats.created == 1


async def test_interim_responses_are_told_and_do_not_prolong_the_wait() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await peer.hang()

    told: list[int] = []
    async with RawOrigin(script) as origin, a_client(origin, first_byte=SHORT) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.send(get(), lambda head: told.append(head.status))
        assert caught.value.failure is Failure.TIMEOUT
        assert told == [103]


async def test_redirects_are_not_followed() -> None:
    location = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/secret\r\nContent-Length: 0\r\n\r\n"
    script, heads = answering(location)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        answer = await client.send(get())
        assert (answer.head.status, answer.head.fields.joined("location")) == (302, "http://127.0.0.1:1/secret")
        assert len(heads) == 1


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    script, _ = answering(HI)
    async with RawOrigin(script) as origin, a_client(origin) as client:
        assert await read(await client.send(get())) == b"hi"


# Deadlines ------------------------------------------------------------------------------------------------------------


async def test_no_answer_in_time() -> None:
    async with RawOrigin(hanging) as origin, a_client(origin, first_byte=SHORT) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.TIMEOUT
        assert client.stats.open == 0


async def test_a_head_that_drips_does_not_prolong_the_wait() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        for byte in chain(OK, repeat(ord("x"))):
            await peer.say(bytes([byte]))
            await asyncio.sleep(SHORT / 10)

    async with RawOrigin(script) as origin, a_client(origin, first_byte=SHORT) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.TIMEOUT


async def test_content_that_stops_coming() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: 9\r\n\r\nhello")
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT) as client:
        answer = await client.send(get())
        with pytest.raises(UpstreamError) as caught:
            await read(answer)
        assert caught.value.failure is Failure.TIMEOUT
        assert client.stats.open == 0


async def test_event_streams_may_be_silent_and_do_not_count() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Type: text/event-stream; charset=utf-8\r\n\r\ndata: 1\n\n")
        await gate.wait()
        await peer.say(b"data: 2\n\n")

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT, max_connections=1) as client:
        streams = [await client.send(get()) for _ in range(3)]
        assert (client.stats.open, client.stats.detached) == (0, 3)
        reading = asyncio.gather(*(read(answer) for answer in streams))
        await asyncio.wait([reading], timeout=3 * SHORT)
        assert not reading.done()
        gate.set()
        assert await reading == [b"data: 1\n\ndata: 2\n\n"] * 3
        assert client.stats.detached == 0


async def test_a_slow_reader_is_not_the_upstream_s_fault() -> None:
    size = 4 * MIB

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
        await peer.hang()

    async with RawOrigin(script) as origin, a_client(origin, idle=SHORT) as client:
        answer = await client.send(get())
        await asyncio.sleep(4 * SHORT)
        assert len(await read(answer)) == size
