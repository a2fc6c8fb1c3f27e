"""A storm of purges: several Tambos over one Redis under load, purged at random by several at once, stopped and cut off
from Redis now and then; and a witness of whatever they answered that they had been told to forget."""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.cable import Cable
from tests.support.numbered import GROUPS, Numbered, Witness
from tests.support.tambo import Tambo, fetch, running

KEYS = 12
LEASE = 2.0
PACE = 0.01
"""Seconds between two requests of one client: a load, not a stress."""
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
    count: int, redis_port: int, folder: Path, upstream: str, user: str = ""
) -> AsyncIterator[tuple[list[Tambo], list[Cable]]]:
    """So many Tambos that answer nothing nobody vouches for, each over a line of its own to Redis. ``user``: as whom,
    ``name:password@``."""
    async with AsyncExitStack() as stack:
        cables = [await stack.enter_async_context(Cable(redis_port).laid()) for _ in range(count)]
        tambos = []
        for number, cable in enumerate(cables):
            place = folder / f"replica-{number}"
            place.mkdir()
            (place / "tambo.toml").write_text(ROUTES)
            environ = {
                "REDIS_URL": f"redis://{user}127.0.0.1:{cable.port}",
                "TAMBO_STORE__WHEN_REDIS_IS_DOWN": "upstream",
            }
            tambos.append(await stack.enter_async_context(running(place, upstream, **environ)))
        yield tambos, cables


@dataclass
class Storm:
    """What blows over these replicas."""

    session: aiohttp.ClientSession
    tambos: list[Tambo]
    cables: list[Cable]
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
    """Seconds, of these."""

    async def purge(self, tambo: Tambo, form: dict[str, Any]) -> int:
        """Purge, and let the witness know when it has returned as true everywhere; the status."""
        number, began = self.origin.number, time.monotonic()
        status, _, body = await fetch(self.session, f"{tambo.admin}/admin/purge", "POST", json=form)
        self.statuses[status] += 1
        if status not in {200, 207}:
            self.refusals.append(body)
        if status == 200:
            self.took.append(time.monotonic() - began)
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
    async def load(self, clients: int = 4) -> AsyncIterator[None]:
        """So many clients at each Tambo meanwhile."""
        async with _meanwhile(self._stroll(tambo) for tambo in self.tambos for _ in range(clients)):
            yield

    @asynccontextmanager
    async def disturbances(self) -> AsyncIterator[None]:
        """Stop one Tambo or another for a while meanwhile, or its line to Redis."""
        async with _meanwhile([self._disturb()]):
            yield

    async def _stroll(self, tambo: Tambo) -> None:
        while True:
            await self.witness.look(self.session, tambo, self.draw.randrange(KEYS))
            await asyncio.sleep(PACE)

    async def _disturb(self) -> None:
        while True:
            which, seconds = self.draw.randrange(len(self.tambos)), self.draw.choice([0.1, 0.5, LEASE + 0.5])
            cable, tambo = self.cables[which], self.tambos[which]
            harms: list[tuple[Callable[[], None], Callable[[], None]]] = [
                (partial(tambo.signal, signal.SIGSTOP), partial(tambo.signal, signal.SIGCONT)),
                (cable.cut, cable.mend),
                (cable.deaden, cable.mend),
            ]
            hurt, heal = self.draw.choice(harms)
            hurt()
            try:
                await asyncio.sleep(seconds)
            finally:
                heal()
            await asyncio.sleep(0.3)

    def told(self) -> str:
        """What there was of it, for people."""
        took = sorted(self.took)
        middle, late = (f"{took[len(took) * part // 100] * 1e3:.1f} ms" for part in (50, 99))
        seen = self.witness
        return (
            f"{seen.answers} answers, {seen.hits} hits, {len(seen.wrong)} wrong, {seen.failures} failed; "
            f"{sum(self.statuses.values())} purges, {len(took)} true everywhere: p50 {middle}, p99 {late}"
        )


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
