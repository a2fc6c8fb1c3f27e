"""What the site takes from outside: clocks, sleep, chance. Must not hold any state of the site."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

LIMA: Final = timezone(timedelta(hours=-5))


def seeded(seed: str) -> random.Random:
    """Dice that fall the same way for the same `seed`: delays and ids of a model, no secrets."""
    return random.Random(seed)  # noqa: S311 - repeatability is the point


def in_lima() -> datetime:
    """The wall clock that the pages print."""
    return datetime.now(LIMA)


@dataclass(frozen=True, slots=True)
class World:
    """Replaceable in tests: `clock` is monotonic seconds, `now` the printed time, `dice` every random choice."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = in_lima
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: random.Random = field(default_factory=lambda: seeded("0"))
