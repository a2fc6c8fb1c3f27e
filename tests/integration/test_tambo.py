"""Tambo as a user starts it: a process of its own, real sockets, the embedded store on a real disk."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

ROUTES = """
[[routes]]
name = "slow"
match = { path = "/slow/{name}" }
mode = "override"
ttl = "1h"
[[routes]]
name = "judged"
match = { path = "/error-in-200" }
mode = "override"
ttl = "1h"
verdicts = [{ when = "message && detail", verdict = "failure" }]
"""


@pytest.fixture
async def api() -> Api:
    return Api()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        auto_decompress=False, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as it:
        yield it


@pytest.fixture
async def tambo(api: Api, tmp_path: Path) -> AsyncIterator[Tambo]:
    (tmp_path / "tambo.toml").write_text(ROUTES)
    async with serving(api) as upstream, running(tmp_path, upstream) as it:
        yield it


async def test_a_hit_survives_a_restart(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    url = f"{tambo.url}/json/a"
    _, first, body = await fetch(session, url)
    _, second, again = await fetch(session, url)
    assert (first["X-Cache"], second["X-Cache"]) == ("MISS", "HIT")
    await tambo.restart()
    status, third, after = await fetch(session, f"{tambo.url}/json/a")
    assert (status, third["X-Cache"], body == again == after) == (200, "HIT", True)
    assert third["ETag"] == second["ETag"]
    assert int(third["Age"]) >= 0
    assert api.asked["/json/a"] == 1


async def test_a_hit_survives_a_kill(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    await fetch(session, f"{tambo.url}/json/a")
    async with asyncio.timeout(60):
        while "disk" not in await _stored_on(tambo, session):
            await asyncio.sleep(0.05)
    tambo.signal(signal.SIGKILL)
    await tambo.ended()
    await tambo.start()
    assert (await fetch(session, f"{tambo.url}/json/a"))[1]["X-Cache"] == "HIT"


async def _stored_on(tambo: Tambo, session: aiohttp.ClientSession) -> set[str]:
    metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
    return {tier for tier in ("memory", "disk") if f'tambo_store_entries{{tier="{tier}"}} 1.0' in metrics}


async def test_a_hundred_clients_and_one_cold_key(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    asking = [asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/a")) for _ in range(100)]
    await _until(lambda: api.inflight == 1)
    for _ in range(3):  # what was sent after them has been answered: they have all been read
        await fetch(session, f"{tambo.url}/echo")
    api.gate.set()
    answers = await asyncio.gather(*asking)
    assert {(status, body) for status, _, body in answers} == {(200, b'{"n": 1}')}
    assert api.asked["/slow/a"] == 1
    told = sorted(fields["X-Cache"] for _, fields, _ in answers)
    assert told == ["COALESCED"] * 99 + ["MISS"]


async def test_the_fetch_is_stored_though_every_client_hung_up(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    asking = [asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/a")) for _ in range(5)]
    await _until(lambda: api.inflight == 1)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    api.gate.set()
    await _until(lambda: api.inflight == 0)
    _, fields, _ = await fetch(session, f"{tambo.url}/slow/a")
    assert fields["X-Cache"] in ("HIT", "COALESCED")
    assert api.asked["/slow/a"] == 1


async def test_an_error_inside_a_200_is_relayed_and_never_kept(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    for _ in range(2):
        status, fields, body = await fetch(session, f"{tambo.url}/error-in-200")
        assert (status, json.loads(body)["ruc"]) == (200, "1")
        assert fields["Cache-Status"] == "tambo; fwd=uri-miss; fwd-status=200; detail=verdict-failure"
    assert api.asked["/error-in-200"] == 2


async def test_it_is_transparent(tambo: Tambo, session: aiohttp.ClientSession) -> None:
    """Method, raw target, body and fields arrive as they were sent; nothing is added but Via and X-Forwarded-*."""
    reader, writer = await asyncio.open_connection(*tambo.url.removeprefix("http://").split(":"))
    target = "/echo/%2C%61/./a//b?x=%zz&&?y=+"
    writer.write(
        f"PATCH {target} HTTP/1.1\r\nHost: api.example\r\nX-Odd: \xe9 value\r\nContent-Length: 3\r\n"
        "X-Forwarded-For: 6.6.6.6\r\nX-Original-URL: /admin\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\nabc".encode(
            "latin-1"
        )
    )
    raw = await reader.read()
    writer.close()
    echo = json.loads(raw.partition(b"\r\n\r\n")[2])
    fields = {name.lower(): value for name, value in echo["fields"]}
    assert (echo["method"], echo["target"], echo["size"]) == ("PATCH", target, 3)
    assert fields["x-odd"] == "é value"
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert fields["via"] == "1.1 tambo"
    assert set(fields) == {
        "host", "x-odd", "content-length", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
    }  # fmt: skip


async def test_redirects_are_relayed_not_followed(tambo: Tambo, session: aiohttp.ClientSession) -> None:
    status, fields, _ = await fetch(session, f"{tambo.url}/redirect", allow_redirects=False)
    assert (status, fields["Location"]) == (302, "http://169.254.169.254/")


async def test_websockets_pass(tambo: Tambo, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(f"{tambo.url}/ws") as socket:
        await socket.send_str("hola")
        assert await socket.receive_str(timeout=5) == "you said hola"


async def test_events_arrive_as_they_are_sent(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{tambo.url}/stream") as answer:
        assert await answer.content.readuntil(b"\n\n") == b"data: 1\n\n"
        api.gate.set()
        assert await answer.content.readuntil(b"\n\n") == b"data: 2\n\n"


async def test_large_bodies_stream_in_constant_memory(tambo: Tambo, session: aiohttp.ClientSession) -> None:
    size = 200 * 1024 * 1024

    async def produce() -> AsyncIterator[bytes]:
        for _ in range(size // 65536):
            yield b"y" * 65536

    before = _peak_memory(tambo)
    async with session.get(f"{tambo.url}/big/{size}") as answer:
        got = 0
        async for chunk in answer.content.iter_any():
            got += len(chunk)
    assert got == size
    _, _, body = await fetch(session, f"{tambo.url}/echo", method="POST", data=produce())
    assert json.loads(body)["size"] == size
    assert _peak_memory(tambo) - before < 40 * 1024 * 1024


async def test_stopping_loses_nothing_in_flight(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    asking = [asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/{n}")) for n in range(20)]
    await _until(lambda: api.inflight == 20)
    tambo.signal()
    await _until_ready_is(tambo, session, 503)
    api.gate.set()
    answers = await asyncio.gather(*asking)
    assert {status for status, _, _ in answers} == {200}
    assert await tambo.ended() == 0


async def test_stopping_finishes_a_fetch_that_nobody_waits_for(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    asking = asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/a"))
    await _until(lambda: api.inflight == 1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    tambo.signal()
    await _until(lambda: bool(tambo.said("stopping")))
    api.gate.set()
    assert await tambo.ended() == 0
    await tambo.start()
    assert (await fetch(session, f"{tambo.url}/slow/a"))[1]["X-Cache"] == "HIT"


async def test_a_second_signal_ends_it_now(tambo: Tambo, api: Api, session: aiohttp.ClientSession) -> None:
    asking = asyncio.ensure_future(fetch(session, f"{tambo.url}/slow/a"))
    await _until(lambda: api.inflight == 1)
    tambo.signal()
    await _until(lambda: bool(tambo.said("stopping")))
    tambo.signal()
    assert await tambo.ended(60) == 0  # what is in flight would hang for two minutes
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_purge_is_true_at_once_and_after_a_restart(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    for name in ("a", "b"):
        await fetch(session, f"{tambo.url}/json/{name}")
    purge = f"{tambo.admin}/admin/purge"
    _, _, answer = await fetch(session, purge, "POST", json={"url": "/json/a", "mode": "hard"})
    assert json.loads(answer) == {"kind": "url", "mode": "hard", "count": 1}
    assert (await fetch(session, f"{tambo.url}/json/a"))[2] == b'{"n": 2}'
    _, _, answer = await fetch(session, purge, "POST", json={"prefix": "/json/", "mode": "hard"})
    assert json.loads(answer)["count"] is None
    await tambo.restart()
    assert (await fetch(session, f"{tambo.url}/json/a"))[2] == b'{"n": 3}'
    assert (await fetch(session, f"{tambo.url}/json/b"))[2] == b'{"n": 2}'


async def test_a_soft_purge_serves_the_old_answer_stale_while_one_refresh_runs(
    tambo: Tambo, api: Api, session: aiohttp.ClientSession
) -> None:
    await fetch(session, f"{tambo.url}/json/a")
    await fetch(session, f"{tambo.admin}/admin/purge", "POST", json={"all": True})
    _, fields, body = await fetch(session, f"{tambo.url}/json/a")
    assert (fields["X-Cache"], body) == ("STALE", b'{"n": 1}')
    await _until(lambda: api.asked["/json/a"] == 2)
    await _until_body(session, f"{tambo.url}/json/a", b'{"n": 2}')


async def test_an_upstream_that_is_not_there_is_a_502(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with running(tmp_path, "http://127.0.0.1:1") as tambo:
        status, fields, body = await fetch(session, f"{tambo.url}/a")
        problem = json.loads(body)
        assert (status, problem["code"], fields["Content-Type"]) == (502, "unreachable", "application/problem+json")
        assert "127.0.0.1" not in body.decode()


async def test_an_upstream_that_is_slow_is_a_504(api: Api, tmp_path: Path, session: aiohttp.ClientSession) -> None:
    setting = {"TAMBO_UPSTREAM__TIMEOUT__FIRST_BYTE": "200ms"}
    async with serving(api) as upstream, running(tmp_path, upstream, **setting) as tambo:
        status, _, body = await fetch(session, f"{tambo.url}/slow/a")
        assert (status, json.loads(body)["code"]) == (504, "timeout")


async def test_a_second_instance_on_the_same_folder_is_refused(tambo: Tambo, tmp_path: Path) -> None:
    second = Tambo({"UPSTREAM_URL": "http://127.0.0.1:1"}, tmp_path)
    with pytest.raises(RuntimeError, match="data"):
        await second.start()
    assert await second.ended() == 3


async def test_the_first_lines_say_what_it_does(tambo: Tambo) -> None:
    (line,) = tambo.said("tambo ")
    assert "in front of http://127.0.0.1" in line["message"]
    assert "embedded" in line["message"]


async def test_metrics_count_what_happened(tambo: Tambo, session: aiohttp.ClientSession) -> None:
    for _ in range(3):
        await fetch(session, f"{tambo.url}/json/a")
    metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
    assert 'tambo_requests_total{method="GET",result="hit",route="default",status_class="2xx"} 2.0' in metrics
    assert 'tambo_upstream_requests_total{cause="miss",outcome="2xx",route="default"} 1.0' in metrics


def _peak_memory(tambo: Tambo) -> int:
    """Bytes of VmHWM."""
    for line in Path(f"/proc/{tambo.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


async def _until(condition: Callable[[], bool]) -> None:
    """Poll a condition of another process's doing, a minute at most."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def _until_body(session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    async with asyncio.timeout(60):
        while (await fetch(session, url))[2] != body:
            await asyncio.sleep(0.02)


async def _until_ready_is(tambo: Tambo, session: aiohttp.ClientSession, status: int) -> None:
    async with asyncio.timeout(60):
        while (await fetch(session, f"{tambo.admin}/readyz"))[0] != status:
            await asyncio.sleep(0.02)


async def test_one_folder_never_answers_for_another_upstream(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    apis = [Api(), Api()]
    for api in apis:
        async with serving(api) as upstream, running(tmp_path, upstream) as tambo:
            assert (await fetch(session, f"{tambo.url}/json/a"))[1]["X-Cache"] == "MISS"
    assert [api.asked["/json/a"] for api in apis] == [1, 1]
