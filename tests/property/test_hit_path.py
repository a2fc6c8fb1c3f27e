"""With the hit path on or off, every stream of bytes gets the same answers, however it is split on the way."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from email.utils import formatdate
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.edge.server.header_block import Mould
from tests.support.raw_origin import Peer
from tests.support.wired import Wire, wired

CONFIG = """
[[routes]]
name = "cookies"
match = { path = "/c/**" }
cookies = "ignore"

[[routes]]
name = "directives"
match = { path = "/d/**" }
client_directives = "honour"
"""
FRESH = b"Content-Type: application/json\r\nCache-Control: max-age=3600\r\n"
BODIES = {
    b"/a": FRESH + b'ETag: "a"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n',
    b"/c/x": FRESH,
    b"/d/x": FRESH,
    b"/v": FRESH + b"Vary: Accept-Language\r\n",
    b"/odd": FRESH + b"Cache-Status: tambo; hit; ttl=5\r\nX-Old: Age: 7\r\nX-Cache: HIT\r\nAge: 3\r\n",
    b"/private": b"Cache-Control: private\r\n",
}


async def origin(peer: Peer) -> None:
    """Answers by path; whatever else a request says changes nothing."""
    while True:
        head = await peer.head()
        if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
            await peer.reader.readexactly(int(length[1]))
        elif b"chunked" in head.lower():
            await peer.reader.readuntil(b"0\r\n\r\n")
        path = head.split(b" ")[1]
        body = b"" if head.startswith(b"HEAD") else b'{"path": "%b"}' % path
        size = b"Content-Length: %d\r\n" % len(b'{"path": "%b"}' % path)
        await peer.say(
            b"HTTP/1.1 200 OK\r\nDate: %b\r\n" % formatdate(usegmt=True).encode()
            + BODIES.get(path, b"")
            + size
            + b"\r\n"
            + body
        )


class Pair:
    """Two that differ in nothing else."""

    def __init__(self, folder: Path, *environ: dict[str, str]) -> None:
        """``environ``: what is said to each, where they are told more than the hit path's being on or off."""
        self._folder = folder
        self._environ = environ or ({}, {})
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._stack = AsyncExitStack()
        self._both: list[Wire] = []

    def __enter__(self) -> "Pair":
        self._runner.__enter__()
        self._runner.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    async def _start(self) -> None:
        (self._folder / "tambo.toml").write_text(CONFIG)
        for name, environ in zip(("true", "false"), self._environ, strict=True):
            folder = self._folder / name
            folder.mkdir()
            (folder / "tambo.toml").write_text(CONFIG)
            option = ("listen.hit_path", name)
            self._both.append(
                await self._stack.enter_async_context(
                    wired(folder, origin, option, TAMBO_CONFIG="tambo.toml", **environ)
                )
            )

    def ask(self, pieces: list[bytes]) -> list[bytes]:
        """What both answer to the same stream."""
        return self._runner.run(self._ask(pieces))

    async def _ask(self, pieces: list[bytes]) -> list[bytes]:
        for wire in self._both:
            for path in BODIES:
                await wire.get(path.decode())  # what is stored is fresh in both alike
        return [await asyncio.wait_for(_converse(wire, pieces), 20) for wire in self._both]


async def _converse(wire: Wire, pieces: list[bytes]) -> bytes:
    reader, writer = await asyncio.open_connection(*wire.address)
    answered = asyncio.ensure_future(reader.read())
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            for _ in range(25):  # turns of the loop for what came to be answered, so that pieces arrive as such
                await asyncio.sleep(0)
        answer = await answered
    except ConnectionError:
        answer = b"reset"
    finally:
        answered.cancel()
        writer.close()
    return re.sub(rb"(Age: |ttl=)-?\d+|\r\nDate: [^\r]*", rb"\1", answer)


@pytest.fixture(scope="module", params=["64MiB", "0"], ids=["memory", "file"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Hits from memory, and from the embedded file alone."""
    environ = {"TAMBO_STORE__MEMORY": request.param}
    with Pair(tmp_path_factory.mktemp("pair"), environ, environ) as both:
        fits, found = Mould.fits, list[bool]()

        def watched(mould: Mould, raw: bytes) -> bool:
            found.append(fits(mould, raw))
            return found[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Mould, "fits", watched)
            both.ask([*(ever_new(number) for number in range(CHANGING)), LAST])
        assert any(found), "the hit path knows these lines' values to change"
        yield both


CHANGING = 200
"""More values of a line than those of one that does not keep changing."""


def ever_new(number: int) -> bytes:
    """A hit with two lines that no other request has."""
    return b"GET /c/x HTTP/1.1\r\nHost: x\r\nCookie: a=%d\r\nX-Request-Id: %d\r\n\r\n" % (number, number)


TARGETS = st.sampled_from(
    [
        "/a",
        "/a",
        "/c/x",
        "/d/x",
        "/v",
        "/odd",
        "/private",
        "/new?x=1",
        "/a#f",
        "/a\\b",
        "//a",
        "*",
        "http://x/a",
        "/%zz",
    ]
)
LINES = st.sampled_from(
    [
        "Accept: */*",
        "Accept-Language: es",
        "Accept-Language:en ,  es",
        "Accept-Encoding: gzip",
        "User-Agent: wrk",
        "User-Agent: wrk",
        "Connection: keep-alive",
        "Connection: close",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Cookie: a=1",
        "Cookie: a=2; b",
        "Cookie: \xe9",
        "Authorization: Basic eA==",
        "Cache-Control: no-cache",
        "Cache-Control: max-age=0",
        "Cache-Control: only-if-cached",
        "Pragma: no-cache",
        'If-None-Match: "a"',
        'If-None-Match: W/"a", "b"',
        'If-None-Match: "b"',
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
        "Range: bytes=0-3",
        'If-Range: "a"',
        'If-Match: "b"',
        "Expect: 100-continue",
        "X-Request-Id: 1",
        "X-Request-Id:2",
        "X-Request-Id: a\x01b",
        "X-Request-Id: a\nb",
        "Host: y",
        "Host: x,y",
        "Content-Length: 0",
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
        "TE: trailers",
        " folded",
        "No-Colon",
        "Space : x",
        "Ctl: a\x01b",
        "High: \xe9",
        "Empty:",
        "Sec-WebSocket-Key1: x",
        "X-Long: " + "x" * 600,
        "Bare: a\nb",
    ]
)


NO_HOSTS = ["Host:", "Host: a b", "Host: x,y", "Host: [::1", "Host: x:99999", "Host: user@x", "Host: x/y"]


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A request, most often a sound one; what follows it need not fit what it announces."""
    method = draw(st.sampled_from(["GET"] * 6 + ["HEAD", "POST", "get", "QUERY", "OPTIONS"]))
    version = draw(st.sampled_from(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/2.0", "HTTP/1.1 "]))
    lines = draw(st.lists(LINES, max_size=3))
    host = draw(st.sampled_from([["Host: x"]] * 8 + [[], *([line] for line in NO_HOSTS)]))
    end = draw(st.sampled_from(["\r\n"] * 12 + ["\n", "\r\n\r\n"]))
    body = draw(st.sampled_from([""] * 6 + ["abc", "3\r\nabc\r\n0\r\n\r\n"]))
    head = "\r\n".join([f"{method} {draw(TARGETS)} {version}", *host, *lines])
    return f"{head}\r\n{end}{body}".encode("latin-1")


@st.composite
def near_hits(draw: st.DrawFn) -> bytes:
    """What would be a plain hit, but for a line or two."""
    method = draw(st.sampled_from(["GET", "GET", "HEAD"]))
    target = draw(st.sampled_from(["/a", "/a", "/c/x", "/d/x", "/v", "/odd"]))
    lines = draw(st.lists(LINES, max_size=1) | st.lists(LINES, max_size=2))
    host = draw(st.sampled_from(["Host: x"] * 8 + NO_HOSTS))
    return "\r\n".join([f"{method} {target} HTTP/1.1", host, *lines, "\r\n"]).encode("latin-1")


HIT = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@st.composite
def cut(draw: st.DrawFn) -> list[bytes]:
    """Requests one after the other, cut where they end, or anywhere, or not at all."""
    parts = [*draw(st.lists(near_hits() | messages(), min_size=1, max_size=4)), LAST]
    if draw(st.booleans()):
        return parts
    whole = b"".join(parts)
    cuts = sorted(draw(st.sets(st.integers(1, len(whole) - 1), max_size=6)))
    return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


@st.composite
def at_rest(draw: st.DrawFn) -> list[bytes]:
    """Requests that each come alone, the first of them a hit: where the hit path is at home."""
    return [HIT, *draw(st.lists(near_hits(), min_size=1, max_size=8)), LAST]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(pieces=at_rest() | cut())
def test_the_answers_are_the_same_with_and_without_the_hit_path(pair: Pair, pieces: list[bytes]) -> None:
    with_it, without_it = pair.ask(pieces)
    assert with_it == without_it
