"""The risks of a proxy built on aiohttp, each over the whole of Tambo: raw bytes in, raw bytes at the upstream.

The parts have their own, wider tests; these show that the parts together still hold. docs/security.md is the table.
"""

import asyncio
import contextlib
import gzip
import re
from pathlib import Path

import aiohttp
import pytest

from tests.support.raw_origin import Peer, Script
from tests.support.wired import OK, saying, status, wired

pytestmark = pytest.mark.integration


async def test_1_one_framing_reaches_the_upstream(tmp_path: Path) -> None:
    async with wired(tmp_path, saying()) as wire:
        chunked = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close, x-secret\r\nX-Secret: 1\r\nKeep-Alive: 9\r\n"
        answer = await wire.ask(chunked + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert status(answer) == 200
        sent = b"".join(wire.seen).lower()
        assert sent.count(b"transfer-encoding:") + sent.count(b"content-length:") == 1
        assert not re.search(rb"x-secret|keep-alive", sent)
        both = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        wire.seen.clear()
        assert status(await wire.ask(both)) == 400
        assert wire.seen == []


async def test_2_request_content_is_not_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b"x" * 1000)
    async with wired(tmp_path, saying()) as wire:
        head = b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
        sized = b"Content-Length: %d\r\n\r\n" % len(packed)
        assert status(await wire.ask(head + sized + packed)) == 200
        assert b"".join(wire.seen).endswith(packed)


async def test_2_answers_are_not_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"a":1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
    async with wired(tmp_path, saying(head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed)) as wire:
        for _ in range(2):
            assert (await wire.get(fields="Accept-Encoding: gzip\r\n")).endswith(packed)


@pytest.mark.parametrize("target", ["/%2C%61%3A", "/a?", "/%zz?%", "/a/../b/./c//", "/%0a", "/a?x=1&&y=+&z=%20"])
async def test_3_the_target_is_the_clients(tmp_path: Path, target: str) -> None:
    async with wired(tmp_path, saying()) as wire:
        assert status(await wire.get(target)) == 200
        assert b"".join(wire.seen).startswith(f"GET {target} HTTP/1.1\r\n".encode())


async def test_4_nothing_is_added(tmp_path: Path) -> None:
    async with wired(tmp_path, saying()) as wire:
        await wire.get()
        names = [line.partition(b":")[0].lower() for line in b"".join(wire.seen).split(b"\r\n")[1:] if line]
        assert names == [b"host", b"via"]


async def test_5_expect_is_answered_here_and_never_forwarded(tmp_path: Path) -> None:
    async with wired(tmp_path, saying()) as wire:
        reader, writer = await asyncio.open_connection(*wire.address)
        writer.write(
            b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"ok")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert b"expect" not in b"".join(wire.seen).lower()


@pytest.mark.parametrize("host", ["a b", "x/y", "x@y", "x:99999", "[::1", "", "x\\y"])
async def test_6_an_odd_host_is_refused(tmp_path: Path, host: str) -> None:
    async with wired(tmp_path, saying()) as wire:
        answer = await wire.ask(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert (status(answer), wire.seen) == (400, [])


async def test_6_nobody_is_fetched_by_host(tmp_path: Path) -> None:
    async with wired(tmp_path, saying()) as wire:
        answer = await wire.ask(b"GET http://169.254.169.254/x HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n")
        assert status(answer) == 200
        sent = b"".join(wire.seen)
        assert sent.startswith(b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"169.254" not in sent


async def _resets(peer: Peer) -> None:
    await peer.head()
    peer.reset()


async def _closes(peer: Peer) -> None:
    await peer.head()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(_resets, id="reset"),
        pytest.param(_closes, id="empty"),
        pytest.param(saying(b"\x00\x01garbage\r\n\r\n"), id="garbage"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"), id="a huge field"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 5000 + b"\r\n"), id="many fields"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), id="two lengths"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), id="a negative length"),
        pytest.param(saying(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n"), id="a length that is none"),
    ],
)
async def test_7_a_broken_upstream_is_a_502(tmp_path: Path, script: Script) -> None:
    async with wired(tmp_path, script) as wire:
        answer = await wire.get()
        assert status(answer) == 502
        assert b'"code": "protocol"' in answer
        assert b"127.0.0.1" not in answer


@pytest.mark.parametrize("content", [b"xyz\r\n\r\n", b"1\r\nabc\r\n0\r\n\r\n", b"-1\r\n\r\n"])
async def test_1_content_that_is_broken_already_is_not_begun_upstream(tmp_path: Path, content: bytes) -> None:
    async with wired(tmp_path, saying()) as wire:
        await wire.get("/before")  # there is a connection that waits for the next request
        answer = await wire.ask(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + content)
        assert status(answer) == 400
        assert [request.split()[1] for request in wire.seen] == [b"/before"]


async def test_7_a_body_cut_short_is_cut_for_the_client_and_never_stored(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")

    async with wired(tmp_path, script) as wire:
        for _ in range(2):
            reader, writer = await asyncio.open_connection(*wire.address)
            writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"X-Cache: MISS\r\n" in head
            assert b"Content-Length: 100\r\n" in head, "more is announced than comes"
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b"{"
            writer.close()


async def test_8_who_is_late_is_a_504_and_leaves_no_connection(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.hang()

    async with wired(tmp_path, script, ("upstream.timeout.first_byte", "100ms")) as wire:
        answers = await asyncio.gather(*(wire.get(f"/{n}", method="POST") for n in range(20)))
        assert {status(answer) for answer in answers} == {504}


async def test_8_clients_that_leave_keep_no_place_at_the_upstream(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        head = await peer.head()
        if head.startswith(b"POST /slow"):
            await peer.hang()
            left.set()
        else:
            await peer.say(OK)

    options = (("upstream.concurrency.max", "1"), ("upstream.concurrency.queue", "5"))
    async with wired(tmp_path, script, *options) as wire:
        _, writer = await asyncio.open_connection(*wire.address)
        writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        while not wire.seen:
            await asyncio.sleep(0.01)
        writer.close()
        async with asyncio.timeout(5):
            await left.wait()
        assert status(await wire.get()) == 200


async def test_9_a_leader_that_leaves_takes_nobody_along(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await gate.wait()
        await peer.say(OK)

    async with wired(tmp_path, script) as wire:
        _, leader = await asyncio.open_connection(*wire.address)
        leader.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        while not wire.seen:
            await asyncio.sleep(0.01)
        follower = asyncio.ensure_future(wire.get())
        leader.close()
        gate.set()
        assert b"X-Cache: COALESCED" in await follower or b"X-Cache: HIT" in await follower
        assert len(wire.seen) == 1


async def test_13_a_purge_takes_no_pattern(tmp_path: Path) -> None:
    async with wired(tmp_path, saying()) as wire, aiohttp.ClientSession() as session:
        await wire.get("/abc")
        purge = f"http://127.0.0.1:{wire.admin[1]}/admin/purge"
        for pattern in ("/a*", "/a?c", "/[a]bc", "/*"):
            for aim in ("url", "prefix"):
                async with session.post(purge, json={aim: pattern, "mode": "hard"}) as answer:
                    assert answer.status == 200
        assert b"X-Cache: HIT" in await wire.get("/abc")


async def test_14_interim_responses_do_not_confuse(tmp_path: Path) -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with wired(tmp_path, saying(early + OK)) as wire:
        assert (await wire.get()).endswith(b"{}")
        assert b"X-Cache: HIT" in await wire.get()


async def test_a_request_is_never_sent_twice(tmp_path: Path) -> None:
    """A reused connection that closes under a DELETE is a 502; under a GET it is asked once more."""
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        requests.append((await peer.head()).split(b" ")[0])
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        requests.append((await peer.head()).split(b" ")[0])
        peer.writer.close()

    async with wired(tmp_path, script) as wire:
        await wire.get("/1")
        assert status(await wire.get("/2", method="DELETE")) == 502
        assert requests.count(b"DELETE") == 1
        await wire.get("/3")
        assert status(await wire.get("/4")) == 200
        assert requests.count(b"GET") == 4


async def test_privacy_nobody_gets_what_was_somebodys(tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        while True:
            head = (await peer.head()).lower()
            who = (re.search(rb"(?:cookie|authorization): (\S+)", head) or [b"", b"nobody"])[1]
            body = b'{"who":"%s"}' % who
            fields = b"Content-Type: application/json\r\nCache-Control: max-age=60\r\n"
            fields += b"Set-Cookie: id=1\r\n" if b"/login" in head else b""
            await peer.say(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (fields, len(body), body))

    async with wired(tmp_path, script) as wire:
        for name in ("Cookie", "Authorization"):
            for who in ("ana", "eva"):
                assert f'"{who}"'.encode() in await wire.get(fields=f"{name}: {who}\r\n")
        assert b'"nobody"' in await wire.get()
        assert b'"ana"' in await wire.get(fields="Cookie: ana\r\n")
        for _ in range(2):
            assert b"detail=set-cookie" in await wire.get("/login")
