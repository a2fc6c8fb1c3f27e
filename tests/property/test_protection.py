"""The whole exchange before a moody upstream: nobody is left waiting, nothing is left over, the cap holds.

Clients leave, fetches are killed, the upstream fails in every way. Time is virtual: whatever waits for what will never
come fails.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Self

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.errors import Failure, UpstreamError
from proxy.exchange.breaker import BreakerSettings
from proxy.exchange.guard import GuardSettings
from proxy.exchange.ports import OnInterim, UpstreamAnswer, UpstreamRequest
from proxy.exchange.retrying import RetrySettings
from proxy.policy.messages import Fields, ResponseHead
from tests.support.origin import Reply, ScriptedBody
from tests.support.scenario import Scenario, a_route
from tests.support.virtual_time import VirtualClock, play

QUEUE_TIMEOUT = 60.0
TOTAL = 20.0
FIRST_BYTE = 15.0


class Moody:
    """An upstream that answers, fails, errs, hangs or breaks off, after a while; by a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same moods again for the same seed
        self.inflight = 0
        self.most = 0

    async def send(self, request: UpstreamRequest, on_interim: OnInterim | None = None) -> UpstreamAnswer:
        """Within its first-byte deadline, as the port promises."""
        self.inflight += 1
        self.most = max(self.most, self.inflight)
        mood, seconds = self._random.random(), self._random.random() * 8
        body = _Counted(self, self._reply(mood))
        try:
            await asyncio.sleep(FIRST_BYTE if mood < 0.05 else seconds)
            self._fail(mood)
        except BaseException:
            await body.aclose()
            raise
        return UpstreamAnswer(ResponseHead(body.status, Fields((("Content-Type", "application/json"),))), body)

    @staticmethod
    def _fail(mood: float) -> None:
        if mood < 0.05:
            raise UpstreamError(Failure.TIMEOUT, "mood")
        if mood < 0.15:
            raise UpstreamError(Failure.UNREACHABLE, "mood")
        if mood < 0.18:
            raise ZeroDivisionError

    @staticmethod
    def _reply(mood: float) -> Reply:
        if mood < 0.25:
            return Reply(503)
        if mood < 0.3:
            return Reply(breaks=UpstreamError(Failure.PROTOCOL, "mood"))
        return Reply()


class _Counted(ScriptedBody):
    """At the upstream until it is read, has failed, or is closed."""

    def __init__(self, upstream: Moody, reply: Reply) -> None:
        super().__init__(reply)
        self._upstream: Moody | None = upstream
        self.status = reply.status

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await super().__anext__()
        except BaseException:
            self._over()
            raise

    async def aclose(self) -> None:
        await super().aclose()
        self._over()

    def _over(self) -> None:
        if self._upstream is not None:
            self._upstream.inflight -= 1
            self._upstream = None


@dataclass(frozen=True)
class Asking:
    """One client: when it comes, what for, when it leaves if it is not answered before."""

    comes: float
    key: int
    method: str
    patience: float | None


def seconds(most: int) -> st.SearchStrategy[float]:
    """Whole ones too, so that things happen in the same moment."""
    return st.integers(0, most).map(float) | st.floats(0, most)


clients = st.lists(
    st.builds(
        Asking,
        comes=seconds(200),
        key=st.integers(0, 3),
        method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]),
        patience=st.none() | seconds(30),
    ),
    min_size=8,
    max_size=40,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(clients, st.lists(seconds(200), max_size=4), st.integers(0, 2**32), st.integers(1, 3), st.booleans())
def test_the_exchange(asking: list[Asking], deaths: list[float], seed: int, maximum: int, is_careful: bool) -> None:
    play(_the_exchange(asking, deaths, seed, maximum, is_careful))


async def _the_exchange(asking: list[Asking], deaths: list[float], seed: int, maximum: int, is_careful: bool) -> None:
    upstream = Moody(seed)
    world = Scenario(
        upstream,  # type: ignore[arg-type] # another upstream than the scripted one
        (a_route(ttl=5.0, stale_while_revalidate=20.0, stale_if_error=60.0, hold_off=30.0 if is_careful else 0.0),),
        GuardSettings(maximum, 10, QUEUE_TIMEOUT),
        total=TOTAL,
        breaker=BreakerSettings(10.0, 0.5, 4, 5.0) if is_careful else None,
        retries=RetrySettings(1 if is_careful else 0),
        time=VirtualClock(),
    )
    waited: list[float] = []

    async def client(one: Asking) -> None:
        await asyncio.sleep(one.comes)
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(one.patience):
                got = await world.get(f"/{one.key}", method=one.method)
        except TimeoutError:
            return
        except (UpstreamError, ZeroDivisionError):
            return  # cut in mid-body; or a bug that the edge answers
        waited.append(asyncio.get_running_loop().time() - began)
        assert got.status in {200, 502, 503, 504}

    async def death(when: float) -> None:
        """A fetch is killed from outside."""
        await asyncio.sleep(when)
        if world.flights._tasks:
            min(world.flights._tasks, key=lambda task: task.get_name()).cancel()

    await asyncio.gather(*map(client, asking), *map(death, deaths))
    await world.flights.drain(1000)
    assert upstream.most <= maximum
    assert (upstream.inflight, world.guard.inflight, world.guard.queue_depth, len(world.flights)) == (0, 0, 0, 0)
    # Whoever stayed was answered: after its turn in the queue and its fetch, or another's, and then at most its own.
    assert all(seconds <= 2 * (QUEUE_TIMEOUT + TOTAL) for seconds in waited)
