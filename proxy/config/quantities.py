"""Durations, sizes and parts of one as people write them: parsed once, into seconds, bytes and 0-1. Pure."""

import itertools
import math
import re

_SECONDS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {"": 1, "b": 1}
_BYTES |= {f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", 1)}
_BYTES |= {f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", 1)}
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|[ywdhms]))+")
_PART = re.compile(rf"({_NUMBER})(ms|[ywdhms])")
_SIZE = re.compile(rf"({_NUMBER}) ?([A-Za-z]{{0,3}})")
_BARE = re.compile(_NUMBER)
_RATIO = re.compile(rf"({_NUMBER}) ?(%?)")
_SHOWN_SECONDS = (("y", 31_536_000_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
_SHOWN_BYTES = (
    ("TiB", 1024**4),
    ("GiB", 1024**3),
    ("MiB", 1024**2),
    ("KiB", 1024),
    ("GB", 10**9),
    ("MB", 10**6),
    ("kB", 1000),
)

SCHEMA_DURATION = rf"^\s*(?:{_DURATION.pattern}|{_NUMBER})\s*$"
"""The forms again, as JSON Schema writes them (ECMA 262): units in the wrong order are told by the parser only."""
SCHEMA_SIZE = rf"^\s*{_NUMBER} ?(?:[KkMmGgTt]?[Ii]?[Bb])?\s*$"
SCHEMA_RATIO = rf"^\s*{_NUMBER} ?%?\s*$"

MOST_SECONDS = 100 * _SECONDS["y"]
MOST_BYTES = 1024**5
RIGHT_DURATION = 'a duration such as "30s", "12h30m" or "7d" (units: ms s m h d w y), or a number of seconds'
RIGHT_SIZE = 'a size such as "64MiB" or "8MB", or a number of bytes'
RIGHT_RATIO = 'a part of one such as 0.1 or "10%"'


def parse_duration(value: object) -> float:
    """Seconds, from 0 to a hundred years. Raises ValueError that says what would be right.

    Units go from the largest to the smallest, each once; a bare number, also as text, is seconds.
    """
    seconds = _number(value)
    if isinstance(value, str):
        seconds = _sum_of_parts(value.strip())
    if seconds is None or not 0 <= seconds <= MOST_SECONDS:
        raise ValueError(RIGHT_DURATION)
    return seconds


def parse_size(value: object) -> int:
    """Bytes, from 0 to a pebibyte: ``KiB`` is 1024, ``kB`` is 1000. Raises ValueError that says what would be right."""
    size = _number(value)
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        unit = _BYTES.get(found[2].lower())
        size = None if unit is None else float(found[1]) * unit
    if size is None or not 0 <= size <= MOST_BYTES or size != int(size):
        raise ValueError(RIGHT_SIZE)
    return int(size)


def parse_ratio(value: object) -> float:
    """A number as it is, a percentage divided by 100. Raises ValueError that says what would be right."""
    ratio = _number(value)
    if isinstance(value, str) and (found := _RATIO.fullmatch(value.strip())):
        ratio = float(found[1]) / (100 if found[2] else 1)
    if ratio is None or not 0 <= ratio <= 1:
        raise ValueError(RIGHT_RATIO)
    return ratio


def show_duration(seconds: float) -> str:
    """The shortest text that parses to the same number of milliseconds: ``7d``, ``1m30s``, ``50ms``."""
    rest, shown = round(seconds * 1000), ""
    for unit, milliseconds in _SHOWN_SECONDS:
        count, rest = divmod(rest, milliseconds)
        shown += f"{count}{unit}" if count else ""
    return shown or "0s"


def show_size(size: int) -> str:
    """The largest unit that divides it: ``64MiB``; bytes as they are."""
    for unit, factor in _SHOWN_BYTES:
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # An integer too large for a float is too large for everything here.
    return float(value) if abs(value) <= MOST_BYTES and math.isfinite(value) else None


def _sum_of_parts(text: str) -> float | None:
    if _BARE.fullmatch(text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    parts = _PART.findall(text)
    sizes = [_SECONDS[unit] for _, unit in parts]
    if any(later >= earlier for earlier, later in itertools.pairwise(sizes)):
        return None
    return math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)
