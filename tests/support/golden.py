"""Golden transcripts: files of commands with what they print, played against a Tambo whose clock stands still.

A file has ``$ command`` lines, each followed by what it prints: standard output, then standard error with ``! `` before
each line, then ``(exit 4)`` unless it is 0. ``NAME=value`` may stand before a command and ``< file`` behind it.
"""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from proxy.app.application import App
from proxy.config.load import load
from tests.support.clock import FakeClock

FOLDER: Final = Path(__file__).parents[1] / "golden"
FETCH: Final = 2.5
"""Seconds that the upstream takes, on the clock that stands otherwise."""
STORED: Final = 3
CONFIG: Final = """\
[upstream]
concurrency = { max = 2 }

[[routes]]
name = "ruc"
match = { path = "/obtener-ruc/{ruc:[0-9]{11}}" }
mode = "override"
key = { template = "sunat:ruc:{ruc}" }
ttl = "7d"
ttl_by_status = { 404 = "1h" }
stale_while_revalidate = "7d"
tags = ["sunat", "ruc:{ruc}"]
"""
OTHER_FILES: Final = {
    "wrong.toml": '[upstream]\nurl = "http://localhost:8000"\ntimeout = { totl = "5s" }\n[listen]\nport = "x"\n',
    "hidden.toml": """\
[upstream]
url = "http://localhost:8000"
concurrency = { max = 2, queue_timeout = "5s" }

[[routes]]
name = "all"
match = { path = "/api/**" }

[[routes]]
name = "one"
match = { path = "/api/items/{id}" }
""",
    "urls.txt": "/obtener-ruc/20999999035\n/obtener-ruc/20999999043\n",
    "bad-urls.txt": "/broken/a\n",
    "empty.txt": "# nothing yet\n",
}
_CHANGING: Final = (
    (re.compile(r"127\.0\.0\.1:\d{4,5}\b"), "127.0.0.1:PORT"),
    (re.compile(r"\b0[0-9a-f]{11}[0-9a-f]{8}\b"), "JOB"),
    (re.compile(r"/\S+?/data\b"), "data"),
    (re.compile(r"(Date: |\"Date\", \")[^\"\n]*"), r"\1..."),
    (re.compile(r"(\ntambo +|^tambo +)\d+\.\d+\.\d+"), r"\1VERSION"),
    (re.compile(r'": "\d+\.\d+\.\d+"'), '": "VERSION"'),
    (re.compile(r'(admin\.port +|"port": )\d{5}\b'), r"\1PORT"),
    (re.compile(r"Python \d+\.\d+\.\d+\S*(?=\))"), "Python VERSION"),
    (re.compile(r'"time": "[^"]*"'), '"time": "TIME"'),
    (re.compile(r"^! \d+ of \d+( .*)?\n(?:! \d+ of \d+( .*)?\n)*", re.M), "! ... (how far it is)\n"),
    (re.compile(r"\d+\.\d [MG]iB\b"), "SIZE"),
    (re.compile(r"(entries, )\d+([KM]i)?B\b"), r"\1SIZE"),
)
"""What differs from run to run, and the word that stands for it."""
_MOST_LINES, _HEAD, _TAIL, _WIDEST = 60, 24, 4, 300


@dataclass(frozen=True)
class Command:
    """One command of a file."""

    line: str
    arguments: tuple[str, ...]
    environ: tuple[tuple[str, str], ...]
    stdin: str | None
    """A file's name."""

    @property
    def wants_json(self) -> bool:
        return "--json" in self.arguments

    @property
    def wants_help(self) -> bool:
        return "--help" in self.arguments


@dataclass(frozen=True)
class Printed:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """As a golden file has it."""
        out = "".join(f"{line.rstrip()}\n" for line in self.out.splitlines())
        err = "".join(f"! {line.rstrip()}\n" for line in self.err.splitlines())
        text = _cut(out) + err + (f"(exit {self.code})\n" if self.code else "")
        for pattern, word in _CHANGING:
            text = pattern.sub(word, text)
        return text


def _cut(text: str) -> str:
    lines = [line if len(line) <= _WIDEST else f"{line[:_WIDEST]} ..." for line in text.splitlines()]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_HEAD], "...", *lines[-_TAIL:]]
    return "".join(f"{line}\n" for line in lines)


def commands(path: Path) -> Iterator[tuple[Command, str]]:
    """The file's commands, and what they are to print."""
    for block in re.split(r"^(?=\$ )", path.read_text(), flags=re.M):
        line, _, shown = block.partition("\n")
        if not line:
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        stdin = words[words.index("<") + 1] if "<" in words else None
        words = words[: words.index("<")] if "<" in words else words
        name = words.index("tambo")
        environ = tuple((key, value) for key, _, value in (word.partition("=") for word in words[:name]))
        yield Command(line, tuple(words[name + 1 :]), environ, stdin), shown


def validated(out: str, check: Callable[[Any], None]) -> int:
    """Check every JSON value that was printed, one or a line each: how many there were."""
    decoder, rest, count = json.JSONDecoder(), out.strip(), 0
    while rest:
        value, end = decoder.raw_decode(rest)
        check(value)
        rest, count = rest[end:].lstrip(), count + 1
    return count


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A Tambo that has answered a few requests: the environment in which its commands are called."""
    clock = FakeClock()

    async def answer(request: web.Request) -> web.Response:
        clock.advance(FETCH)
        ruc = request.path.rpartition("/")[2]
        if request.path.startswith("/broken/"):
            return web.json_response({"message": "out of order"}, status=500)
        if ruc == "20123456786":
            return web.json_response({"message": "not registered", "ruc": ruc}, status=404)
        return web.json_response({"numeroDocumento": ruc, "estado": "ACTIVO"})

    async def sign(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = "an API"

    upstream = web.Application()
    upstream.on_response_prepare.append(sign)
    upstream.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(upstream, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    for name, text in {"tambo.toml": CONFIG, **OTHER_FILES}.items():
        (folder / name).write_text(text)
    environ = {
        "UPSTREAM_URL": f"http://127.0.0.1:{runner.addresses[0][1]}",
        "DATA_DIR": "data",
    }  # tables are as wide as a path
    options = [("listen.host", "127.0.0.1", "--set"), ("listen.port", "0", "--set"), ("admin.port", "0", "--set")]
    app = App(load(environ, options=options, folder=folder), clock=clock)
    await app.start()
    try:
        await _visit(f"http://127.0.0.1:{app.public_address[1]}", f"http://127.0.0.1:{app.admin_address[1]}")
        clock.advance(12)
        yield environ | {"ADMIN_PORT": str(app.admin_address[1]), "COLUMNS": "100"}
    finally:
        hurry = asyncio.Event()
        hurry.set()
        await app.stop(hurry)
        await runner.cleanup()


async def _visit(url: str, admin: str) -> None:
    """Ask for three things, once more for the first, and for one that fails; return when the file has them."""
    async with aiohttp.ClientSession() as session:
        for target in ("20999999019", "20999999019", "20999999027", "20123456786"):
            async with session.get(f"{url}/obtener-ruc/{target}") as answer:
                await answer.read()
        async with session.get(f"{url}/broken/b") as answer:
            await answer.read()
        for _ in range(1000):
            async with session.get(f"{admin}/admin/stats") as answer:
                if (await answer.json())["tiers"]["disk"]["entries"] == STORED:
                    return
            await asyncio.sleep(0.02)
        raise TimeoutError("the file does not have them")
