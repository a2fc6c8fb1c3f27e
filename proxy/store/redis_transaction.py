"""Several commands to Redis as one: all or none, in one round trip. Knows no key and no value."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from proxy.store.redis_question import Command, NonsenseError, Question, Redis, pack

T = TypeVar("T")


class WrongTypeError(Exception):
    """A name of ours holds something else than we write there. The transaction's other commands were carried out."""


async def transact(
    client: Redis,
    operation: str,
    commands: Sequence[Command],
    budget: float,
    read: Callable[[list[Any]], T],
    *,
    insists: bool = False,
) -> T:
    """Carry out all of ``commands`` or none, within ``budget`` seconds; what ``read`` makes of their results.

    ``read`` may raise NonsenseError. Raises StoreUnavailable (nothing was done, or nobody can say) and WrongTypeError.
    """

    def whole(replies: list[Any]) -> T | _WrongType:
        for reply in replies:  # what was refused when it was queued says more than EXECABORT
            sound(reply)
        *queued, results = replies
        is_whole = isinstance(results, list) and len(results) == len(commands)
        if not is_whole or queued != [b"OK", *[b"QUEUED"] * len(commands)]:
            raise NonsenseError("not a transaction's results")
        if any(map(is_wrong_type, results)):
            return _WrongType()
        return read([sound(result) for result in results])

    packed = pack([(b"MULTI",), *commands, (b"EXEC",)])
    question = Question(operation, packed, len(commands) + 2, whole, at=_name_in(commands), insists=insists)
    result = await client.run(question, budget)
    if isinstance(result, _WrongType):
        raise WrongTypeError
    return result


def _name_in(commands: Sequence[Command]) -> bytes:
    """The name that all of them are about, or one in the same slot."""
    names = (command[3 if command[0] == b"EVAL" else 1] for command in commands if len(command) > 1)
    return next((name for name in names if isinstance(name, bytes)), b"")


class _WrongType:
    """Carries the news out of a reader whose connection is in order."""


def kept(name: bytes, milliseconds: int) -> list[Command]:
    """Commands that let ``name`` live at least so much longer: set where there is no end, moved where it is earlier."""
    return [(b"PEXPIRE", name, milliseconds, b"NX"), (b"PEXPIRE", name, milliseconds, b"GT")]


def sound(reply: Any) -> Any:
    """A reply that is no error. Raises it where it is one."""
    if isinstance(reply, Exception):
        raise reply
    return reply


def is_wrong_type(reply: Any) -> bool:
    """Whether Redis says that a name holds something else."""
    return isinstance(reply, ResponseError) and str(reply).startswith("WRONGTYPE")


def no_answer(replies: list[Any]) -> None:
    """Reader of replies that say nothing. Raises those that are errors."""
    for reply in replies:
        sound(reply)


def number(reply: Any) -> int:
    """A reply that counts something. Raises NonsenseError."""
    if not isinstance(reply, int):
        raise NonsenseError("not a number")
    return reply
