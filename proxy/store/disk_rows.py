"""What the rows of one key say, decoded where their heads are not known already. Reads no file, removes nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.codec import BadEntry, decode
from proxy.store.known_heads import bodies_of, heads_of


class Rows(NamedTuple):
    """See proxy.store.backing.Found."""

    variants: Sequence[StoredResponse]
    heads: Sequence[bytes]
    bodies: Sequence[bytes] | None
    bad: Sequence[tuple[bytes, BadEntry]]
    """The variants that are missing above."""


def read_rows(rows: list[tuple[bytes, int, bytes]], key: CacheKey, max_body: int, heads: Sequence[bytes]) -> Rows:
    """``rows``: variant, whether it was ended, value. ``max_body``: bytes that room is made for. ``heads``: see
    proxy.store.backing.Prompt. Never raises for what a value says."""
    # That a variant was ended stands beside its value.
    values = [] if any(ended for _, ended, _ in rows) else [value for _, _, value in rows]
    bodies = bodies_of(values, heads)
    if bodies is not None:
        return Rows((), heads, bodies, ())
    found: list[StoredResponse] = []
    bad: list[tuple[bytes, BadEntry]] = []
    for variant, ended, value in rows:
        stored = decode(value, key, max_body)
        if isinstance(stored, BadEntry):
            bad.append((variant, stored))
        else:
            found.append(replace(stored, is_ended=True) if ended and not stored.is_ended else stored)
    return Rows(found, heads_of(values, len(found)), None, bad)
