"""A coroutine that waits for nothing gives its result at once; one that waits is given up, and cleans up."""

import asyncio

import pytest

from proxy.errors import StoreUnavailable
from proxy.store.at_once import at_once


async def simple(number: int) -> int:
    return number


async def nested() -> int:
    return await simple(1) + await simple(2)


def test_what_waits_for_nothing_is_a_function() -> None:
    assert at_once(nested()) == 3


async def test_what_waits_is_given_up_and_cleans_up() -> None:
    undone = []

    async def waits() -> int:
        try:
            await asyncio.sleep(1)
        finally:
            undone.append(True)
        return 1

    assert at_once(waits()) is None
    assert undone == [True]


def test_a_store_that_is_out_says_nothing() -> None:
    async def is_out() -> int:
        raise StoreUnavailable("get", "gone")

    assert at_once(is_out()) is None


def test_a_bug_is_a_bug() -> None:
    async def is_wrong() -> int:
        raise KeyError("a")

    with pytest.raises(KeyError):
        at_once(is_wrong())
