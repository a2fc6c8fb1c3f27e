"""Mixed load on a running Tambo in which every body is checked by its version number. Starts no Tambo itself.

The origin counts the fetches of each key: that count is the version in the body. So a body can be held against what
must be true of it: it is no older than the last purge that had returned when it was asked for, and it is not past its
freshness.
"""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

LASTING = 3600.0
SHORT = 1.0
SLACK = 1.5
"""Seconds by which a body may seem past its freshness: an Age in whole seconds, and a machine that stands still."""
LARGE = 300_000
"""Bytes of a body that does not fit into the buffers between a slow client and Tambo."""


@dataclass
class Versions:
    """What the origin has answered, and what may still be shown."""

    fetched: Counter[str] = field(default_factory=Counter)
    born: dict[tuple[str, int], float] = field(default_factory=dict)
    floor: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Versions up to here were purged."""

    async def answer(self, request: web.Request) -> web.Response:
        """One more version of whatever is asked for."""
        kind = request.path.split("/")[1]
        key = variant_of(request.path, request.headers["Accept-Language"]) if kind == "said" else request.path
        self.fetched[key] += 1
        version = self.fetched[key]
        self.born[key, version] = time.monotonic()
        control = {"short": f"max-age={SHORT:g}", "private": "no-store"}.get(kind, f"max-age={LASTING:g}")
        size = LARGE if kind == "large" else 200
        fields = {"Cache-Control": control, "ETag": f'"{version}"', "Content-Type": "application/json"}
        if kind == "said":
            fields["Vary"] = "Accept-Language"
        return web.Response(body=body_of(key, version, size), headers=fields)


def variant_of(path: str, language: str) -> str:
    """What the versions of one variant are counted under."""
    return f"{path} {language}"


def body_of(key: str, version: int, size: int) -> bytes:
    """The one body that a version has."""
    letter = chr(ord("a") + version % 26)
    return json.dumps({"key": key, "version": version, "filling": letter * size}).encode()


@dataclass
class Tally:
    """What was done, and everything that was wrong."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Soak:
    """Clients of several kinds, each in a loop of its own until time is over."""

    def __init__(self, public: tuple[str, int], admin: str, versions: Versions, seed: int) -> None:
        self._public = public
        self._admin = admin
        self._versions = versions
        self._random = random.Random(seed)  # noqa: S311 - a play, repeatable
        self._over = False
        self.tally = Tally()

    async def run(self, seconds: float, clients: int = 4) -> None:
        """Load it for so long, with so many clients of each kind."""
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self._hits, self._pipelined, self._short_lived, self._misses),
            *(self._conditional, self._slow, self._leaver, self._variants),
        )
        loops = [self._loop(kind) for kind in kinds for _ in range(clients)]
        everybody = [asyncio.ensure_future(each) for each in (*loops, self._loop(self._purges))]
        done, _ = await asyncio.wait(everybody, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        self._over = True
        await asyncio.wait(everybody, timeout=30)
        for each in everybody:
            each.cancel()
        await asyncio.gather(*everybody, return_exceptions=True)
        for each in done:
            each.result()

    async def _loop(self, play: Callable[[], Awaitable[None]]) -> None:
        while not self._over:
            await play()

    # The plays ------------------------------------------------------------------------------------------------------

    def _hot(self) -> str:
        return f"/hot/{self._random.randrange(40)}"

    async def _hits(self) -> None:
        async with _Client(self._public) as client:
            for _ in range(50):
                await self._ask(client, self._hot(), *self._name())

    def _name(self) -> list[str]:
        """A line that no other request has, now and then."""
        return [f"X-Request-Id: {self._random.getrandbits(64):x}"] if self._random.random() < 0.7 else []

    async def _variants(self) -> None:
        async with _Client(self._public) as client:
            for _ in range(50):
                path, language = f"/said/{self._random.randrange(10)}", self._random.choice(("es", "qu", "ay"))
                key = variant_of(path, language)
                await self._ask(client, path, f"Accept-Language: {language}", *self._name(), key=key)

    async def _pipelined(self) -> None:
        async with _Client(self._public) as client:
            targets = [self._hot() for _ in range(4)]
            floors = [self._floor(target) for target in targets]
            client.say("".join(_head(target) for target in targets))
            for target, floor in zip(targets, floors, strict=True):
                self._judge(target, floor, *await client.hear())

    async def _short_lived(self) -> None:
        async with _Client(self._public) as client:
            for _ in range(20):
                await self._ask(client, f"/short/{self._random.randrange(10)}")

    async def _misses(self) -> None:
        async with _Client(self._public) as client:
            for _ in range(5):
                await self._ask(client, f"/private/{self._random.randrange(1000)}")
                await self._ask(client, f"/once/{self._random.randrange(1 << 40)}")

    async def _conditional(self) -> None:
        async with _Client(self._public) as client:
            target = self._hot()
            etag = (await self._ask(client, target))[1].get("etag", "")
            await self._ask(client, target, f"If-None-Match: {etag}")

    async def _slow(self) -> None:
        """Reads a large body in small pieces, and leaves it half read every other time."""
        async with _Client(self._public) as client:
            target = f"/large/{self._random.randrange(3)}"
            floor = self._floor(target)
            client.say(_head(target))
            if self._random.random() < 0.5:
                await client.reader.readexactly(2000)
                self.tally.done["left half read"] += 1
                return
            self._judge(target, floor, *await client.hear(piece=20_000))

    async def _leaver(self) -> None:
        """Says something, or half of it, and is gone."""
        async with _Client(self._public) as client:
            target = self._random.choice((self._hot(), f"/once/{self._random.randrange(1 << 40)}", "/short/1"))
            whole = _head(target)
            client.say(whole[: self._random.randrange(1, len(whole) + 1)])
            await asyncio.sleep(self._random.random() / 50)
            client.cut()
            self.tally.done["left"] += 1

    async def _purges(self) -> None:
        async with aiohttp.ClientSession() as session:
            for _ in range(20):
                kind = self._random.choice(("url", "prefix"))
                numbers = self._random.randrange(3), self._random.randrange(10)
                target = self._random.choice((self._hot(), f"/large/{numbers[0]}", f"/said/{numbers[1]}"))
                before = {
                    key: version
                    for key, version in self._versions.fetched.items()
                    if key.split(" ")[0] == target or (kind == "prefix" and key.startswith(target))
                }
                async with session.post(f"{self._admin}/admin/purge", json={kind: target, "mode": "hard"}) as answer:
                    if answer.status != 200:
                        self.tally.wrong.append(f"purge of {target}: {answer.status}")
                        continue
                for key, version in before.items():
                    self._versions.floor[key] = max(version, self._versions.floor[key])
                self.tally.done[f"purge by {kind}"] += 1
                await asyncio.sleep(self._random.random() / 10)

    # Asking and judging ---------------------------------------------------------------------------------------------

    def _floor(self, target: str) -> tuple[int, float]:
        return self._versions.floor[target], time.monotonic()

    async def _ask(
        self, client: "_Client", target: str, *lines: str, key: str | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """``key``: what its versions are counted under, where that is not the target."""
        floor = self._floor(key or target)
        client.say(_head(target, *lines))
        answer = await client.hear()
        self._judge(key or target, floor, *answer)
        return answer

    def _judge(self, target: str, asked: tuple[int, float], status: int, fields: dict[str, str], body: bytes) -> None:
        """Hold an answer against what must be true of it."""
        floor, began = asked
        self.tally.done[f"{status} {fields.get('x-cache', '-')}"] += 1
        version = int(fields.get("etag", '"0"').strip('"'))
        kind = target.split("/")[1]
        problems = []
        if status not in {200, 304}:
            problems.append(f"status {status}")
        elif status == 200 and body != body_of(target, version, LARGE if kind == "large" else 200):
            problems.append(f"a body that is not version {version}'s")
        if version <= floor:
            problems.append(f"version {version}, but {floor} was purged")
        lifetime = {"short": SHORT, "private": 0.0}.get(kind, LASTING)
        age = began - self._versions.born.get((target, version), -1e9)
        if age > lifetime + SLACK:
            problems.append(f"{age:.2f} s old, fresh for {lifetime:g} s")
        if fields.get("x-cache") == "HIT" and not 0 <= int(fields.get("age", "-1")) <= lifetime:
            problems.append(f"an Age of {fields.get('age')}")
        self.tally.wrong += [f"{target}: {problem}" for problem in problems]


def _head(target: str, *lines: str) -> str:
    return "\r\n".join((f"GET {target} HTTP/1.1", "Host: x", *lines, "\r\n"))


class _Client:
    """A connection, spoken to in bytes. Use as a context manager."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self.reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> "_Client":
        self.reader, self._writer = await asyncio.open_connection(*self._place, limit=1 << 16)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def say(self, text: str) -> None:
        """Send."""
        self._writer.write(text.encode())

    def cut(self) -> None:
        """Be gone at once."""
        self._writer.transport.abort()

    async def hear(self, piece: int | None = None) -> tuple[int, dict[str, str], bytes]:
        """One answer; ``piece``: bytes read at once, with a pause between."""
        async with asyncio.timeout(30):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            status = int(head[0].split(" ")[1])
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            return status, fields, b"" if status == 304 else await self._content(fields, piece)

    async def _content(self, fields: dict[str, str], piece: int | None) -> bytes:
        if fields.get("transfer-encoding") == "chunked":
            pieces = []
            while length := int(await self.reader.readuntil(b"\r\n"), 16):
                pieces.append(await self.reader.readexactly(length))
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            return b"".join(pieces)
        left, pieces = int(fields["content-length"]), []
        while left:
            pieces.append(await self.reader.readexactly(min(left, piece or left)))
            left -= len(pieces[-1])
            if piece:
                await asyncio.sleep(0.002)
        return b"".join(pieces)
