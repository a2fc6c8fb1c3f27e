"""Lists of URLs warmed by real Tambos: by the command and the API, through crashes, and by one of many alone."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.fleet import PATIENT, Fleet, SlowApi, all_asking, ask, replicas, until
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


async def order(session: aiohttp.ClientSession, tambo: Tambo, **form: Any) -> dict[str, Any]:
    status, fields, body = await fetch(session, f"{tambo.admin}/admin/warm", "POST", json=form)
    assert status == 202, body
    job: dict[str, Any] = json.loads(body)
    assert fields["Location"] == f"/admin/jobs/{job['id']}"
    return job


async def look(session: aiohttp.ClientSession, tambo: Tambo, job: str, method: str = "GET") -> dict[str, Any]:
    status, _, body = await fetch(session, f"{tambo.admin}/admin/jobs/{job}", method)
    assert status == 200, body
    said: dict[str, Any] = json.loads(body)
    return said


async def ended(session: aiohttp.ClientSession, tambo: Tambo, job: str, seconds: float = 60) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        while True:
            said = await look(session, tambo, job)
            if said["state"] in ("done", "cancelled"):
                return said
            await asyncio.sleep(0.05)


async def command(tambo: Tambo, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """``tambo warm`` in a process of its own: its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "warm", *arguments, "--admin", tambo.admin),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_command_warms_and_leaves_alone_what_is_fresh(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.05)
    rucs = tmp_path / "rucs.txt"
    rucs.write_text("# customers\n20999999019\n\n10999999015\nwith a/slash\n20999999019\n")
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo:
        code, out, err = await command(tambo, "--template", "/ruc/{ruc}", str(rucs))
        assert (code, out) == (0, "Warmed 3 of 3: 3 fetched, 0 were fresh, 0 failed.\n"), err
        assert "3 of 3" in err
        assert set(api.asked) == {"/ruc/20999999019", "/ruc/10999999015", "/ruc/with a/slash"}
        for path in ("/ruc/20999999019", "/ruc/10999999015", "/ruc/with%20a%2Fslash"):
            assert (await ask(session, f"{tambo.url}{path}")).word == "HIT"
        code, out, _ = await command(tambo, "-", "--json", stdin="/ruc/20999999019\n/ruc/new\n")
        said = json.loads(out)
        assert (code, said["fetched"], said["fresh"], said["failed"]) == (0, 1, 1, 0)
        code, out, _ = await command(tambo, "-", "--force", "--json", stdin="/ruc/20999999019\n")
        assert (code, json.loads(out)["fetched"]) == (0, 1)
        assert api.asked["/ruc/20999999019"] == 2
        metrics = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
        assert 'tambo_upstream_requests_total{cause="warm",outcome="2xx",route="default"} 5.0' in metrics
        code, out, _ = await command(tambo, "--jobs")
        assert (code, out.count("done")) == (0, 3)


async def test_the_command_tells_what_failed_and_why(tmp_path: Path) -> None:
    api = SlowApi(0.0)
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo:
        code, out, _ = await command(tambo, "-", stdin="/good\n/error/a\n/private/b\n/down/c\n")
        assert code == 1
        assert "Warmed 4 of 4: 1 fetched, 0 were fresh, 3 failed." in out
        assert "/error/a: the upstream answered 500, which is not kept: status" in out
        assert "/private/b: the upstream's answer may not be kept" in out
        assert "/down/c: protocol: " in out
        for arguments, words, wanted in (
            (("-",), "the list is empty", 4),
            (("--follow", "nothing"), "there is no job of this id", 4),
            ((), "say exactly one of FILE", 2),
            (("no-such-file",), "no-such-file cannot be read: no such file or directory", 1),
            (("-", "--template", "/none"), "one place in braces", 1),
        ):
            stdin = "x\n" if "--template" in arguments else ""
            code, _, err = await command(tambo, *arguments, stdin=stdin)
            assert code == wanted, err
            assert words in err


async def test_an_interrupted_command_leaves_the_job_to_tambo(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.3)
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo:
        urls = tmp_path / "urls.txt"
        urls.write_text("".join(f"/{number}\n" for number in range(12)))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "warm", str(urls), "--parallel", "1", "--admin", tambo.admin),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
        )
        await until(lambda: len(api.asked) >= 3)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
        assert process.returncode == 130
        assert b"goes on without us" in err
        job = err.decode().partition("--follow ")[2].partition("'")[0]
        code, out, _ = await command(tambo, "--follow", job)
        assert (code, out) == (0, "Warmed 12 of 12: 12 fetched, 0 were fresh, 0 failed.\n")
        assert max(api.asked.values()) == 1


async def test_a_job_goes_on_after_a_crash(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.2)
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo:
        job = (await order(session, tambo, urls=[f"/{number}" for number in range(40)], parallel=2))["id"]
        await until(lambda: len(api.asked) >= 12)
        tambo.process.kill()
        await tambo.ended()
        await tambo.start()
        begun = dict(api.asked)
        said = await ended(session, tambo, job)
        assert (said["state"], said["done"], said["failures"]) == ("done", 40, [])
        twice = [path for path, times in api.asked.items() if times > 1]
        assert len(twice) <= 2 * 2, "more than was at the upstream, or on its way to the disk, when it died"
        assert len(begun) < 40


async def test_a_stopped_tambo_hands_its_job_over(
    tmp_path: Path, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    """Two Tambos over one Redis: one of them alone works at a job, and the other goes on with it."""
    api = SlowApi(0.2)
    async with (
        api.serving() as upstream,
        replicas(2, tmp_path, upstream, REDIS_URL=redis.url, **PATIENT) as (first, second),
    ):
        job = (await order(session, first, urls=[f"/{number}" for number in range(60)], parallel=3))["id"]
        await until(lambda: len(api.asked) >= 12)
        said = await look(session, second, job)
        assert said["state"] == "running"
        first.signal()
        await first.ended()
        said = await ended(session, second, job)
        assert (said["state"], said["done"], said["failures"]) == ("done", 60, [])
        assert max(api.asked.values()) == 1, "it was handed over before what it fetched was stored"
        assert api.most <= 3
        assert (await ask(session, f"{second.url}/59")).word == "HIT"


async def test_a_killed_tambo_s_job_is_taken_over(
    tmp_path: Path, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    api = SlowApi(0.2)
    async with (
        api.serving() as upstream,
        replicas(2, tmp_path, upstream, REDIS_URL=redis.url, **PATIENT) as (first, second),
    ):
        job = (await order(session, first, urls=[f"/{number}" for number in range(30)], parallel=2))["id"]
        await until(lambda: len(api.asked) >= 6)
        first.process.kill()
        said = await ended(session, second, job)
        assert (said["state"], said["done"], said["failures"]) == ("done", 30, [])
        assert sum(times > 1 for times in api.asked.values()) <= 2


async def test_clients_go_first_and_the_cap_holds(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(60.0)
    cap = {"TAMBO_UPSTREAM__CONCURRENCY__MAX": "2"}
    async with api.serving() as upstream, running(tmp_path, upstream, **cap) as tambo:
        alone = Fleet([tambo], api, session, None)
        job = await order(session, tambo, urls=[f"/warm/{number}" for number in range(20)], parallel=10)
        await until(lambda: len(api.order) == 2)
        asking = all_asking(session, [f"{tambo.url}/client/{number}" for number in range(4)])
        async with asyncio.timeout(60):
            while await alone.metric("tambo_upstream_queue_depth") < 4 + 10 - 2:
                await asyncio.sleep(0.05)
        for asked in (4, 6, 8):
            api.answer_all(60.0)
            await until(lambda asked=asked: len(api.order) == asked)
        assert {(await each).status for each in asking} == {200}
        assert all(path.startswith("/client/") for path in api.order[2:6]), "they waited behind the list"
        said = await look(session, tambo, job["id"])
        assert said["state"] == "running"
        assert said["eta_seconds"] is not None
        api.answer_all(0.0)
        said = await ended(session, tambo, job["id"])
        assert (said["done"], said["failed"], api.most) == (20, 0, 2)


async def test_clients_of_another_tambo_go_first_too(
    tmp_path: Path, redis: RedisServer, session: aiohttp.ClientSession
) -> None:
    """One Tambo works at a list, the clients come to the other: they wait in one line for the same two places."""
    api = SlowApi(0.2)
    cap = {"TAMBO_UPSTREAM__CONCURRENCY__MAX": "2"}
    async with (
        api.serving() as upstream,
        replicas(2, tmp_path, upstream, REDIS_URL=redis.url, **PATIENT, **cap) as (warming, serving),
    ):
        job = await order(session, warming, urls=[f"/warm/{number}" for number in range(200)], parallel=10)
        await until(lambda: len(api.asked) >= 4)
        got = [await each for each in all_asking(session, [f"{serving.url}/client/{number}" for number in range(20)])]
        assert {one.status for one in got} == {200}
        is_client = [path.startswith("/client/") for path in api.order]
        first, last = is_client.index(True), len(is_client) - is_client[::-1].index(True)
        meanwhile = is_client[first:last].count(False)
        assert meanwhile <= 20 * 3 / 4, (
            "taking turns would be one for each; a client that is late on its way leaves its place to the list"
        )
        assert (await look(session, serving, job["id"]))["state"] == "running"
        assert api.most == 2
        await look(session, serving, job["id"], "DELETE")


async def test_a_terminal_shows_a_bar_that_grows_and_how_long_it_takes(tmp_path: Path) -> None:
    """The command on a real pseudo-terminal."""
    api = SlowApi(0.4)
    urls = tmp_path / "urls.txt"
    urls.write_text("".join(f"/{number}\n" for number in range(20)))
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo:
        ours, theirs = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "proxy", "warm", str(urls), "--parallel", "2", "--admin", tambo.admin),
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "100"},
            )
        finally:
            os.close(theirs)
        shown = await asyncio.to_thread(everything, ours)
        assert await process.wait() == 0
    counts = [int(count) for count in re.findall(r"(\d+)/20", shown)]
    assert counts == sorted(counts)
    assert counts[-1] == 20
    assert len(set(counts)) >= 3, "it did not grow"
    assert "\u2501" in shown, "no bar"
    assert re.search(r"about \d+s left", shown)
    assert "Warmed 20 of 20: 20 fetched, 0 were fresh, 0 failed." in shown


def everything(terminal: int) -> str:
    """All that is written to a pseudo-terminal until nobody has it any more."""
    pieces = []
    try:
        while piece := os.read(terminal, 65_536):
            pieces.append(piece)
    except OSError:  # Linux' word for its end
        pass
    finally:
        os.close(terminal)
    return b"".join(pieces).decode()


async def test_a_job_is_cancelled(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    api = SlowApi(0.1)
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo:
        job = (await order(session, tambo, urls=[f"/{number}" for number in range(200)]))["id"]
        await until(lambda: len(api.asked) >= 4)
        await look(session, tambo, job, "DELETE")
        said = await ended(session, tambo, job)
        assert said["state"] == "cancelled"
        assert said["done"] < 200
        await look(session, tambo, job, "DELETE")
        assert (await look(session, tambo, job))["state"] == "cancelled"
        asked = len(api.asked)
        code, _, _ = await command(tambo, "--cancel", job)
        assert code == 0
        assert len(api.asked) == asked


async def test_a_job_waits_while_the_upstream_is_left_alone(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """An open breaker, or an operator's mode: nothing is asked, nothing counts as failed, and it goes on by itself."""
    api = SlowApi(0.05)
    async with api.serving() as upstream, running(tmp_path, upstream) as tambo:
        await fetch(session, f"{tambo.admin}/admin/mode", "PUT", json={"mode": "offline"})
        job = (await order(session, tambo, urls=["/a", "/b"]))["id"]
        async with asyncio.timeout(60):
            while (said := await look(session, tambo, job))["waiting_for"] is None:
                await asyncio.sleep(0.05)
        assert "mode" in said["waiting_for"]
        assert not api.asked
        await fetch(session, f"{tambo.admin}/admin/mode", "PUT", json={"mode": "normal"})
        said = await ended(session, tambo, job)
        assert (said["fetched"], said["failed"]) == (2, 0)


async def test_what_is_wrong_with_an_order_is_said(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with running(tmp_path, "http://127.0.0.1:1") as tambo:
        for form, words in (
            ("[]", "must be a JSON object"),
            ('{"url": ["/a"]}', "unknown name 'url'"),
            ('{"urls": []}', "a list that is not empty"),
            ('{"urls": ["/a"], "template": "/{x}"}', "either 'urls', or 'template'"),
            ('{"urls": ["a b"]}', "neither an absolute URL nor a path"),
            ('{"urls": ["/a b"]}', "percent-encoded"),
            ('{"urls": ["/a"], "parallel": 0}', "from 1 to 64"),
            ('{"urls": ["/a"], "headers": {"Cookie": "a=b"}}', "cannot be given"),
            ('{"template": "/{a}/{b}", "values": ["x"]}', "one place in braces"),
            ('{"template": "/{a}", "values": [""]}', "a text that is not empty"),
            ('{"urls": ["/' + "a" * 8000 + '"]}', "8000 at most"),
        ):
            status, _, body = await fetch(session, f"{tambo.admin}/admin/warm", "POST", data=form)
            assert status == 400, form
            assert words in json.loads(body)["detail"]
        many = json.dumps({"urls": [f"/{number}" for number in range(100_001)]})
        status, _, body = await fetch(session, f"{tambo.admin}/admin/warm", "POST", data=many)
        assert (status, b"100000 at most" in body) == (400, True)
