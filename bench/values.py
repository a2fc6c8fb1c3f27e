"""What a frozen value costs as a dataclass and as a msgspec Struct: its class at the start, and each instance later.

Usage: python bench/values.py [--times 100000]

CPU time, the best of five rounds. Asserts nothing.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable

import msgspec

_ROUNDS = 5


def as_dataclass() -> type:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Value:
        """A value."""

        status: int
        reason: str
        seconds: float = 0.0
        tags: tuple[str, ...] = ()

    return Value


def as_struct() -> type:
    class Value(msgspec.Struct, frozen=True):
        """A value."""

        status: int
        reason: str
        seconds: float = 0.0
        tags: tuple[str, ...] = ()

    return Value


def microseconds(act: Callable[[], object], times: int) -> float:
    """Of one act."""
    rounds: list[float] = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(times):
            act()
        rounds.append((time.process_time() - began) / times * 1e6)
    return min(rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100_000)
    times = parser.parse_args().times
    print("| CPU µs | dataclass | Struct |\n|---|---|---|")
    data, struct = as_dataclass(), as_struct()
    one, other = data(200, "OK"), struct(200, "OK")
    rows: tuple[tuple[str, Callable[[], object], Callable[[], object], int], ...] = (
        ("the class", as_dataclass, as_struct, 100),
        ("an instance", lambda: data(200, "OK", 1.5, ()), lambda: struct(200, "OK", 1.5, ()), times),
        (
            "a copy with a change",
            lambda: dataclasses.replace(one, status=404),
            lambda: msgspec.structs.replace(other, status=404),
            times,
        ),
        ("an attribute", lambda: one.status, lambda: other.status, times),
        ("a comparison", lambda: one == data(200, "OK"), lambda: other == struct(200, "OK"), times),
        ("a hash", lambda: hash(one), lambda: hash(other), times),
    )
    for what, ours, theirs, count in rows:
        print(f"| {what} | {microseconds(ours, count):.2f} | {microseconds(theirs, count):.2f} |")


if __name__ == "__main__":
    main()
