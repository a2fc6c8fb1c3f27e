"""The variants of one key as Redis gives them: decoded; what is bad is counted and removed behind. Asks for nothing."""

from collections.abc import Sequence
from typing import Any

from proxy.policy.cache_key import CacheKey
from proxy.policy.messages import StoredResponse
from proxy.store.codec import BadEntry, decode
from proxy.store.known_heads import bodies_of, heads_of
from proxy.store.redis_names import FENCE
from proxy.store.redis_question import Command, NonsenseError, Question, Redis, pack
from proxy.store.redis_transaction import is_wrong_type, no_answer, sound


class RedisValues:
    """Reads replies to HGETALL."""

    def __init__(self, redis: Redis, max_body: int) -> None:
        """``max_body``: bytes of the longest body that room is made for."""
        self._redis = redis
        self._max_body = max_body

    def read(self, key: CacheKey, name: bytes, reply: Any) -> list[StoredResponse]:
        """What a reply holds, without what is bad. Raises NonsenseError, and the reply itself where it is an error."""
        if is_wrong_type(reply):
            self.is_bad(BadEntry.MALFORMED, (b"UNLINK", name))
            return []
        pairs = sound(reply)
        if not isinstance(pairs, list) or len(pairs) % 2 or not all(isinstance(part, bytes) for part in pairs):
            raise NonsenseError("not a hash")
        variants: list[StoredResponse] = []
        bad: list[bytes] = []
        is_foreign = False
        for field, value in zip(pairs[::2], pairs[1::2], strict=True):
            if field == FENCE:
                continue
            decoded = decode(value, key, self._max_body)
            if isinstance(decoded, StoredResponse):
                variants.append(decoded)
                continue
            self._redis.stats.bad_entries[decoded] += 1
            bad.append(field)
            is_foreign |= decoded is BadEntry.KEY
        if bad:
            self.discard((b"HDEL", name, *bad))
        if is_foreign:
            raise NonsenseError("another key's value")
        return variants

    @staticmethod
    def heads(reply: Any, variants: Sequence[StoredResponse]) -> Sequence[bytes]:
        """The heads of a reply that ``read`` made these variants of; none where any was bad."""
        values = [value for field, value in zip(reply[::2], reply[1::2], strict=True) if field != FENCE]
        return heads_of(values, len(variants))

    @staticmethod
    def bodies(reply: Any, heads: Sequence[bytes]) -> Sequence[bytes] | None:
        """The bodies of a reply, where it is made of values with these heads and nothing else."""
        if not heads or not isinstance(reply, list) or len(reply) % 2:
            return None
        return bodies_of([value for field, value in zip(reply[::2], reply[1::2], strict=True) if field != FENCE], heads)

    def is_bad(self, reason: BadEntry, cure: Command) -> None:
        """Count what is bad, and remove it behind."""
        self._redis.stats.bad_entries[reason] += 1
        self.discard(cure)

    def discard(self, command: Command) -> None:
        """Carry out a removal behind."""
        name = command[1]  # the word behind its verb
        at = name if isinstance(name, bytes) else b""
        question = Question("discard", pack([command]), 1, no_answer, at=at)
        self._redis.later(self._redis.run(question, self._redis.limits.command_timeout))
