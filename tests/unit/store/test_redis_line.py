"""Which question gets which reply, in how many writes, and what happens to who waits when something is wrong."""

import asyncio
from typing import Any, cast

import pytest

from proxy.store.redis_line import MOST, RedisLine


class Wire:
    """A transport that keeps what is written; ``is_reset``: as uvloop's behaves for a connection that was reset."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_reset = False

    def write(self, data: bytes) -> None:
        if self.is_reset:
            raise RuntimeError("unable to perform operation; the handler is closed")
        self.written.append(data)


class House:
    """A line that is open, and what was told to whom."""

    def __init__(self, timeout: float = 30.0, max_reply: int = 100) -> None:
        self.wire = Wire()
        self.line = RedisLine(b"P", timeout, max_reply)
        self.line.begin(cast("asyncio.Transport", self.wire))
        self.told: list[tuple[str, Any, Any]] = []

    def ask(self, command: str) -> bool:
        return self.line.ask(command.encode(), lambda preface, reply: self.told.append((command, preface, reply)))


async def test_questions_of_one_turn_are_one_write_behind_one_preface() -> None:
    house = House()
    assert house.ask("a")
    assert house.ask("b")
    assert house.wire.written == []
    await asyncio.sleep(0)
    assert house.ask("c")
    await asyncio.sleep(0)
    assert house.wire.written == [b"Pab", b"Pc"]
    house.line.data_received(b":1\r\n:10\r\n:20")
    assert house.told == [("a", 1, 10)]
    house.line.data_received(b"\r\n:2\r\n:30\r\n")
    assert house.told == [("a", 1, 10), ("b", 1, 20), ("c", 2, 30)]
    house.line.end()
    assert len(house.told) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="another protocol"),
        pytest.param(b":1\r\n:2\r\n:3\r\n", id="more than was asked for"),
        pytest.param(b"$1000\r\n" + b"x" * 200, id="too long"),
    ],
)
async def test_what_makes_no_sense_ends_it_and_who_waits_is_told(wrong: bytes) -> None:
    house = House()
    house.ask("a")
    await asyncio.sleep(0)
    house.line.data_received(wrong)
    assert not house.line.is_open
    assert [command for command, _, _ in house.told] == ["a"]
    assert not house.ask("b")
    house.line.data_received(b":1\r\n")
    house.line.end()
    assert len(house.told) == 1


async def test_who_waits_is_told_when_the_connection_goes() -> None:
    for go in (lambda house: house.line.connection_lost(None), lambda house: setattr(house.wire, "is_reset", True)):
        house = House()
        house.ask("a")
        go(house)
        await asyncio.sleep(0)
        assert house.told == [("a", None, None)]
        assert not house.line.is_open


async def test_who_waits_too_long_is_told_and_later_ones_with_him() -> None:
    house = House(timeout=0.01)
    house.ask("a")
    await asyncio.sleep(0)
    house.ask("b")
    async with asyncio.timeout(20):
        while house.line.is_open:
            await asyncio.sleep(0.001)
    assert house.told == [("a", None, None), ("b", None, None)]


async def test_an_answer_that_came_in_time_ends_the_wait() -> None:
    house = House(timeout=0.02)
    for _ in range(5):
        house.ask("a")
        await asyncio.sleep(0.01)
        house.line.data_received(b":1\r\n:2\r\n")
        await asyncio.sleep(0)
    assert [reply for _, _, reply in house.told] == [2] * len(house.told)
    house.line.end()


async def test_questions_under_way_are_bounded() -> None:
    house = House()
    taken = sum(house.ask("a") for _ in range(2 * MOST))
    assert taken == MOST - 1, "and a preface"
    house.line.end()
    assert len(house.told) == taken
