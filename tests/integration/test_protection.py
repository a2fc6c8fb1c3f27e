"""A Tambo in a process of its own before an upstream that is slow, or gone for a while: what both sides see of it."""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

import aiohttp
import pytest

from tests.support.api import Api, serving
from tests.support.tambo import Tambo, fetch, running

pytestmark = pytest.mark.integration

LATE = 10.0
"""Seconds that a busy machine may add to any wait before it counts as one too long."""
Answer = tuple[int, Mapping[str, str], bytes]


async def metric(tambo: Tambo, session: aiohttp.ClientSession, pattern: str) -> float:
    """The sum of all samples whose line matches."""
    text = (await fetch(session, f"{tambo.admin}/metrics"))[2].decode()
    return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)$", text, flags=re.MULTILINE))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


OUTAGE = """
[[routes]]
name = "paced"
match = { path = "/paced/{name}" }
mode = "override"
ttl = "1s"
stale_while_revalidate = "2s"
stale_if_error = "1h"
hold_off = "6s"
"""
KEYS = [f"/paced/{number}" for number in range(5)]


class Load:
    """Asks for every key again and again until it is stopped, and keeps all that was answered."""

    def __init__(self, tambo: Tambo, session: aiohttp.ClientSession) -> None:
        self.answers: dict[str, list[Answer]] = {key: [] for key in KEYS}
        self._tasks = [asyncio.ensure_future(self._ask(tambo, session, key)) for key in KEYS]

    async def _ask(self, tambo: Tambo, session: aiohttp.ClientSession, key: str) -> None:
        while True:
            self.answers[key].append(await fetch(session, tambo.url + key))
            await asyncio.sleep(0.05)  # the pace of the load

    def newest(self) -> set[bytes]:
        return {answers[-1][2] for answers in self.answers.values()}

    async def stop(self) -> list[Answer]:
        for task in self._tasks:
            task.cancel()
        gone = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in gone), gone
        return [answer for answers in self.answers.values() for answer in answers]


async def test_an_outage_under_load_is_seen_by_nobody_and_costs_a_handful_of_probes(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    (tmp_path / "tambo.toml").write_text(OUTAGE)
    before, after = Api(), Api()
    async with serving(before) as upstream:
        port = int(upstream.rpartition(":")[2])
        tambo = Tambo({"UPSTREAM_URL": upstream}, tmp_path)
        await tambo.start()
        for key in KEYS:
            await fetch(session, tambo.url + key)
    try:
        load = Load(tambo, session)
        await asyncio.sleep(7)  # the outage: nobody listens where the upstream was
        probes = await metric(tambo, session, r'tambo_upstream_requests_total{.*outcome="unreachable".*}')
        held = await metric(tambo, session, r'tambo_holdoff_keys{route="paced"}')
        after.asked.update(dict.fromkeys(KEYS, 100))
        async with serving(after, port):
            await until(lambda: load.newest().isdisjoint({b'{"n": 1}'}))
            answers = await load.stop()
    finally:
        await tambo.stop()
    assert len(answers) > 200, "a load worth the name"
    assert {status for status, _, _ in answers} == {200}, "a failed request"
    assert len(KEYS) <= probes <= 10 * len(KEYS), "more than a handful of probes per key"
    assert 0 < held <= len(KEYS)
    assert any("detail=holdoff" in fields["Cache-Status"] for _, fields, _ in answers)
    for each in load.answers.values():
        bodies = [body for _, _, body in each]
        assert bodies == sorted(bodies, key=len), "something old was served after the first good answer"


def a_cap(queue: int, queue_timeout: str) -> str:
    return f"""
[upstream]
concurrency = {{ max = 4, queue = {queue}, queue_timeout = "{queue_timeout}" }}
"""


async def timed(session: aiohttp.ClientSession, url: str) -> tuple[Answer, float]:
    began = monotonic()
    return await fetch(session, url), monotonic() - began


async def ask_all(session: aiohttp.ClientSession, tambo: Tambo, kind: str, times: int) -> list[tuple[Answer, float]]:
    """So many distinct cold keys at once: each answer, and how long it took."""
    return await asyncio.gather(*(timed(session, f"{tambo.url}/{kind}/{number}") for number in range(times)))


async def test_two_hundred_cold_keys_never_see_more_than_four_at_the_upstream(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    (tmp_path / "tambo.toml").write_text(a_cap(200, "60s"))
    api = Api()
    async with serving(api) as upstream, running(tmp_path, upstream) as tambo:
        asking = asyncio.ensure_future(ask_all(session, tambo, "slow", 200))
        await until(lambda: api.inflight == 4)
        while await metric(tambo, session, "tambo_upstream_queue_depth.*") < 196:
            assert api.most_inflight == 4
        api.gate.set()  # not before all have come: the first four would make room for who comes late
        answers = await asking
        assert {answer[0] for answer, _ in answers} == {200}
        assert api.most_inflight == 4
        assert sum(api.asked.values()) == 200
        assert await metric(tambo, session, "tambo_upstream_queue_wait_seconds_count") == 196
        assert await metric(tambo, session, "tambo_upstream_inflight") == 0


async def test_nobody_waits_past_its_timeout_without_an_answer(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    (tmp_path / "tambo.toml").write_text(a_cap(50, "2s"))
    api = Api()
    async with serving(api) as upstream, running(tmp_path, upstream) as tambo:
        asking = asyncio.ensure_future(ask_all(session, tambo, "slow", 200))
        await until(lambda: api.inflight == 4)
        shed = 0.0
        while shed < 196:
            shed = await metric(tambo, session, "tambo_upstream_shed_total{.*}")
        api.gate.set()
        answers = await asking
        refused = [(answer, seconds) for answer, seconds in answers if answer[0] == 503]
        assert len(refused) == 196
        assert api.most_inflight == 4
        assert max(seconds for _, seconds in refused) < 2 + LATE
        assert all(int(fields["Retry-After"]) >= 1 for (_, fields, _), _ in refused)
        assert all(int(fields["X-Queue-Position"]) >= 1 for (_, fields, _), _ in refused)
        assert await metric(tambo, session, 'tambo_upstream_shed_total{reason="queue-full"}') == 146
        assert await metric(tambo, session, 'tambo_upstream_shed_total{reason="queue-timeout"}') == 50


BREAKER = """
[upstream]
breaker = { min_requests = 3, open = "5s" }
"""


async def test_an_upstream_that_fails_is_left_alone_until_a_probe_goes_well(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    (tmp_path / "tambo.toml").write_text(BREAKER)
    api = Api()
    api.statuses = [503]
    async with serving(api) as upstream, running(tmp_path, upstream) as tambo:
        state = 'tambo_breaker_state{route="default"}'
        assert await metric(tambo, session, state) == 0
        for number in range(3):
            await fetch(session, f"{tambo.url}/paced/{number}")
        status, fields, body = await fetch(session, f"{tambo.url}/paced/3")
        assert (status, fields["Cache-Status"]) == (503, "tambo; fwd=uri-miss; detail=breaker")
        assert 1 <= int(fields["Retry-After"]) <= 5
        assert b"left alone" in body
        assert await metric(tambo, session, state) == 2
        assert sum(api.asked.values()) == 3
        api.statuses = [200]
        async with asyncio.timeout(30):
            while (await fetch(session, f"{tambo.url}/paced/4"))[0] != 200:
                await asyncio.sleep(0.05)
        assert await metric(tambo, session, state) == 0
        assert api.asked["/paced/4"] == 1


async def test_a_get_that_brought_nothing_is_asked_for_again(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    (tmp_path / "tambo.toml").write_text("[upstream]\nretries = { max = 1 }")
    api = Api()
    api.statuses = [503, 200]
    async with serving(api) as upstream, running(tmp_path, upstream) as tambo:
        assert (await fetch(session, f"{tambo.url}/paced/a"))[0] == 200
        assert api.asked["/paced/a"] == 2
        labels = 'cause="miss",outcome="%s",route="default"'
        for outcome in ("5xx", "2xx"):
            assert await metric(tambo, session, f"tambo_upstream_requests_total{{{labels % outcome}}}") == 1
        api.statuses = [503, 200]
        assert (await fetch(session, f"{tambo.url}/paced/a", "POST"))[0] == 503


AHEAD = """
[[routes]]
name = "paced"
match = { path = "/paced/{name}" }
mode = "override"
ttl = "12s"
refresh_ahead = 100
"""


async def test_what_is_hot_is_refreshed_before_it_expires(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Each of eight keys has a good chance of that in the last seconds of its life, whoever looks."""
    (tmp_path / "tambo.toml").write_text(AHEAD)
    api = Api()
    api.pace = 1.0
    keys = [f"/paced/{number}" for number in range(8)]
    ahead = 'tambo_upstream_requests_total{cause="ahead",.*}'
    async with serving(api) as upstream, running(tmp_path, upstream) as tambo:
        async with asyncio.timeout(60):
            while not await metric(tambo, session, ahead):
                answers = await asyncio.gather(*(fetch(session, tambo.url + key) for key in keys))
                assert {status for status, _, _ in answers} == {200}
                await asyncio.sleep(0.05)  # the pace of the load
        assert await metric(tambo, session, 'tambo_requests_total{.*result="hit".*}') > 100
