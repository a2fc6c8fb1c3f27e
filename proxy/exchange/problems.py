"""Answers that Tambo gives by itself, mostly JSON problem bodies (RFC 9457) that say who failed, and no internals."""

import json

from msgspec.structs import replace

from proxy.errors import UNASKED, Failure, UpstreamError
from proxy.exchange.ports import Answer
from proxy.policy import dispositions
from proxy.policy.disposition import Disposition, ForwardReason, NotStoredReason
from proxy.policy.heads import cache_status
from proxy.policy.messages import FieldLine, Fields, ResponseHead

_PROBLEMS: dict[Failure, tuple[int, str, str]] = {
    Failure.UNREACHABLE: (502, "Bad Gateway", "The upstream could not be reached."),
    Failure.PROTOCOL: (502, "Bad Gateway", "The upstream broke off, or its answer could not be understood."),
    Failure.FAULTY: (502, "Bad Gateway", "The upstream answered with an error."),
    Failure.TIMEOUT: (504, "Gateway Timeout", "The upstream did not answer in time."),
    Failure.SHED: (
        503,
        "Service Unavailable",
        "The upstream is busy and the queue before it is full; try again later.",
    ),
    Failure.BREAKER: (503, "Service Unavailable", "The upstream keeps failing and is left alone; try again later."),
}

_NOT_VALIDATED = (504, "Gateway Timeout", "What is stored must be validated first, and the upstream did not answer.")


def failure_status(error: UpstreamError) -> int:
    """502, 503 or 504: what a client is answered for this failure."""
    return _PROBLEMS[error.failure][0]


def failed(
    error: UpstreamError, disposition: Disposition, route: str, key: str = "", *, must_validate: bool = False
) -> Answer:
    """The answer for a fetch that failed with nothing stored to stand in.

    ``must_validate``: something is stored that may not be reused without asking (504, RFC 9111 §5.2.2.2).
    """
    problem = _PROBLEMS[error.failure]
    status, title, detail = _NOT_VALIDATED if must_validate and error.failure not in UNASKED else problem
    said = (("Retry-After", error.retry_after), ("X-Queue-Position", error.queue_position))
    extra = tuple((name, str(value)) for name, value in said if value is not None)
    body = _body(status, title, detail, error.failure)
    return Answer(_head(status, title, disposition, extra), body, disposition, route, key)


def unsatisfiable(disposition: Disposition, route: str, key: str) -> Answer:
    """504 for only-if-cached with nothing stored that may serve (RFC 9111 §5.2.1.7)."""
    title, detail = "Gateway Timeout", "Nothing stored can answer, and the request says only-if-cached."
    body = _body(504, title, detail, "not-cached")
    return Answer(_head(504, title, disposition, ()), body, disposition, route, key)


def offline(route: str, key: str, seconds_left: int | None) -> Answer:
    """503 for what is not stored while nothing is fetched; ``seconds_left``: until that ends by itself."""
    title, detail = (
        "Service Unavailable",
        "Nothing stored can answer, and the operator has gone offline.",
    )
    extra = () if seconds_left is None else (("Retry-After", str(max(1, seconds_left))),)
    disposition = dispositions.unanswered(ForwardReason.BYPASS, NotStoredReason.MODE)
    return Answer(_head(503, title, disposition, extra), _body(503, title, detail, "offline"), disposition, route, key)


def as_last_recipient(head: ResponseHead, body: bytes, route: str) -> Answer:
    """The answer to a request that may go no further than here (RFC 9110 §7.6.2)."""
    disposition = dispositions.last_hop()
    fields = head.fields.adding(("Cache-Status", cache_status(disposition)), ("X-Cache", disposition.x_cache))
    return Answer(replace(head, fields=fields), body, disposition, route)


def _body(status: int, title: str, detail: str, code: str) -> bytes:
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return json.dumps(problem).encode()


def _head(status: int, title: str, disposition: Disposition, extra: tuple[FieldLine, ...]) -> ResponseHead:
    fields = Fields(
        (
            ("Content-Type", "application/problem+json"),
            ("Cache-Control", "no-store"),
            *extra,
            ("Cache-Status", cache_status(disposition)),
            ("X-Cache", disposition.x_cache),
        )
    )
    return ResponseHead(status, fields, title)
