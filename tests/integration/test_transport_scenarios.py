"""What a broken, odd or old upstream does to a client, over the whole of Tambo: raw bytes in, raw bytes out.

Also what an intermediary adds and takes away on the way (RFC 9110 §7.6).
"""

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.raw_origin import Peer, RawOrigin, Script
from tests.support.wired import OK, Wire, saying, status, wired

pytestmark = pytest.mark.integration

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PRIVATE = JSON + b"Cache-Control: private\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ALL = '[[routes]]\nname = "all"\nmatch = { path = "/**" }\nforward_fields = "all"\n'
KINDS = [
    pytest.param("GET", JSON, id="stored"),
    pytest.param("GET", PRIVATE, id="not stored"),
    pytest.param("POST", JSON, id="passed"),
]


def counting(*responses: bytes, end: bool = False) -> tuple[Script, list[int]]:
    """An origin with one response after the other, the last for ever; and which connection each request came on."""
    asked: list[int] = []

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            asked.append(peer.number)
            await peer.say(responses[min(len(asked), len(responses)) - 1])
            if end and len(asked) <= len(responses):
                return

    return script, asked


async def cut(wire: Wire, method: str = "GET", target: str = "/a") -> tuple[bytes, bytes]:
    """Ask on a connection that may be kept; head and content of what comes until Tambo closes it, in whatever way."""
    reader, writer = await asyncio.open_connection(*wire.address)
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    got = b""
    try:
        while data := await reader.read(65536):
            got += data
    except ConnectionResetError:
        pass
    writer.close()
    head, _, content = got.partition(b"\r\n\r\n")
    return head, content


# Content that ends too early -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "head"), KINDS)
async def test_content_cut_short_is_seen_as_such_and_not_kept(tmp_path: Path, method: str, head: bytes) -> None:
    script, asked = counting(head + b"Content-Length: 10\r\n\r\n{}", head + b"Content-Length: 2\r\n\r\n{}", end=True)
    async with wired(tmp_path, script) as wire:
        got, content = await cut(wire, method)
        assert b"200 OK" in got
        assert b"Content-Length: 10" in got
        assert len(content) < 10
        answer = await wire.get(method=method)
        assert answer.endswith(b"\r\n\r\n{}")
        assert b"X-Cache: HIT" not in answer
        assert asked == [0, 1]


@pytest.mark.parametrize(("method", "head"), KINDS)
@pytest.mark.parametrize("chunks", [b"2\r\n{}\r\n", b"5\r\n{}", b"2\r\n{}\r\n0\r\n"])
async def test_chunks_without_an_end_have_none_for_the_client(
    tmp_path: Path, method: str, head: bytes, chunks: bytes
) -> None:
    script, asked = counting(head + CHUNKED + chunks, head + b"Content-Length: 2\r\n\r\n{}", end=True)
    async with wired(tmp_path, script) as wire:
        got, content = await cut(wire, method)
        assert b"200 OK" in got
        assert not content.endswith(b"0\r\n\r\n")
        answer = await wire.get(method=method)
        assert answer.endswith(b"\r\n\r\n{}")
        assert b"X-Cache: HIT" not in answer
        assert asked == [0, 1]


async def test_content_cut_short_is_cut_for_an_old_client_too(tmp_path: Path) -> None:
    """Where closing is the framing, a cut must not look like it."""
    script, _ = counting(JSON + CHUNKED + b"2\r\n{}\r\n", end=True)
    async with wired(tmp_path, script) as wire:
        with pytest.raises(ConnectionResetError):
            await wire.ask(b"GET /a HTTP/1.0\r\n\r\n")


async def test_whoever_waited_for_content_that_was_cut_is_answered_with_an_error(tmp_path: Path) -> None:
    gate, asked = asyncio.Event(), list[int]()

    async def script(peer: Peer) -> None:
        await peer.head()
        asked.append(peer.number)
        await peer.say(JSON + b"Content-Length: 10\r\n\r\n{}")
        await gate.wait()

    async with wired(tmp_path, script) as wire:
        reader, leader = await asyncio.open_connection(*wire.address)
        leader.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"{}")
        follower = asyncio.ensure_future(wire.get())
        other = asyncio.ensure_future(wire.get("/b"))
        while len(asked) < 2:
            await asyncio.sleep(0.01)
        gate.set()
        answer = await follower
        assert (status(answer), b'"code": "protocol"' in answer, b"; collapsed" in answer) == (502, True, True)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(8)
        await asyncio.gather(other, return_exceptions=True)
        leader.close()


# Content that does not end where it should ---------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "head"), KINDS)
@pytest.mark.parametrize(
    "surplus", [b"!", b" and more", OK, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"], ids=range(4)
)
async def test_what_was_announced_is_relayed_and_the_rest_is_nobodys(
    tmp_path: Path, method: str, head: bytes, surplus: bytes
) -> None:
    sized = b"Content-Length: 4\r\n\r\n"
    script, asked = counting(head + sized + b"[42]" + surplus, head + sized + b"[43]")
    async with wired(tmp_path, script) as wire:
        answer = await wire.get("/a", method=method)
        assert status(answer) == 200
        assert answer.endswith(b"\r\n\r\n[42]")
        assert (await wire.get("/b", method=method)).endswith(b"\r\n\r\n[43]")
        assert asked == [0, 1]
        again = await wire.get("/a", method=method)
        assert again.endswith(b"\r\n\r\n[42]") is (b"X-Cache: HIT" in again)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_content_that_must_not_be_is_nobodys(tmp_path: Path, method: str) -> None:
    said = b"HTTP/1.1 204 No Content\r\n\r\nevil" if method == "GET" else JSON + b"Content-Length: 4\r\n\r\nevil"
    script, asked = counting(said, JSON + b"Content-Length: 2\r\n\r\n{}")
    async with wired(tmp_path, script) as wire:
        assert b"evil" not in await wire.get("/a", method=method)
        assert (await wire.get("/b")).endswith(b"{}")
        assert asked == [0, 1]


async def test_what_comes_late_behind_an_answer_is_nobodys(tmp_path: Path) -> None:
    said = asyncio.Event()
    asked: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        asked.append(peer.number)
        await peer.say(JSON + b"Content-Length: 2\r\n\r\n{}")
        if peer.number == 0:
            await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            said.set()
        await peer.hang()

    async with wired(tmp_path, script) as wire:
        assert (await wire.get("/a")).endswith(b"{}")
        await said.wait()
        assert (await wire.get("/b")).endswith(b"{}")
        assert asked == [0, 1]


# An upstream that leaves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["none", "line", "head"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "BREW"])
async def test_an_upstream_that_leaves_is_a_whole_502_and_is_asked_once(
    tmp_path: Path, method: str, said: bytes, end: str
) -> None:
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked.append(await peer.head())
        await peer.say(said)
        if end == "reset":
            peer.reset()

    async with wired(tmp_path, script) as wire:
        answer = await wire.get(method=method)
        head, _, content = answer.partition(b"\r\n\r\n")
        assert status(answer) == 502
        announced = re.search(rb"Content-Length: (\d+)", head)
        assert announced is not None
        assert len(content) == (0 if method == "HEAD" else int(announced[1]))
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("method", "said", "times"),
    [
        pytest.param("GET", b"", 2, id="GET, nothing said: once more"),
        pytest.param("HEAD", b"", 2, id="HEAD, nothing said: once more"),
        pytest.param("GET", b"HTTP/1.1 2", 1, id="GET, something said"),
        pytest.param("POST", b"", 1, id="POST"),
        pytest.param("PUT", b"", 1, id="PUT"),
        pytest.param("DELETE", b"", 1, id="DELETE"),
        pytest.param("OPTIONS", b"", 1, id="OPTIONS"),
        pytest.param("BREW", b"", 1, id="a method nobody knows"),
    ],
)
async def test_a_connection_that_closes_when_used_again(tmp_path: Path, method: str, said: bytes, times: int) -> None:
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        if peer.number == 0:
            await peer.head()
            await peer.say(OK)
        asked.append(await peer.head())
        await peer.say(said)

    async with wired(tmp_path, script) as wire:
        assert status(await wire.get("/first")) == 200
        assert status(await wire.get("/second", method=method)) == 502
        assert len(asked) == times


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n", JSON + b"Content-Length: 1, 2\r\n\r\n"])
async def test_what_is_stored_stands_in_where_it_may(tmp_path: Path, said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        kept = b"Cache-Control: max-age=0, stale-if-error=60\r\nContent-Length: 2\r\n\r\n{}"
        await peer.say(JSON + kept if peer.number == 0 else said)

    async with wired(tmp_path, script) as wire:
        await wire.get()
        answer = await wire.get()
        assert (status(answer), b"X-Cache: STALE" in answer, answer[-2:]) == (200, True, b"{}")


async def test_nobody_listens_there(tmp_path: Path) -> None:
    async with RawOrigin(saying()) as gone:
        pass
    async with wired(tmp_path, saying(), UPSTREAM_URL=gone.url) as wire:
        for method in ("GET", "POST"):
            answer = await wire.get(method=method)
            assert (status(answer), b'"code": "unreachable"' in answer) == (502, True)


# What is added and taken away ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_via_says_how_the_request_came(tmp_path: Path, version: bytes, method: bytes) -> None:
    (tmp_path / "tambo.toml").write_text(ALL)
    async with wired(tmp_path, saying()) as wire:
        await wire.ask(
            method + b" / HTTP/" + version + b"\r\nHost: x\r\nConnection: close, via\r\nVia: 1.1 front\r\n\r\n"
        )
        sent = re.findall(rb"\r\nVia: ([^\r]*)", b"".join(wire.seen))
        assert sent == [b"1.1 front", version + b" tambo"]


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_via_says_how_the_answer_came(tmp_path: Path, version: bytes, method: str) -> None:
    said = OK.replace(b"HTTP/1.1", b"HTTP/" + version).replace(b"\r\n\r\n", b"\r\nVia: 1.1 behind\r\n\r\n")
    async with wired(tmp_path, saying(said)) as wire:
        for word in (b"MISS", b"HIT") if method == "GET" else (b"BYPASS",):
            answer = await wire.get(method=method)
            assert b"X-Cache: " + word in answer
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert re.findall(rb"\r\nVia: ([^\r]*)", answer) == [b"1.1 behind", version + b" tambo"]


async def test_what_was_for_the_hop_reaches_neither_client_nor_store(tmp_path: Path) -> None:
    hop = b"Connection: x-one, X-Two\r\nconnection: x-three\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\n"
    hop += b"Keep-Alive: timeout=5\r\nTrailer: x\r\nProxy-Authenticate: x\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n"
    said = JSON + hop + b"X-Kept: 1\r\nContent-Length: 2\r\n\r\n{}"
    lost = re.compile(rb"(?im)^(x-one|x-two|x-three|keep-alive|trailer|proxy-\w+|upgrade):")
    async with wired(tmp_path, saying(said)) as wire:
        for method, word in (("GET", b"MISS"), ("GET", b"HIT"), ("POST", b"BYPASS")):
            answer = await wire.get(method=method)
            assert b"X-Cache: " + word in answer
            assert b"X-Kept: 1" in answer
            assert lost.findall(answer) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_was_for_the_hop_reaches_no_upstream(tmp_path: Path, method: str) -> None:
    hop = "Connection: x-one, X-Two\r\nX-One: 1\r\nX-Two: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\n"
    hop += "Proxy-Authorization: x\r\nProxy-Connection: x\r\nHTTP2-Settings: x\r\n"
    (tmp_path / "tambo.toml").write_text(ALL)
    async with wired(tmp_path, saying()) as wire:
        await wire.get(fields=hop + "X-Kept: 1\r\n", method=method)
        sent = b"".join(wire.seen).lower()
        assert re.findall(rb"(?m)^(x-one|x-two|keep-alive|te|trailer|proxy-\w+|http2-settings|connection):", sent) == []
        assert b"x-kept: 1" in sent


# Methods -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["BREW", "M-SEARCH", "MKCOL", "X_Y-2"])
async def test_a_method_nobody_knows_passes_and_invalidates(tmp_path: Path, method: str) -> None:
    async with wired(tmp_path, saying()) as wire:
        await wire.get()
        assert b"X-Cache: HIT" in await wire.get()
        answer = await wire.get(method=method, fields="Max-Forwards: 0\r\n")
        assert (status(answer), b"fwd=method" in answer) == (200, True)
        assert re.search(rf"(?m)^{method} /a HTTP/1.1\r$".encode(), wire.seen[-1])
        assert b"X-Cache: MISS" in await wire.get()


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
async def test_max_forwards_is_lowered(tmp_path: Path, method: str) -> None:
    async with wired(tmp_path, saying()) as wire:
        for came, went in ((b"2", b"1"), (b"1", b"0"), (b"-1", b"-1"), (b"x", b"x")):
            await wire.get(method=method, fields=f"Max-Forwards: {came.decode()}\r\n")
            assert re.findall(rb"\r\nMax-Forwards: ([^\r]*)", wire.seen.pop()) == [went]


async def test_options_at_its_last_hop_is_answered_here(tmp_path: Path) -> None:
    async with wired(tmp_path, saying()) as wire:
        for target in ("/a", "*"):
            answer = await wire.get(target, method="OPTIONS", fields="Max-Forwards: 0\r\n")
            assert (status(answer), b"\r\nAllow: GET, " in answer, wire.seen) == (204, True, [])


async def test_trace_at_its_last_hop_is_told_what_arrived(tmp_path: Path) -> None:
    async with wired(tmp_path, saying()) as wire:
        answer = await wire.get("/a?b", "Cookie: c\r\nX-Seen: 1\r\nMax-Forwards: 0\r\n", "TRACE")
        head, _, content = answer.partition(b"\r\n\r\n")
        assert (status(answer), b"Content-Type: message/http" in head, wire.seen) == (200, True, [])
        assert content == b"TRACE /a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Seen: 1\r\nMax-Forwards: 0\r\n\r\n"
