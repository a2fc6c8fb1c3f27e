"""Debug headers: on every answer where they are asked for, on none else."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.raw_origin import Peer
from tests.support.wired import saying, wired

ON = ("listen.debug_headers", "true")
ROUTE = """\
[[routes]]
name = "item"
match = { path = "/items/{id}" }
mode = "override"
key = { template = "item:{id}" }
ttl = "1h"
tags = ["items", "item:{id}"]
"""
TAGGED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSurrogate-Key: red a\xc3\xa9,b\r\n"
    b"Server-Timing: db;dur=3\r\n"
    b"X-Cache-Key: theirs\r\nX-Cache-Tags: theirs\r\nContent-Length: 2\r\n\r\n{}"
)


def told(answer: bytes) -> dict[str, list[str]]:
    """The debug headers of an answer, and X-Cache; times without their figures."""
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"(?mi)^(x-cache[a-z-]*|server-timing): (.*)\r?$", head):
        found.setdefault(name, []).append(re.sub(r"(total|queue|upstream);dur=\d+\.\d\b", r"\1", value.strip()))
    return found


async def test_a_miss_and_a_hit_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "tambo.toml").write_text(ROUTE)
    async with wired(tmp_path, saying(TAGGED), ON) as wire:
        miss, hit, head = [told(await wire.get("/items/7", method=method)) for method in ("GET", "GET", "HEAD")]
    same = {"X-Cache-Key": ["item:7"], "X-Cache-Route": ["item"], "X-Cache-Tags": ["items, item:7, red, a%C3%A9%2Cb"]}
    assert miss == {"X-Cache": ["MISS"], **same, "Server-Timing": ["db;dur=3", "total, upstream"]}
    assert hit == head == {"X-Cache": ["HIT"], **same, "Server-Timing": ["db;dur=3", "total"]}


async def test_what_is_passed_on_has_a_route_alone(tmp_path: Path) -> None:
    async with wired(tmp_path, saying(), ON) as wire:
        passed = told(await wire.get("/a", fields="Cookie: a=b\r\n"))
    assert passed == {"X-Cache": ["BYPASS"], "X-Cache-Route": ["default"], "Server-Timing": ["total, upstream"]}


async def test_who_joins_waits_and_who_queues_is_told(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await gate.wait()
        await saying()(peer)

    async with wired(tmp_path, slowly, ON, ("upstream.concurrency.max", "1")) as wire:
        asked = [asyncio.ensure_future(wire.get("/a"))]
        async with asyncio.timeout(20):
            while not wire.seen:
                await asyncio.sleep(0.01)
            asked += [asyncio.ensure_future(wire.get(target)) for target in ("/a", "/b")]
            while b"tambo_upstream_queue_depth 1.0" not in await _metrics(wire.admin):
                await asyncio.sleep(0.01)
        gate.set()
        answers = [told(answer) for answer in await asyncio.gather(*asked)]
    timings = [answer["Server-Timing"] for answer in answers]
    assert timings == [["total, upstream"], ["total"], ["total, queue, upstream"]]


async def _metrics(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    text = await reader.read()
    writer.close()
    return text


async def test_lines_stay_short(tmp_path: Path) -> None:
    keys = b" ".join(b"%064d" % number for number in range(100))
    many = TAGGED.replace(b"red", keys)
    async with wired(tmp_path, saying(many), ON) as wire:
        for _ in range(2):
            (tags,) = told(await wire.get("/a"))["X-Cache-Tags"]
            assert len(tags) == 4096
            assert tags.endswith("...")


@pytest.mark.parametrize("options", [[], [("listen.debug_headers", "false")]])
async def test_nobody_is_told_unless_it_is_asked_for(tmp_path: Path, options: list[tuple[str, str]]) -> None:
    async with wired(tmp_path, saying(), *options) as wire:
        assert [told(await wire.get("/a")) for _ in range(2)] == [{"X-Cache": ["MISS"]}, {"X-Cache": ["HIT"]}]
