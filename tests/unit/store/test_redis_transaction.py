"""What replies to a transaction mean."""

import asyncio
from typing import Any, cast

import pytest
from redis.exceptions import ResponseError

from proxy.store.redis_client import RedisClient
from proxy.store.redis_question import NonsenseError, Question
from proxy.store.redis_transaction import WrongTypeError, number, transact

COMMANDS: list[tuple[bytes | int, ...]] = [(b"A",), (b"B",)]


class Replying:
    """Stands in for the client: answers with ready replies."""

    def __init__(self, replies: list[Any]) -> None:
        self.replies = replies

    async def run(self, question: Question[Any], budget: float) -> Any:
        assert question.replies == len(COMMANDS) + 2
        assert question.commands.startswith(b"*1\r\n$5\r\nMULTI\r\n")
        return question.read(self.replies)


def outcome(replies: list[Any]) -> list[Any]:
    client = cast("RedisClient", Replying(replies))
    return asyncio.run(transact(client, "put", COMMANDS, 1, lambda results: results))


def test_results_are_what_exec_gave() -> None:
    assert outcome([b"OK", b"QUEUED", b"QUEUED", [1, b"x"]]) == [1, b"x"]


@pytest.mark.parametrize(
    "replies",
    [
        [b"OK", b"QUEUED", b"QUEUED", [1]],
        [b"OK", b"QUEUED", b"QUEUED", None],
        [b"OK", b"QUEUED", b"OK", [1, 2]],
        [[1, 2], b"OK", b"QUEUED", b"QUEUED"],
    ],
)
def test_anything_else_is_nonsense(replies: list[Any]) -> None:
    with pytest.raises(NonsenseError):
        outcome(replies)


def test_what_was_refused_when_queued_is_told_instead_of_execabort() -> None:
    refusal, abort = ResponseError("OOM no room"), ResponseError("EXECABORT because of errors")
    with pytest.raises(ResponseError, match="OOM"):
        outcome([b"OK", refusal, b"QUEUED", abort])


def test_a_result_that_is_an_error_is_raised() -> None:
    with pytest.raises(ResponseError, match="ERR"):
        outcome([b"OK", b"QUEUED", b"QUEUED", [1, ResponseError("ERR so")]])
    with pytest.raises(WrongTypeError):
        outcome([b"OK", b"QUEUED", b"QUEUED", [1, ResponseError("WRONGTYPE so")]])


def test_a_number_is_a_number() -> None:
    assert number(3) == 3
    with pytest.raises(NonsenseError):
        number(b"3")
