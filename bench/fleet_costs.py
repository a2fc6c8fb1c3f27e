"""What sharing costs: connections, commands, messages and CPU of Tambos over one Redis, by what they do. Measures,
asserts nothing; the model of docs/scaling.md is fitted to what it prints.

Usage: python bench/fleet_costs.py [--requests 10000] [--save] — starts one to three Tambos, a redis-server, an origin
and clients. ``--save`` writes bench/fleet_costs.json, which bench/scaling.py reads.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import aiohttp
import redis_memory

from proxy.store.redis_question import pack
from proxy.store.weight import weight_of, weight_of_key
from tests.support.builders import a_key
from tests.support.flood import flood, flood_origin, get, resident
from tests.support.redis_server import RedisServer
from tests.support.tambo import Tambo, fetch, running

SAVED = Path(__file__).with_suffix(".json")
TICK = 1 / os.sysconf("SC_CLK_TCK")
IDLE_SECONDS = 10
PURGES = 200
MESSAGES = 20_000
FEW = 200
"""Keys that memory answers."""
OWN = {"info", "client|list", "config|resetstat"}
"""Commands of this bench."""


@dataclass(frozen=True)
class Reading:
    """Counters that only rise."""

    commands: int
    """Of Redis, those of scripts included."""
    redis_cpu: float
    """Seconds, as the others."""
    tambo_cpu: float
    sent: int
    """Bytes, by Redis."""


def info(server: RedisServer, section: str) -> str:
    """A section of Redis's INFO."""
    return server.command("INFO", section).decode()


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) * TICK


@dataclass
class Fleet:
    """Some Tambos over one Redis."""

    server: RedisServer
    tambos: list[Tambo]
    session: aiohttp.ClientSession

    def read(self) -> Reading:
        """How far the counters are."""
        calls = re.findall(r"cmdstat_(\S+):calls=(\d+)", info(self.server, "commandstats"))
        (sent,) = re.findall(r"total_net_output_bytes:(\d+)", info(self.server, "stats"))
        return Reading(
            sum(int(count) for name, count in calls if name not in OWN),
            cpu_of(self.server.pid),
            sum(cpu_of(tambo.process.pid) for tambo in self.tambos),
            int(sent),
        )

    async def send(self, tambo: Tambo, heads: Iterable[bytes]) -> None:
        """Send requests to one Tambo."""
        statuses = await flood(int(tambo.url.rpartition(":")[2]), iter(heads))
        if set(statuses) != {b"200"}:
            raise SystemExit(f"not all went well: {statuses}")

    async def purge(self, tambo: Tambo, number: int) -> None:
        """Purge one URL, hard."""
        form = {"url": f"/k/{number}", "mode": "hard"}
        status, _, _ = await fetch(self.session, f"{tambo.admin}/admin/purge", "POST", json=form)
        if status != 200:
            raise SystemExit(f"a purge answered {status}")


def between(before: Reading, after: Reading, count: float) -> dict[str, float]:
    """What one of so many cost: microseconds, commands, bytes."""
    return {
        "redis_commands": round((after.commands - before.commands) / count, 2),
        "redis_us": round((after.redis_cpu - before.redis_cpu) / count * 1e6, 1),
        "tambo_us": round((after.tambo_cpu - before.tambo_cpu) / count * 1e6, 1),
        "redis_sends_bytes": round((after.sent - before.sent) / count),
    }


@asynccontextmanager
async def a_fleet(size: int, folder: Path, upstream: str) -> AsyncIterator[Fleet]:
    """Up, and warm enough to hold its leases."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(RedisServer(folder, "--appendonly", "no"))
        tambos = []
        for number in range(size):
            place = folder / f"tambo-{number}"
            place.mkdir()
            environ = {"REDIS_URL": server.url, "TAMBO_LOG__SAMPLE": "0"}
            tambos.append(await stack.enter_async_context(running(place, upstream, **environ)))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        fleet = Fleet(server, tambos, session)
        for tambo in tambos:
            await fleet.send(tambo, [get("/warm") for _ in range(200)])
        await asyncio.sleep(3)
        yield fleet


async def measure(size: int, requests: int, upstream: str) -> dict[str, object]:
    """What one Tambo of so many costs at rest, and what one request of each kind does."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_fleet(size, Path(folder), upstream) as fleet:
            first, last = fleet.tambos[0], fleet.tambos[-1]
            clients = fleet.server.command("CLIENT", "LIST").decode().count("addr=") - 1
            found: dict[str, object] = {"tambos": size, "connections_each": clients / size}
            before = fleet.read()
            await asyncio.sleep(IDLE_SECONDS)
            idle = between(before, fleet.read(), IDLE_SECONDS * size)
            found["at rest, a second of one Tambo"] = idle

            async def cost(name: str, tambo: Tambo, heads: Iterable[bytes], count: int) -> None:
                before = fleet.read()
                began = asyncio.get_running_loop().time()
                await fleet.send(tambo, heads)
                seconds = asyncio.get_running_loop().time() - began
                found[name] = _without(between(before, fleet.read(), count), idle, seconds * size / count)

            await cost("miss", first, (get(f"/k/{number}") for number in range(requests)), requests)
            if size > 1:
                await cost("hit in Redis", last, (get(f"/k/{number}") for number in range(requests)), requests)
            few = [get(f"/k/{number}") for number in range(FEW)]
            await fleet.send(first, few * 3)
            await cost("hit in memory", first, islice(cycle(few), 10 * requests), 10 * requests)
            before = fleet.read()
            began = asyncio.get_running_loop().time()
            for number in range(PURGES):
                await fleet.purge(first, number)
            seconds = asyncio.get_running_loop().time() - began
            found["purge"] = _without(between(before, fleet.read(), PURGES), idle, seconds * size / PURGES)
            found["message heard by one Tambo"] = await _messages(fleet)
            found["resident_mib"] = round(resident(first.process.pid) / 2**20, 1)
            return found


async def _messages(fleet: Fleet) -> dict[str, float]:
    """What it costs that a key was changed: Redis tells each Tambo."""
    names = fleet.server.command("KEYS", "*:purges:1").split(b"\r\n")
    prefix = names[2].removesuffix(b"purges:1") + b"1:/told/"
    commands = [pack([(b"SET", prefix + b"%d" % number, b"", b"PX", 60_000)]) for number in range(MESSAGES)]
    before = fleet.read()
    reader, writer = await asyncio.open_connection("127.0.0.1", fleet.server.port)
    for at in range(0, MESSAGES, 100):
        writer.write(b"".join(commands[at : at + 100]))
        await reader.readexactly(100 * len(b"+OK\r\n"))
    writer.close()
    await asyncio.sleep(1)
    found = between(before, fleet.read(), MESSAGES * len(fleet.tambos))
    return {name: found[name] for name in ("redis_us", "tambo_us", "redis_sends_bytes")}


def _without(found: dict[str, float], idle: dict[str, float], seconds: float) -> dict[str, float]:
    """What is not there anyway: ``idle`` is a second of one Tambo, ``seconds`` how many of these passed for each."""
    return {name: round(max(0.0, value - idle[name] * seconds), 2) for name, value in found.items()}


async def measure_all(requests: int) -> dict[str, object]:
    """For one, two and three Tambos; and what an answer of 2 KB of JSON takes where it is stored."""
    async with flood_origin() as (upstream, _):
        fleets = [await measure(size, requests, upstream) for size in (1, 2, 3)]
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder), "--appendonly", "no") as server:
        in_redis, purge = await redis_memory.measure(server, requests, compressible=True)
    in_memory = weight_of(redis_memory.an_answer(1, compressible=True, position=1)) + weight_of_key(a_key().text)
    stored = {"bytes_in_redis": round(in_redis), "bytes_in_memory": in_memory, "bytes_of_a_purge": round(purge)}
    return {"fleets": fleets, "stored": stored}


def main() -> None:
    """Measure, print, save."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument(
        "--requests", type=int, default=10_000, help="of each kind; of hits in memory ten times as many"
    )
    reading.add_argument("--save", action="store_true", help=f"write {SAVED.name}")
    said = reading.parse_args()
    found = asyncio.run(measure_all(said.requests))
    text = json.dumps(found, indent=2)
    print(text)
    if said.save:
        SAVED.write_text(text + "\n")


if __name__ == "__main__":
    main()
