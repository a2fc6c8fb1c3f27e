"""The client's manners: budgets, the breaker, what an error reply means, what happens to a connection."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.clock import SystemClock
from proxy.errors import StoreUnavailable
from proxy.store.redis_address import parse_address
from proxy.store.redis_client import RedisClient
from proxy.store.redis_question import Limits, NonsenseError, Question, pack
from proxy.store.redis_transaction import sound
from proxy.store.stats import TierStats
from tests.support.canned_redis import CannedRedis
from tests.support.upstream import until

LONG = 5.0
"""A budget that is not what ends a question here."""


def _number(replies: list[Any]) -> int:
    value = sound(replies[0])
    if not isinstance(value, int):
        raise NonsenseError("not a number")
    return value


ASK = Question("ask", pack([(b"COUNT", b"x", 3)]), 1, _number)


@asynccontextmanager
async def a_client(server: CannedRedis, *, is_part: bool = False, **limits: Any) -> AsyncIterator[RedisClient]:
    address, stats = parse_address(server.url), TierStats("redis")
    client = RedisClient(address, SystemClock(), Limits(**limits), stats, is_part=is_part)
    try:
        yield client
    finally:
        await client.close()


def outcomes(client: RedisClient) -> dict[str, int]:
    return {outcome: count for (operation, outcome), count in client.stats.operations.items() if operation == "ask"}


def test_the_defaults_are_the_documented_ones() -> None:
    limits = Limits()
    assert (limits.timeout, limits.command_timeout) == (0.05, 1.0)


def test_commands_are_packed_as_redis_reads_them() -> None:
    assert pack([(b"A", 12), (b"B", b"\r\n")]) == b"*2\r\n$1\r\nA\r\n$2\r\n12\r\n*2\r\n$1\r\nB\r\n$2\r\n\r\n\r\n"


async def test_an_answer_is_read_and_counted() -> None:
    async with CannedRedis(b":7\r\n") as server, a_client(server) as client:
        assert await client.run(ASK, LONG) == 7
        assert outcomes(client) == {"ok": 1}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (b"-OOM no room\r\n", "refused"),
        (b"-READONLY no\r\n", "refused"),
        (b"-MISCONF no\r\n", "refused"),
        (b"-NOREPLICAS no\r\n", "refused"),
        (b"-NOPERM no\r\n", "refused"),
        (b"-ERR unknown command\r\n", "refused"),
        (b"-LOADING\r\n", "error"),
        (b"-BUSY script\r\n", "error"),
        (b"-MASTERDOWN link\r\n", "error"),
        (b"-CLUSTERDOWN hash slot\r\n", "error"),
        (b"-MOVED 1 127.0.0.1:1\r\n", "error"),
        (b"-NOAUTH no\r\n", "error"),
        (b"-ERR max number of clients reached\r\n", "error"),
        (b"$1\r\nx\r\n", "error"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "error"),
    ],
)
async def test_a_refusal_says_nothing_against_redis_and_five_failures_open_the_breaker(
    reply: bytes, outcome: str
) -> None:
    async with CannedRedis(otherwise=reply) as server, a_client(server, pace=0.0) as client:
        for _ in range(5):
            assert client.is_up
            with pytest.raises(StoreUnavailable):
                await client.run(ASK, LONG)
        assert outcomes(client) == {outcome: 5}
        assert client.is_up == (outcome == "refused")


async def test_an_open_breaker_answers_at_once() -> None:
    async with CannedRedis(otherwise=None) as server, a_client(server) as client:
        for _ in range(5):
            with pytest.raises(StoreUnavailable, match=r"no answer within 0\.01 s"):
                await client.run(ASK, 0.01)
        assert not client.is_up
        with pytest.raises(StoreUnavailable, match="not in use"):
            await client.run(ASK, LONG)
        assert outcomes(client) == {"timeout": 5, "unavailable": 1}


async def test_waiting_in_vain_for_connections_that_get_no_answer_is_held_against_redis() -> None:
    async with CannedRedis(otherwise=None) as server, a_client(server, connections=1) as client:
        holding = asyncio.ensure_future(client.run(ASK, LONG))
        await server.asked.wait()
        for _ in range(5):
            assert client.is_up
            with pytest.raises(StoreUnavailable, match=r"no answer within 0\.02 s"):
                await client.run(ASK, 0.02)
        assert not client.is_up
        assert client.pool.live == 1, "the one that waits for longer has kept its connection"
        holding.cancel()


async def test_waiting_in_vain_for_connections_that_others_are_answered_on_is_not_held_against_redis() -> None:
    async with CannedRedis() as server, a_client(server, connections=1) as client:
        held = await client.pool.acquire()
        for _ in range(6):
            following = asyncio.ensure_future(client.pool.acquire())
            asking = asyncio.ensure_future(client.run(ASK, 0.02))
            await asyncio.sleep(0)
            client.pool.release(held)
            held = await following
            with pytest.raises(StoreUnavailable):
                await asking
        assert client.is_up
        assert outcomes(client) == {"timeout": 6}


async def test_answers_that_lay_there_while_this_process_stood_still_are_not_held_against_redis() -> None:
    async with CannedRedis(None) as server, a_client(server, connections=1) as client:
        holding = asyncio.ensure_future(client.run(ASK, LONG))
        await server.asked.wait()
        waiting = [asyncio.ensure_future(client.run(ASK, 0.02)) for _ in range(8)]
        await asyncio.sleep(0)
        server.released.set()
        await asyncio.sleep(0)  # it is on its way now
        time.sleep(0.05)  # noqa: ASYNC251 - that is the point
        await holding
        await asyncio.gather(*waiting, return_exceptions=True)
        assert client.is_up


async def test_who_insists_is_heard_though_look_ups_were_too_slow() -> None:
    async with CannedRedis(otherwise=None) as server, a_client(server) as client:
        for _ in range(5):
            with pytest.raises(StoreUnavailable, match=r"no answer within 0\.01 s"):
                await client.run(ASK, 0.01)
        assert not client.is_up
        server.otherwise = b":7\r\n"
        assert await client.run(replace(ASK, insists=True), LONG) == 7


async def test_an_unanswered_connection_is_never_used_again() -> None:
    async with CannedRedis(b":1\r\n", None, b":2\r\n") as server, a_client(server) as client:
        assert await client.run(ASK, LONG) == 1
        with pytest.raises(StoreUnavailable):
            await client.run(ASK, 0.02)
        server.released.set()
        assert await client.run(ASK, LONG) == 2
        assert server.accepted == 2


async def test_one_who_leaves_costs_neither_the_connection_nor_the_next_ones_answer() -> None:
    async with CannedRedis(None, b":2\r\n") as server, a_client(server, connections=1, timeout=LONG) as client:
        left = asyncio.ensure_future(client.run(ASK, LONG))
        await server.asked.wait()
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        following = asyncio.ensure_future(client.run(ASK, LONG))
        server.released.set()
        assert await following == 2, "the answer to its own question"
        assert server.accepted == 1


async def test_one_who_leaves_a_redis_that_is_silent_costs_the_connection() -> None:
    async with CannedRedis(None, b":2\r\n") as server, a_client(server, connections=1, timeout=0.02) as client:
        left = asyncio.ensure_future(client.run(ASK, LONG))
        await server.asked.wait()
        left.cancel()
        assert await client.run(ASK, LONG) == 2
        assert server.accepted == 2


async def test_a_bug_in_a_reader_does_not_keep_the_connection() -> None:
    def broken(_: list[Any]) -> int:
        raise KeyError("bug")

    async with CannedRedis() as server, a_client(server, connections=1) as client:
        with pytest.raises(KeyError):
            await client.run(Question("ask", ASK.commands, 1, broken), LONG)
        assert await client.run(ASK, LONG) == 0


async def test_a_long_reply_is_given_up_and_not_held_against_redis() -> None:
    long = b"$5000000\r\n" + b"x" * 200_000
    async with CannedRedis(otherwise=long) as server, a_client(server, max_reply=100_000) as client:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="more than 100000 bytes"):
                await client.run(ASK, LONG)
        assert client.is_up


async def test_opening_finds_out_and_closing_ends_everything(caplog: pytest.LogCaptureFixture) -> None:
    async with CannedRedis(b"-LOADING wait\r\n") as server, a_client(server) as client:
        await client.open()
        assert not client.is_up
        await client.close()
        await client.close()
        with pytest.raises(StoreUnavailable):
            await client.run(ASK, LONG)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "out of use" in said[0]


@pytest.mark.parametrize("reply", [b"-MOVED 1 127.0.0.1:1\r\n", b"-ASK 1 127.0.0.1:1\r\n"])
async def test_a_node_of_a_cluster_that_sends_elsewhere_is_well(reply: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.store.redis_client._BEAT", 0.01)
    async with CannedRedis(otherwise=reply) as server, a_client(server, is_part=True) as client:
        await client.open()
        assert client.is_up
        server.otherwise = b"-CLUSTERDOWN no\r\n"
        await until(lambda: not client.is_up)
        server.otherwise = reply
        await until(lambda: client.is_up)


async def test_a_lack_of_authority_is_an_error_in_the_log_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async with CannedRedis(otherwise=b"-NOPERM this user may not\r\n") as server, a_client(server) as client:
        for _ in range(10):
            with pytest.raises(StoreUnavailable):
                await client.run(ASK, LONG)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_what_runs_behind_is_bounded() -> None:
    async with CannedRedis(otherwise=None) as server, a_client(server) as client:

        async def ask() -> None:
            await client.run(ASK, LONG)

        for _ in range(200):
            client.later(ask())
        assert client.behind == 64
