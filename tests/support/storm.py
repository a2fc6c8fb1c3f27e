"""A storm of purges: several Tambos over one Redis under load, purged at random by several at once, stopped and cut off
from Redis now and then; and a witness of whatever they answered that they had been told to forget."""

import asyncio
import contextlib
import math
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.lines import Line, lines
from tests.support.numbered import GROUPS, Numbered, Witness
from tests.support.tambo import Tambo, fetch, running

KEYS = 12
LEASE = 2.0
RATE = 300.0
"""Requests per second to all of them together: a load, not a stress."""
CLIENTS = 4
"""At each of them: no client asks twice at once, so what is slow is asked less."""
AFTERMATH = 1.5
"""Seconds for which a purge still counts as disturbed after the harm has ended: connections come back by then."""
ROUTES = """
[[routes]]
name = "even"
match = { path = "/k/{n:[0-9]*[02468]}" }

[[routes]]
name = "odd"
match = { path = "/k/{n:[0-9]*[13579]}" }
"""


@asynccontextmanager
async def replicas(
    count: int, redis_port: int, folder: Path, upstream: str, user: str = "", **environ: str
) -> AsyncIterator[tuple[list[Tambo], list[Line]]]:
    """So many Tambos that answer nothing nobody vouches for, each over a line of its own to Redis. ``user``: as whom,
    ``name:password@``."""
    async with AsyncExitStack() as stack:
        cables = await stack.enter_async_context(lines(redis_port, count))
        tambos = []
        for number, cable in enumerate(cables):
            place = folder / f"replica-{number}"
            place.mkdir()
            (place / "tambo.toml").write_text(ROUTES)
            settings = {
                "REDIS_URL": f"redis://{user}127.0.0.1:{cable.port}",
                "TAMBO_STORE__WHEN_REDIS_IS_DOWN": "upstream",
                **environ,
            }
            tambos.append(await stack.enter_async_context(running(place, upstream, **settings)))
        yield tambos, cables


@dataclass
class Storm:
    """What blows over these replicas."""

    session: aiohttp.ClientSession
    tambos: list[Tambo]
    cables: list[Line]
    origin: Numbered
    draw: random.Random
    witness: Witness = field(default_factory=Witness)
    statuses: Counter[int] = field(default_factory=Counter)
    """Of purges."""
    refusals: list[bytes] = field(default_factory=list)
    """Of purges, in their own words."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Of purges that returned as true everywhere."""
    took: list[float] = field(default_factory=list)
    """Seconds, of these, those that nothing disturbed."""
    disturbed: list[float] = field(default_factory=list)
    """Seconds, of those during which or shortly before which a Tambo stood still or had no Redis."""
    lags: list[float] = field(default_factory=list)
    """Seconds by which this process itself was late: no purge is seen to return sooner."""
    harmed: float = -math.inf
    """Monotonic seconds up to which purges count as disturbed."""

    async def purge(self, tambo: Tambo, form: dict[str, Any]) -> int:
        """Purge, and let the witness know when it has returned as true everywhere; the status."""
        number, began = self.origin.number, time.monotonic()
        status, _, body = await fetch(self.session, f"{tambo.admin}/admin/purge", "POST", json=form)
        self.statuses[status] += 1
        if status not in {200, 207}:
            self.refusals.append(body)
        if status == 200:
            (self.took if began > self.harmed else self.disturbed).append(time.monotonic() - began)
            self.kinds[f"{form['mode']} {next(iter(form))}"] += 1
            self.witness.purged(met_by(form), number, is_hard=form["mode"] == "hard")
        return status

    async def purges(self, is_enough: Callable[[], bool], purgers: int = 3) -> None:
        """Purge at random, so many at once, until it is enough. Each is asked of any Tambo, one that is disturbed
        included: it then claims nothing."""

        async def one() -> None:
            while not is_enough():
                await self.purge(self.draw.choice(self.tambos), any_purge(self.draw))
                await asyncio.sleep(0.005)

        await asyncio.gather(*(one() for _ in range(purgers)))

    @asynccontextmanager
    async def load(self, rate: float = RATE) -> AsyncIterator[None]:
        """So many requests per second meanwhile, at most."""
        clients = [tambo for tambo in self.tambos for _ in range(CLIENTS)]
        async with _meanwhile([*(self._stroll(tambo, len(clients) / rate) for tambo in clients), self._watch()]):
            yield

    @asynccontextmanager
    async def disturbances(self, calm: float = 0.3) -> AsyncIterator[None]:
        """Stop one Tambo or another for a while meanwhile, or its line to Redis, with so many seconds between."""
        async with _meanwhile([self._disturb(calm)]):
            yield

    async def _stroll(self, tambo: Tambo, pace: float) -> None:
        due = time.monotonic() + pace * self.draw.random()
        while True:
            await asyncio.sleep(due - time.monotonic())
            await self.witness.look(self.session, tambo, self.draw.randrange(KEYS))
            due = max(due + pace, time.monotonic())

    async def _watch(self) -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            self.lags.append(time.monotonic() - due)

    async def _disturb(self, calm: float) -> None:
        while True:
            await asyncio.sleep(calm)
            which, seconds = self.draw.randrange(len(self.tambos)), self.draw.choice([0.1, 0.5, LEASE + 0.5])
            cable, tambo = self.cables[which], self.tambos[which]
            harms: list[tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]] = [
                (partial(_signalled, tambo, signal.SIGSTOP), partial(_signalled, tambo, signal.SIGCONT)),
                (cable.cut, cable.mend),
                (cable.deaden, cable.mend),
            ]
            hurt, heal = self.draw.choice(harms)
            self.harmed = math.inf
            await hurt()
            try:
                await asyncio.sleep(seconds)
            finally:
                await heal()
                self.harmed = time.monotonic() + AFTERMATH

    def told(self) -> str:
        """What there was of it, for people."""
        seen = self.witness
        return (
            f"{seen.answers} answers, {seen.hits} hits, {len(seen.wrong)} wrong, {seen.failures} failed\n"
            f"{sum(self.statuses.values())} purges, by status {dict(sorted(self.statuses.items()))}\n"
            f"true everywhere, undisturbed: {_spread(self.took)}; disturbed: {_spread(self.disturbed)}\n"
            f"this process itself was late: {_spread(self.lags)}"
        )


async def _signalled(tambo: Tambo, number: int) -> None:
    tambo.signal(number)


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    middle, late = (ordered[len(ordered) * part // 100] * 1e3 for part in (50, 99))
    return f"{len(ordered)}, p50 {middle:.1f} ms, p99 {late:.1f} ms, at most {ordered[-1] * 1e3:.1f} ms"


@asynccontextmanager
async def _meanwhile(works: "Iterable[Any]") -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


def any_purge(draw: random.Random) -> dict[str, Any]:
    """Of any kind and mode, the narrow ones more often."""
    key = draw.randrange(KEYS)
    aims: list[dict[str, Any]] = [
        *[{"url": f"/k/{key}"}] * 6,
        {"prefix": f"/k/{key}"},
        {"pattern": f"*/{key}*"},
        {"tag": f"g{key % GROUPS}"},
        {"route": ("even", "odd")[key % 2]},
        {"all": True},
    ]
    return draw.choice(aims) | {"mode": draw.choice(["hard", "soft", "refresh"])}


def met_by(form: dict[str, Any]) -> list[int]:
    """The keys that a purge is aimed at."""
    match form:
        case {"url": text}:
            return [int(text.rpartition("/")[2])]
        case {"prefix": text}:
            return [key for key in range(KEYS) if f"/k/{key}".startswith(text)]
        case {"pattern": text}:
            return [key for key in range(KEYS) if str(key).startswith(text.strip("*/"))]
        case {"tag": tag}:
            return [key for key in range(KEYS) if key % GROUPS == int(tag[1:])]
        case {"route": name}:
            return [key for key in range(KEYS) if ("even", "odd")[key % 2] == name]
        case _:
            return list(range(KEYS))
