"""The page over HTTP: who gets it, signing in and out, its policy, its stream; and that nothing in it is unescaped."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from proxy.edge.admin.access import Gate
from proxy.edge.admin.gatekeeper import gatekeeper
from proxy.edge.admin.page.serving import FOLDER, Page
from proxy.edge.admin.page.stream import MOST_STREAMS, Stream
from proxy.edge.admin.session import LASTS
from tests.support.clock import FakeClock
from tests.unit.telemetry.test_statistics import told

Client = TestClient[web.Request, web.Application]
StartClient = Callable[[web.Application], Awaitable[Client]]
EVIL = "<script>alert(1)</script>"


class Desk:
    """The page over given figures."""

    def __init__(self, token: str | None) -> None:
        self.clock = FakeClock()
        self.stream = Stream(self.stats, self.clock.now)
        self._token = token

    async def stats(self) -> dict[str, Any]:
        extra = {"mode": {"mode": "normal", "seconds_left": None}, "health": {"status": EVIL, "redis": "embedded"}}
        return told() | extra

    async def act(self, _: web.Request) -> web.Response:
        return web.json_response({"done": True})

    async def start(self, start: StartClient) -> Client:
        gate = Gate(self._token, on_loopback=True)
        app = web.Application(middlewares=[gatekeeper(lambda: gate, self.clock.now)])
        Page(lambda: self._token, self.stats, self.clock.now, self.stream).add_to(app)
        app.router.add_get("/admin/act", self.act)
        app.router.add_post("/admin/act", self.act)
        return await start(app)


async def sign_in(client: Client) -> str:
    """The cookie."""
    answer = await client.post("/signin", data={"token": "s3cret"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    return answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]


def code_of(page: str) -> str:
    found = re.search(r'name="tambo-csrf" content="([0-9a-f]*)"', page)
    assert found is not None
    return found[1]


async def test_without_a_token_it_is_open_and_escaped(aiohttp_client: StartClient) -> None:
    client = await Desk(None).start(aiohttp_client)
    answer = await client.get("/")
    page = await answer.text()
    assert answer.status == 200
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)" in page
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert code_of(page) == ""
    assert "Sign out" not in page


def test_the_page_has_nothing_that_its_policy_forbids() -> None:
    for name in ("page.html", "signin.html"):
        text = (FOLDER / name).read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|https?://", text), name
        assert not re.search(r'(?:href|src|action)="/', text), f"{name}: links are relative, for any prefix"
    script = (FOLDER / "app.js").read_text()
    assert not re.search(
        r"innerHTML\s*=|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(\"/|\"/admin", script
    )


async def test_with_a_token_one_signs_in(aiohttp_client: StartClient) -> None:
    client = await Desk("s3cret").start(aiohttp_client)
    page = await (await client.get("/")).text()
    assert 'name="token"' in page
    assert "tiles" not in page
    assert (await client.get("/admin/act")).status == 401
    assert (await client.get("/assets/app.css")).status == 200
    assert (await client.get("/assets/page.html")).status == 401
    wrong = await client.post("/signin", data={"token": "other"})
    assert (wrong.status, "Set-Cookie" in wrong.headers) == (403, False)
    assert "not the value" in await wrong.text()
    await sign_in(client)
    assert "tiles" in await (await client.get("/")).text()
    assert (await client.get("/admin/act")).status == 200
    assert (await client.get("/assets/page.html")).status == 404


async def test_the_cookie_is_for_this_site_alone(aiohttp_client: StartClient) -> None:
    client = await Desk("s3cret").start(aiohttp_client)
    host = f"{client.host}:{client.port}"
    for origin, is_secure in ((f"http://{host}", False), (f"https://{host}", True)):
        answer = await client.post(
            "/signin", data={"token": "s3cret"}, headers={"Origin": origin}, allow_redirects=False
        )
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path" not in cookie
        assert ("Secure" in cookie) is is_secure
    foreign = await client.post("/signin", data={"token": "s3cret"}, headers={"Origin": "http://evil.example"})
    assert foreign.status == 403


async def test_what_changes_something_needs_the_code_and_our_origin(aiohttp_client: StartClient) -> None:
    desk = Desk("s3cret")
    client = await desk.start(aiohttp_client)
    await sign_in(client)
    code = code_of(await (await client.get("/")).text())
    ours = f"http://{client.host}:{client.port}"
    assert (await client.post("/admin/act")).status == 403
    assert (await client.post("/admin/act", headers={"X-Tambo-CSRF": "0" * 64})).status == 403
    foreign = {"X-Tambo-CSRF": code, "Origin": "http://evil.example"}
    assert (await client.post("/admin/act", headers=foreign)).status == 403
    assert (await client.post("/admin/act", headers={"X-Tambo-CSRF": code, "Origin": ours})).status == 200
    assert (await client.post("/admin/act", headers={"Authorization": "Bearer s3cret"})).status == 200
    assert (await client.get("/admin/act", headers={"Authorization": "Bearer wrong"})).status == 401
    desk.clock.advance(LASTS + 1)
    assert (await client.get("/admin/act")).status == 401
    assert 'name="token"' in await (await client.get("/")).text()


async def test_signing_out(aiohttp_client: StartClient) -> None:
    client = await Desk("s3cret").start(aiohttp_client)
    await sign_in(client)
    code = code_of(await (await client.get("/")).text())
    assert (await client.post("/signout", headers={"X-Tambo-CSRF": code})).status == 200
    assert (await client.get("/admin/act")).status == 401


async def test_the_stream_tells_and_ends_with_the_application(aiohttp_client: StartClient) -> None:
    desk = Desk(None)
    client = await desk.start(aiohttp_client)
    answer = await client.get("/admin/stream")
    assert answer.headers["Content-Type"] == "text/event-stream"
    line = await answer.content.readline()
    assert json.loads(line.removeprefix(b"data: "))["requests"]["total"] == 10
    assert len(desk.stream.open) == 1
    await client.server.close()
    async with asyncio.timeout(5):
        rest = await answer.content.read()
    assert rest.count(b"data:") <= 1
    assert desk.stream.open == set()


async def test_streams_are_bounded(aiohttp_client: StartClient) -> None:
    desk = Desk(None)
    desk.stream.open.update(asyncio.Event() for _ in range(MOST_STREAMS))
    client = await desk.start(aiohttp_client)
    answer = await client.get("/admin/stream")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")


@pytest.mark.parametrize("name", ["app.css", "app.js"])
async def test_the_assets(aiohttp_client: StartClient, name: str) -> None:
    client = await Desk(None).start(aiohttp_client)
    answer = await client.get(f"/assets/{name}")
    assert (await answer.text()) == (FOLDER / name).read_text()
    assert answer.content_type in {"text/css", "text/javascript"}
