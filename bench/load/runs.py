"""One load run against one server: requests per second, latencies, CPU. Starts no server."""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load.house import House, get, program
from bench.load.machine import Usage, cpu_seconds, peak_mb

LUA = Path(__file__).parent / "lua"


@dataclass(frozen=True)
class Run:
    """What one run measured."""

    rate: float
    """Requests, or MB, per second."""
    cpu: float
    """Microseconds of the server's CPU time for each request; seconds for each 100 MB of a stream."""
    p50: float
    p99: float
    """Microseconds."""
    asked: int
    """Requests that reached the upstream."""
    errors: int
    foreign: float
    """Cores that others used."""
    peak_mb: float


@dataclass(frozen=True)
class Load:
    """What wrk does."""

    script: str
    prefix: str = "/item/"
    connections: int = 64
    seconds: float = 3.0
    urls: int = 1000
    scraped: bool = False
    """Whether Tambo's metrics are scraped every second meanwhile."""


def warm(house: House, name: str, load: Load) -> None:
    """Have everything stored that the load asks for, asked for once more, and see that it is what it should be."""
    languages = ("es", "qu", "ay", "en") if load.script == "variants" else ("",)
    for number in [*range(1, load.urls + 1)] * 2:
        target = f"{load.prefix}{number}"
        for language in languages:
            status, _, body = get(house.ports[name], target, {"Accept-Language": language} if language else None)
            if status != 200 or (name != "raw" and f'"path":"{target}"'.encode() not in body):
                raise SystemExit(f"{name}: {status} {body[:80]!r} for {target}")


def wrk(house: House, name: str, load: Load) -> Run:
    """One run. ``name``: a server of the house."""
    pid, port = house.processes[name].pid, house.ports[name]
    pids = [process.pid for process in house.processes.values()]
    environ = os.environ | {"LOAD_LUA": str(LUA), "LOAD_URLS": str(load.urls), "LOAD_PREFIX": load.prefix}
    seconds = max(1, round(load.seconds))  # wrk knows whole ones only
    pinned = ["taskset", "-c", house.load_core]
    if load.script == "head":
        said = (port, seconds, load.connections, load.urls, load.prefix)
        command = [*pinned, sys.executable, str(LUA.with_name("heads.py")), *map(str, said)]
    else:
        command = [*pinned, program("wrk") or "wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "5s"]
        command += ["-s", str(LUA / f"{load.script}.lua"), f"http://127.0.0.1:{port}/"]
    asked, usage, cpu, began = house.asked(), Usage.now(*pids), cpu_seconds(pid), time.monotonic()
    with _scraping(house.admins.get(name) if load.scraped else None):
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    used, foreign = cpu_seconds(pid) - cpu, Usage.now(*pids).foreign_since(usage, time.monotonic() - began)
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not found:
        raise SystemExit(f"wrk failed on {name}: {done.stdout} {done.stderr}")
    told = json.loads(found[0].removeprefix("RESULT "))
    return Run(
        told["requests"] / told["microseconds"] * 1e6,
        used * 1e6 / max(1, told["requests"]),
        told["p50"],
        told["p99"],
        house.asked() - asked - 1,
        told["errors"],
        foreign,
        peak_mb(pid),
    )


def stream(house: House, name: str, clients: int) -> Run:
    """100 MB to each of so many clients at once."""
    pid, port = house.processes[name].pid, house.ports[name]
    pids = [process.pid for process in house.processes.values()]
    command = ["taskset", "-c", house.load_core, "curl", "-s", "-o", "/dev/null", "-w", "%{size_download} %{http_code}"]
    usage, cpu, began = Usage.now(*pids), cpu_seconds(pid), time.monotonic()
    curls = [
        subprocess.Popen([*command, f"http://127.0.0.1:{port}/big/100m"], stdout=subprocess.PIPE, text=True)
        for _ in range(clients)
    ]
    told = [curl.communicate()[0] for curl in curls]
    seconds = time.monotonic() - began
    errors = sum(each != "104857600 200" for each in told)
    foreign = Usage.now(*pids).foreign_since(usage, seconds)
    used = (cpu_seconds(pid) - cpu) / clients
    return Run(clients * 104.8576 / seconds, used, 0.0, 0.0, clients, errors, foreign, peak_mb(pid))


@contextmanager
def _scraping(admin: int | None) -> Iterator[None]:
    """Read the metrics every second."""
    if admin is None:
        yield
        return
    over = threading.Event()

    def scrape() -> None:
        while not over.is_set():
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics") as answer:
                assert b"tambo_requests_total" in answer.read()
            over.wait(1.0)

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def middle(values: list[float]) -> float:
    """The median; 0 of none."""
    return statistics.median(values) if values else 0.0


def ratio(ours: list[Run], theirs: list[Run], what: str) -> float:
    """The median of the ratios of runs of the same round; rounds are as long as each other."""
    pairs = zip(ours, theirs, strict=True)
    return middle([getattr(one, what) / getattr(other, what) for one, other in pairs if getattr(other, what)])
