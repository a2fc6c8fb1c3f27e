"""Coroutines that most often wait for nothing, taken as functions. Runs no event loop."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from proxy.errors import StoreUnavailable

T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T | None:
    """What it returns, where it gets to its end without waiting and the store is there; None: it was given up."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    except StoreUnavailable:
        return None
    work.close()
    return None
