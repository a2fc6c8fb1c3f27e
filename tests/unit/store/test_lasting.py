"""Work that lasts: a mistake ends a round of it, never the work."""

import asyncio
import logging

import pytest

from proxy.store.lasting import lasting
from tests.support.virtual_time import play


def test_it_begins_anew_after_a_mistake_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def it() -> list[float]:
        rounds: list[float] = []

        async def work() -> None:
            rounds.append(asyncio.get_running_loop().time())
            raise RuntimeError("nobody thought of that")

        task = lasting(work, "the test", pause=2.0)
        await asyncio.sleep(5.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        return rounds

    with caplog.at_level(logging.ERROR, "tambo.store"):
        first, *later = play(it())
    assert later == [first + 2.0, first + 4.0]
    assert [(record.message, record.__dict__["where"]) for record in caplog.records] == [
        ("internal error", "the test")
    ] * 3
    assert "nobody thought of that" in caplog.text


def test_it_ends_when_its_owner_says_so() -> None:
    async def it() -> None:
        gone = asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                gone.set()

        task = lasting(work, "the test")
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert gone.is_set()

    play(it())
