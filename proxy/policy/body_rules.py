"""What a route's rules say of a JSON body: an answer, an answer for a short while, a failure, or nobody's business.

Total: a body that cannot be read is a failure, a rule that cannot be applied does not match. Bounds what it unpacks.
"""

import json
import zlib
from typing import Final, Never

from jmespath.exceptions import JMESPathError
from msgspec import Struct

from proxy.policy.disposition import Verdict
from proxy.policy.field_values import is_json
from proxy.policy.messages import ResponseHead
from proxy.policy.route import Condition, RoutePolicy

UNPACKED_LIMIT: Final = 10 * 1024 * 1024
UNPACKED_RATIO: Final = 100
"""A packed body that grows past either is not judged but refused."""

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_JUDGED_STATUSES: Final = range(200, 300)
_PARTIAL: Final = frozenset({204, 205, 206})
"""Successes that carry no whole representation, so none to judge."""
_NOT_APPLICABLE: Final = (
    JMESPathError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Judgement(Struct, frozen=True):
    """A verdict, the status a failure is rewritten to, and the rule that said so (its expression)."""

    verdict: Verdict
    status: int | None = None
    rule: str | None = None


_OK: Final = Judgement(Verdict.OK)
_FAILURE: Final = Judgement(Verdict.FAILURE)
_PASS: Final = Judgement(Verdict.PASS)


def is_judged(response: ResponseHead, route: RoutePolicy) -> bool:
    """Whether the route's rules are asked: of successes that are JSON. An honest error status needs no verdict."""
    return (
        bool(route.verdicts)
        and response.status in _JUDGED_STATUSES
        and response.status not in _PARTIAL
        and is_json(response.fields.joined("content-type"))
    )


def judge(body: bytes, response: ResponseHead, route: RoutePolicy) -> Judgement:
    """What the first rule that matches says; ok when none does.

    A body that is not UTF-8, not JSON (RFC 8259), or a decompression bomb is a failure. One in a coding that cannot
    be read here is passed on and not stored: nothing is known of it.
    """
    if not is_judged(response, route):
        return _OK
    unpacked = _unpacked(body, response.fields.joined("content-encoding"))
    if isinstance(unpacked, Judgement):
        return unpacked
    try:
        document = json.loads(unpacked.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return _FAILURE
    for rule in route.verdicts:
        if _holds(rule.condition, document):
            return Judgement(rule.verdict, rule.status if rule.verdict is Verdict.FAILURE else None, rule.when)
    return _OK


def _unpacked(body: bytes, coding: str | None) -> bytes | Judgement:
    """The bytes of the document itself, at most as many as the limits allow; or what has to be said instead."""
    name = (coding or "identity").strip().lower()
    if name == "identity":
        return body
    if name not in _PACKED:
        return _PASS
    limit = min(UNPACKED_LIMIT, UNPACKED_RATIO * len(body))
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        document = unpacker.decompress(body, limit)
    except zlib.error:
        return _FAILURE
    return document if unpacker.eof else _FAILURE


def _holds(condition: Condition, document: object) -> bool:
    """Whether a condition is true of a document, in JMESPath's sense of true: 0 is, what is empty is not."""
    try:
        found = condition.search(document)
    except _NOT_APPLICABLE:
        return False
    if found is None or found is False:
        return False
    return not (isinstance(found, str | list | dict) and len(found) == 0)


def _refuse(constant: str) -> Never:
    raise ValueError(constant)  # NaN and Infinity are Python's, not JSON's
