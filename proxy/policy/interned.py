"""One object for what many responses say alike, so that a million of them do not hold it a million times. Bounded."""

from collections.abc import Iterable
from functools import lru_cache

from proxy.policy.messages import FieldLine, Fields, Windows

_LONGEST = 256


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    return text


@lru_cache(maxsize=8192)
def _line(line: FieldLine) -> FieldLine:
    return _word(line[0]), line[1]


def word(text: str) -> str:
    """An equal text, the same object each time where it is short and was seen lately."""
    return _word(text) if len(text) <= _LONGEST else text


def kept(lines: Iterable[FieldLine]) -> Fields:
    """Fields that are to be kept: lines that others have too are theirs."""
    return Fields(_line(line) if len(line[0]) + len(line[1]) <= _LONGEST else line for line in lines)


@lru_cache(maxsize=1024)
def number(value: float) -> float:
    """An equal number, the same object each time."""
    return value


@lru_cache(maxsize=1024)
def windows(one: Windows) -> Windows:
    """Equal windows, the same object each time."""
    return one
