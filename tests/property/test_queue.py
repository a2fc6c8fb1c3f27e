"""The queue before the upstream: whatever comes, the cap holds, the most urgent goes first, nobody is forgotten.

Time is virtual: whatever waits for what will never come fails.
"""

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Failure, UpstreamError
from proxy.exchange.causes import Cause
from proxy.exchange.guard import Guard, GuardSettings, Slot
from proxy.exchange.seats import Claim
from tests.support.virtual_time import VirtualClock, play

QUEUE_TIMEOUT = 60.0


@dataclass
class Visit:
    """One that wants a place: when it comes, how long it stays, when it loses patience or becomes urgent."""

    comes: float
    cause: Cause
    stays: float
    patience: float | None
    rises: float | None

    def __post_init__(self) -> None:
        self.arrived = self.seated = self.left = -1.0
        self.refused: UpstreamError | None = None


def seconds(most: int) -> st.SearchStrategy[float]:
    """Whole ones too, so that things happen in the same moment."""
    return st.integers(0, most).map(float) | st.floats(0, most)


visits = st.lists(
    st.builds(
        Visit,
        comes=seconds(100),
        cause=st.sampled_from(Cause),
        stays=seconds(90),
        patience=st.none() | seconds(80),
        rises=st.none() | seconds(30),
    ),
    min_size=8,
    max_size=40,
)


class Upstream:
    """What everybody wants a place at."""

    def __init__(self, maximum: int, length: int) -> None:
        self.maximum, self.length = maximum, length
        self.guard = Guard(GuardSettings(maximum, length, QUEUE_TIMEOUT), VirtualClock(), lambda _: None)

    async def receive(self, one: Visit) -> None:
        """Let one come, wait and stay, for as long as it has patience."""
        await asyncio.sleep(one.comes)
        try:
            async with asyncio.timeout(one.patience):
                slot = await self._admit(one)
                try:
                    await asyncio.sleep(one.stays)
                finally:
                    slot.release()
        except TimeoutError:
            return
        except UpstreamError as error:
            one.refused = error

    async def _admit(self, one: Visit) -> Slot:
        loop, claim = asyncio.get_running_loop(), Claim(one.cause)
        one.arrived = loop.time()
        if one.rises is not None:
            loop.call_later(one.rises, claim.rise)
        try:
            slot = await self.guard.admit(claim)
        finally:
            one.left = loop.time()
        one.seated = one.left
        assert self.guard.inflight <= self.maximum
        assert self.guard.queue_depth <= self.length
        return slot


async def run(everybody: list[Visit], maximum: int, length: int) -> None:
    upstream = Upstream(maximum, length)
    await asyncio.gather(*map(upstream.receive, everybody))
    assert (upstream.guard.inflight, upstream.guard.queue_depth) == (0, 0)


@given(visits, st.integers(1, 4), st.integers(0, 10))
def test_the_queue(everybody: list[Visit], maximum: int, length: int) -> None:
    play(run(everybody, maximum, length))
    for one in everybody:
        assert one.left - one.arrived <= QUEUE_TIMEOUT + 0.001
        if one.refused is not None:
            assert one.refused.failure is Failure.SHED
            assert one.refused.retry_after
            assert one.refused.queue_position
        for other in everybody:
            assert not went_past(one, other), (one, other)


def went_past(one: Visit, other: Visit) -> bool:
    """Whether ``one`` was seated while ``other``, who should have been before it, waited."""
    if one.seated < 0 or one.rises is not None or other.rises is not None:
        return False
    mine, others = Claim(one.cause).priority, Claim(other.cause).priority
    is_before = others < mine or (others == mine and other.arrived < one.arrived)
    return is_before and other.arrived < one.seated < other.left
