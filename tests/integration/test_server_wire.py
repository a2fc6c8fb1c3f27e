"""The public listener on real sockets: what bytes it makes of an answer, and what it makes of requests."""

from proxy.exchange.ports import Answer, RequestBody
from proxy.policy.messages import RequestHead
from tests.support.public_server import DATE, Pieces, answer, connected, roundtrip, serving, whole

HEAD = f"HTTP/1.1 200 OK\r\nDate: {DATE}\r\n".encode()


async def test_an_answer_in_memory_is_written_as_it_is() -> None:
    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        return answer(b"{}", fields=(("X-Odd", "\xe9\xff"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2")))

    async with serving(script) as server, connected(server) as wire:
        await wire.send(b"GET /a%2Cb//../?x=%zz HTTP/1.1\r\nHost: h\r\nX: \xff\r\n\r\n")
        assert await wire.head() == (
            HEAD + b"X-Odd: \xe9\xff\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 2\r\n\r\n"
        )
        assert await wire.exactly(2) == b"{}"
        request = server.finished[0].request
        assert request is not None
        assert request.target == "/a%2Cb//../?x=%zz"
        assert request.fields.lines == (("Host", "h"), ("X", "\xff"))
        assert (request.authority, request.peer, request.scheme) == ("h", "127.0.0.1", "http")


async def test_a_stream_is_chunked_and_closed() -> None:
    stream = Pieces(b"ab", b"", b"c")

    async def script(request: RequestHead, body: RequestBody | None) -> Answer:
        return answer(stream)

    async with serving(script) as server, connected(server) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await wire.head() == HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        assert await wire.exactly(17) == b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"[:17]
        await stream.closed.wait()
        assert server.bugs == []


async def test_requests_behind_each_other_are_answered_in_turn() -> None:
    async with serving() as server:
        sent = b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
        sent += b"POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n"
        sent += b"GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        got = await roundtrip(server, sent)
        bodies = [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 ")[1:]]
        assert bodies == [b"POST /1 abc", b"GET /2 ", b"POST /3 xyz", b"GET /4 "]
        assert await whole(None) == b""
