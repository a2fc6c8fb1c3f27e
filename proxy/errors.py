"""The whole error family: few types, and each says whose fault it is. Malformed fields are values, not errors."""

from enum import StrEnum
from typing import TypeVar

Kept = TypeVar("Kept", bound=BaseException)


class ProxyError(Exception):
    """Whatever Tambo raises on purpose."""


class ConfigError(ProxyError):
    """The operator's fault: a key of the configuration is wrong. Printed as one line, exit code 3.

    ``key`` is dotted (``upstream.timeout.connect``), ``source`` the file or the variable it came from.
    """

    def __init__(self, key: str, problem: str, source: str = "") -> None:
        super().__init__(f"{source}: {key}: {problem}" if source else f"{key}: {problem}")
        self.key = key
        self.problem = problem
        self.source = source


class ClientError(ProxyError):
    """The client's fault. ``status`` is what it should be answered with: 400-499, or 501 and 505 for what it may ask
    but nobody here can do, 503 when it is one too many."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem


class ClientGoneError(ProxyError):
    """The client closed its connection, or stopped sending or reading in time. Nobody is left to be told."""


class Failure(StrEnum):
    """How fetching from the upstream failed: what a client is told (502, 503 or 504), never more."""

    UNREACHABLE = "unreachable"  # no connection: refused, no route, no such name, TLS failure
    TIMEOUT = "timeout"  # no connection, or no answer, within the deadline
    PROTOCOL = "protocol"  # reset, cut short, or not HTTP
    FAULTY = "faulty"  # a 200 whose body a verdict called a failure, or a 5xx answer
    SHED = "shed"  # not asked at all: the queue was full or the wait too long
    BREAKER = "breaker"  # not asked at all: it failed so often that it is left alone


UNASKED = frozenset({Failure.SHED, Failure.BREAKER})
"""Failures that are our own doing: they say nothing new of the upstream."""


class UpstreamError(ProxyError):
    """The upstream's fault, or (SHED) that too many want something of it. ``detail`` is for the log, never for the
    client; ``retry_after`` is in whole seconds, ``queue_position`` from 1."""

    def __init__(
        self, failure: Failure, detail: str, retry_after: int | None = None, queue_position: int | None = None
    ) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail
        self.retry_after = retry_after
        self.queue_position = queue_position


class StoreUnavailable(ProxyError):
    """A store did not do an operation in time. On the request path it ends in the exchange: counted, and a miss."""

    def __init__(self, operation: str, detail: str) -> None:
        super().__init__(f"{operation}: {detail}")
        self.operation = operation
        self.detail = detail


class SupersededError(StoreUnavailable):
    """Not stored: a later fetch's result is there already."""


def afresh(error: Kept) -> Kept:
    """The same error, for one of the two ends of an error that is kept (by a future, a body, an outcome) and raised.

    Through its traceback an error holds the frames it passed, and these often hold whoever keeps it: a circle that only
    a collection of garbage undoes, which must not be needed (proxy.app.garbage). ``error`` loses its traceback.
    """
    twin = type(error).__new__(type(error), *error.args)
    twin.__dict__.update(error.__dict__)
    error.__traceback__ = None
    return twin
