"""What a slow upstream sees of a hundred clients that want one thing, through Tambo and through other caches.

Usage: python bench/stampede.py [--seconds 30] [--clients 100] [--only tambo,nginx] [--json]

Every cache that is installed gets an upstream of its own, which answers after ``--seconds``; then that many clients ask
for the same cold key at once, and wait. Three plays: the answer may be stored; it is an error (500); it is for its
asker only. Counts and waits, no throughput: all caches play at the same time. Loopback only. Asserts nothing.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.peers import PEERS, Peer
from tests.support.redis_server import free_port

REAL = 30.0
"""Seconds that the upstream takes which all this is about."""
PLAYS = {
    "storable": "the answer may be stored (`Cache-Control: public, max-age=300`)",
    "error": "the upstream answers 500",
    "private": "the answer is its asker's only (`Cache-Control: private, no-store`)",
}
_FIELDS = {"storable": "public, max-age=300", "private": "private, no-store"}
_STARTS_WITHIN = 30.0


@dataclass
class SlowUpstream:
    """Answers after so many seconds; counts what it is asked, and how much of it at once."""

    seconds: float
    asked: Counter[str] = field(default_factory=Counter)
    inflight: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    async def answer(self, request: web.Request) -> web.Response:
        play = request.path.strip("/")
        self.asked[play] += 1
        self.inflight[play] += 1
        self.most[play] = max(self.most[play], self.inflight[play])
        await asyncio.sleep(self.seconds)
        self.inflight[play] -= 1
        fields = {"Cache-Control": _FIELDS[play]} if play in _FIELDS else {}
        return web.json_response({"n": self.asked[play]}, status=500 if play == "error" else 200, headers=fields)


@asynccontextmanager
async def serving(upstream: SlowUpstream) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/{play}", upstream.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(peer: Peer, folder: Path, upstream: int) -> AsyncIterator[int]:
    """The peer's port while it is up; it is ended by its process's number."""
    port = free_port()
    start = peer.prepare(folder, port, upstream)
    program = peer.path
    assert program is not None
    environ = {"PATH": os.environ["PATH"] + os.pathsep + "/usr/sbin", "HOME": str(folder), **start.environ}
    with (folder / "output.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, *start.command[1:], env=environ, cwd=folder, stdout=log, stderr=log
        )
    try:
        await _listens(peer, port, process, folder)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listens(peer: Peer, port: int, process: asyncio.subprocess.Process, folder: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while process.returncode is None and time.monotonic() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise RuntimeError(f"{peer.name} does not listen:\n" + (folder / "output.log").read_text(errors="replace")[-2000:])


@dataclass(frozen=True)
class Result:
    """What became of one play before one cache: waits in seconds, of those who got any answer."""

    play: str
    peer: str
    version: str
    upstream_requests: int
    at_once: int
    answers: dict[str, int]
    first: float | None
    median: float | None
    last: float | None


async def ask(session: aiohttp.ClientSession, url: str, patience: float) -> tuple[str, float]:
    """A status, or why there was none; and how long that took."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(patience), session.get(url) as answer:
            await answer.read()
            said = str(answer.status)
    except TimeoutError:
        said = "gave up"
    except aiohttp.ClientError:
        said = "broken off"
    return said, time.monotonic() - began


async def play_one(peer: Peer, play: str, folder: Path, options: argparse.Namespace) -> Result:
    upstream = SlowUpstream(options.seconds)
    async with serving(upstream) as behind, running(peer, folder, behind) as port:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
            asking = [ask(session, f"http://127.0.0.1:{port}/{play}", options.patience) for _ in range(options.clients)]
            got = await asyncio.gather(*asking)
    answers = Counter(said for said, _ in got)
    waits = sorted(seconds for said, seconds in got if said.isdigit())
    first, median, last = (waits[0], statistics.median(waits), waits[-1]) if waits else (None, None, None)
    seen = (upstream.asked[play], upstream.most[play])
    return Result(play, peer.name, peer.says_version(), *seen, dict(answers), first, median, last)


def table(results: list[Result]) -> list[str]:
    """Markdown, for people and for the README."""
    lines = [
        "| | requests at the upstream | at once | answers | first after | median | last |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in results:
        answers = ", ".join(f"{count} x {said}" for said, count in sorted(one.answers.items()))
        waits = ["-" if wait is None else f"{wait:.1f} s" for wait in (one.first, one.median, one.last)]
        cells = [f"{one.peer} {one.version}", str(one.upstream_requests), str(one.at_once), answers, *waits]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def headline(options: argparse.Namespace, missing: list[str]) -> list[str]:
    scale = "the true length" if options.seconds == REAL else f"{REAL:g} s scaled by 1:{REAL / options.seconds:g}"
    lines = [
        f"{time.strftime('%Y-%m-%d')}: {options.clients} clients ask for one cold key at once; the upstream answers "
        f"after {options.seconds:g} s ({scale}).",
    ]
    if options.seconds != REAL:
        lines.append("The caches' own time limits are not scaled: with a short upstream they may never be reached.")
    if missing:
        lines.append(f"Not installed: {', '.join(missing)}.")
    return lines


def a_folder(below: Path, peer: Peer) -> Path:
    """One that everybody may write to: some give up their rights when root starts them."""
    below.chmod(0o755)
    folder = below / peer.program.replace("/", "_")
    folder.mkdir()
    folder.chmod(0o777)
    return folder


async def main(options: argparse.Namespace) -> None:
    wanted = [peer for peer in PEERS if not options.only or peer.name.lower() in options.only]
    peers = [peer for peer in wanted if peer.path is not None]
    missing = [peer.name for peer in wanted if peer.path is None]
    if not options.json:
        print("\n".join(headline(options, missing)), flush=True)
    results: list[Result] = []
    for play, meaning in PLAYS.items():
        async with AsyncExitStack() as stack:
            below = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="stampede-", ignore_cleanup_errors=True))
            )
            async with asyncio.TaskGroup() as group:
                plays = [group.create_task(play_one(peer, play, a_folder(below, peer), options)) for peer in peers]
            found = [each.result() for each in plays]
        results += found
        if not options.json:
            print(f"\n**{meaning[0].upper()}{meaning[1:]}**\n", *table(found), sep="\n", flush=True)
    if options.json:
        print(json.dumps({"missing": missing, "results": [asdict(one) for one in results]}))


def arguments() -> argparse.Namespace:
    """What was asked for. Leaves with code 2 where it makes no sense."""
    names = [peer.name.lower() for peer in PEERS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=REAL, help="what the upstream takes (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=100, help="how many ask at once (default: %(default)s)")
    parser.add_argument("--patience", type=float, help="seconds that a client waits (default: 4 times --seconds)")
    parser.add_argument("--only", type=lambda text: text.lower().split(","), help=f"some of: {','.join(names)}")
    parser.add_argument("--json", action="store_true", help="results for a program")
    options = parser.parse_args()
    if unknown := set(options.only or ()) - set(names):
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}; there is {', '.join(names)}")
    if options.seconds <= 0 or options.clients < 1:
        parser.error("--seconds must be more than 0, --clients at least 1")
    options.patience = options.patience or 4 * options.seconds
    return options


if __name__ == "__main__":
    asyncio.run(main(arguments()))
