"""The upstream's client over TLS, with certificates made for the test."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from proxy.edge.upstream import Origin, UpstreamClient, UpstreamSettings
from proxy.errors import Failure, UpstreamError
from proxy.exchange.ports import UpstreamAnswer, UpstreamRequest
from proxy.policy.messages import Fields
from tests.support.content import Content
from tests.support.raw_origin import Peer, RawOrigin, answering
from tests.support.raw_responses import OK

pytestmark = pytest.mark.integration

HI = OK + b"Content-Length: 2\r\n\r\nhi"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that nobody else trusts."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Its certificate as a PEM file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """For an origin that is called ``names``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert(*names).configure_cert(context)
    return context


@asynccontextmanager
async def a_client(origin: RawOrigin, ca_file: str | None, **changes: Any) -> AsyncIterator[UpstreamClient]:
    """A client that trusts ``ca_file``; in the end nothing of it may be left."""
    url = changes.pop("url", origin.url)
    client = UpstreamClient(replace(UpstreamSettings(Origin.from_url(url), ca_file=ca_file), **changes))
    try:
        yield client
    finally:
        await client.aclose()
        assert client.stats.open == 0


def get(method: str = "GET", **more: Any) -> UpstreamRequest:
    """A request for ``/a``."""
    return UpstreamRequest(method, "/a", None, Fields(), **more)


async def read(answer: UpstreamAnswer) -> bytes:
    """The whole content."""
    return b"".join([piece async for piece in answer.body])


async def test_requests_over_one_encrypted_connection(authority: trustme.CA, ca_file: str) -> None:
    seen: list[tuple[bytes, str | None]] = []

    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            seen.append((head, peer.writer.get_extra_info("ssl_object").selected_alpn_protocol()))
            await peer.say(HI)

    async with RawOrigin(script, server_context(authority, "localhost")) as origin, a_client(origin, ca_file) as client:
        for method in ("GET", "POST", "HEAD"):
            answer = await client.send(get(method))
            assert await read(answer) == (b"" if method == "HEAD" else b"hi")
            if method != "HEAD":
                assert client.stats.idle == 1
        assert client.stats.created == 1
    assert seen[0] == (b"GET /a HTTP/1.1\r\nHost: " + origin.authority + b"\r\n\r\n", "http/1.1")


async def test_the_name_is_sent_and_must_match(authority: trustme.CA, ca_file: str) -> None:
    names: list[str | None] = []
    context = server_context(authority, "elsewhere.test")
    context.sni_callback = lambda _object, name, _context: names.append(name)
    script, heads = answering(HI)
    async with RawOrigin(script, context) as origin, a_client(origin, ca_file) as client:
        with pytest.raises(UpstreamError, match="Hostname mismatch") as caught:
            await client.send(get())
        assert caught.value.failure is Failure.UNREACHABLE
    assert names == ["localhost"]
    assert heads == []


async def test_an_unknown_authority_is_not_trusted(authority: trustme.CA) -> None:
    script, heads = answering(HI)
    async with RawOrigin(script, server_context(authority, "localhost")) as origin, a_client(origin, None) as client:
        with pytest.raises(UpstreamError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            await client.send(get())
        assert caught.value.failure is Failure.UNREACHABLE
    assert heads == []


async def test_an_address_needs_a_certificate_for_it(authority: trustme.CA, ca_file: str) -> None:
    script, _ = answering(HI)
    async with (
        RawOrigin(script, server_context(authority, "127.0.0.1")) as origin,
        a_client(origin, ca_file, url=f"https://127.0.0.1:{origin.port}") as client,
    ):
        assert await read(await client.send(get())) == b"hi"


async def test_an_origin_that_does_not_speak_tls(ca_file: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(10)
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with RawOrigin(script) as origin, a_client(origin, ca_file, url=f"https://localhost:{origin.port}") as client:
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.UNREACHABLE


async def test_a_handshake_that_does_not_end(ca_file: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.hang()

    async with (
        RawOrigin(script) as origin,
        a_client(origin, ca_file, url=f"https://localhost:{origin.port}", connect=0.1) as client,
    ):
        with pytest.raises(UpstreamError) as caught:
            await client.send(get())
        assert caught.value.failure is Failure.TIMEOUT


@pytest.mark.parametrize("with_alert", [True, False])
async def test_content_until_close_is_complete_only_with_the_closing_alert(
    authority: trustme.CA, ca_file: str, with_alert: bool
) -> None:
    """Anybody on the way can cut a TCP connection; only the origin can say in TLS that it is done (RFC 9112 §9.8)."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"\r\nhello")
        if not with_alert:
            await peer.hang()

    async with RawOrigin(script, server_context(authority, "localhost")) as origin, a_client(origin, ca_file) as client:
        answer = await client.send(get())
        if with_alert:
            assert await read(answer) == b"hello"
            return
        chunks = aiter(answer.body)
        assert await anext(chunks) == b"hello"
        for writer in origin.writers:
            with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as cable:
                cable.shutdown(socket.SHUT_WR)
        with pytest.raises(UpstreamError) as caught:
            await anext(chunks)
        assert caught.value.failure is Failure.PROTOCOL


async def test_content_both_ways_in_constant_memory(authority: trustme.CA, ca_file: str) -> None:
    size = 64 * MIB

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(OK + b"Content-Length: %d\r\n\r\n" % size)
        left = size
        while left:
            piece = await peer.reader.read(MIB)
            left -= len(piece)
            await peer.say(piece)

    body = Content(*[b"x" * 65536] * (size // 65536), length=size)
    async with RawOrigin(script, server_context(authority, "localhost")) as origin, a_client(origin, ca_file) as client:
        answer = await client.send(get("POST", body=body))
        before = -1
        while before != body.read:  # nothing is read here: so nothing more is sent, in the end
            before = body.read
            await asyncio.sleep(0.05)
        assert body.read * 65536 < size // 2  # what the kernel's buffers hold, and ours and the origin's
        assert len(await read(answer)) == size
