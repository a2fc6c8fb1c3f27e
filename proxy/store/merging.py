"""What the lasting store has and what memory has, brought together. Judges no purge."""

from collections.abc import Callable, Sequence

from proxy.errors import StoreUnavailable, SupersededError
from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.policy.reuse import keep_for
from proxy.store.backing import Backing
from proxy.store.memory import Memory

Left = Callable[[CacheKey, StoredResponse], StoredResponse | None]


class Readings:
    """Look-ups and late writes under way, by key: whether somebody changed meanwhile what the lasting store has."""

    def __init__(self) -> None:
        self._by_key: dict[str, set[object]] = {}

    def begin(self, key: CacheKey) -> object:
        """One begins: to be given to ``end``."""
        read = object()
        self._by_key.setdefault(key.text, set()).add(read)
        return read

    def end(self, key: CacheKey, read: object) -> bool:
        """It is over; whether what it read is the latest, as far as is known."""
        reads = self._by_key.get(key.text, set())
        is_the_latest = read in reads
        reads.discard(read)
        if not reads:
            self._by_key.pop(key.text, None)
        return is_the_latest

    def doubt(self, text: str | None) -> None:
        """What is stored under a key (its text; None: maybe any) was changed."""
        if text is None:
            self._by_key.clear()
        else:
            self._by_key.pop(text, None)


def merged(
    memory: Memory,
    key: CacheKey,
    held: Sequence[StoredResponse],
    found: Sequence[StoredResponse],
    now: float,
    *,
    is_the_latest: bool,
) -> Sequence[StoredResponse]:
    """Put what was ``found`` beside what memory has ``held``, the newer of two alike; what there is now.

    Where someone changed what the lasting store has, what it does not have any more leaves memory too.
    """
    if memory.is_doubted(key):
        there = {variant.secondary_key for variant in found}
        memory.revise(key, lambda _, each: each if each.secondary_key in there else None)
        held = [variant for variant in held if variant.secondary_key in there]
    by_variant = {variant.secondary_key: variant for variant in held}
    for variant in found:
        known = by_variant.get(variant.secondary_key)
        if known is not None and known.response_time >= variant.response_time:
            continue
        by_variant[variant.secondary_key] = variant
        left = variant.response_time + keep_for(variant) - now
        if left > 0:
            memory.put(key, variant, left)
    if is_the_latest:
        memory.complete(key)
    else:
        memory.doubt(key.text)
    return tuple(by_variant.values())


def hold(memory: Memory, left: Left, key: CacheKey, stored: StoredResponse, keep_for: float) -> None:
    """Have memory hold for ``keep_for`` seconds what purges leave of a response by now (``left``)."""
    spared = left(key, stored)
    if spared is not None:
        memory.put(key, spared, keep_for)


async def put_late(
    backing: Backing,
    readings: Readings,
    key: CacheKey,
    stored: StoredResponse,
    keep_for: float,
    then: Callable[[], None],
) -> None:
    """Store for ``keep_for`` seconds what was fetched by a process that stood still meanwhile. Its lease on the key may
    be another's by now, and what that one has stored must not be hidden by what memory holds: so memory comes last
    (``then``). Raises StoreUnavailable; where the lasting store is out, and has nobody's, memory holds it all the same.
    """
    writing, is_stored = readings.begin(key), False
    try:
        await backing.put(key, stored, keep_for)
        is_stored = True
    except SupersededError:
        pass  # a later fetch has stored
    except StoreUnavailable:
        if not backing.is_up:
            then()
        raise
    finally:
        is_the_latest = readings.end(key, writing)
    if is_stored and is_the_latest:
        then()
