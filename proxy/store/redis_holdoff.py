"""The memory of failures of all processes that share a Redis. Satisfies proxy.exchange.holdoff.HoldOff; how long a key
is left alone is for the FailureMemory in it to say.

What a process finds out it says behind, once: by a message for those who are there, and under a name of the key's own
for those who come later or missed the message; the name ends when the key counts as never having failed. Times go out
as what is left of them: every process has a clock of its own. Without Redis each remembers its own failures, and what
could not be said is said when Redis is back.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from proxy.clock import Clock
from proxy.errors import Failure, StoreUnavailable
from proxy.exchange.holdoff import FailureMemory, Setback
from proxy.policy.route import RoutePolicy
from proxy.store import setbacks
from proxy.store.lasting import lasting
from proxy.store.redis_messages import RedisMessages
from proxy.store.redis_names import fill_digest, holdoff_name
from proxy.store.redis_question import Question, Redis, pack
from proxy.store.redis_transaction import no_answer, number, sound

_FAILED: Final = b"h"
_CLEARED: Final = b"k"
_AT_SENDER: Final = 33
"""A message: letter, the key's digest (32), its sender (16); of a failure then the milliseconds left, blank, value."""
_AT_VALUE: Final = 49
_PAUSE: Final = 1.0
"""Seconds until what could not be said is tried again."""
_MOST_UNSAID: Final = 1000


class RedisHoldOff:
    """Opened and closed with the client whose Redis it uses."""

    def __init__(
        self, client: Redis, messages: RedisMessages, namespace: str, clock: Clock, memory: FailureMemory
    ) -> None:
        """``memory`` is this one's alone: it holds the digests of keys."""
        self._client = client
        self._channel = messages.channel
        self._namespace = namespace
        self._clock = clock
        self._memory = memory
        self._me = secrets.token_hex(8).encode()
        self._unsaid: OrderedDict[bytes, Setback | None] = OrderedDict()
        self._kicked = asyncio.Event()
        self._saying: asyncio.Task[None] | None = None
        messages.listen(self._hear)

    def open(self) -> None:
        """Begin to tell the others."""
        self._saying = lasting(self._say, "failures in Redis")

    async def close(self) -> None:
        """Tell nobody any more. Idempotent."""
        if self._saying is not None:
            self._saying.cancel()
            await asyncio.gather(self._saying, return_exceptions=True)

    # Satisfies HoldOff ---------------------------------------------------------------------------------------------

    def setback(self, key: str) -> Setback | None:
        """See HoldOff."""
        return self._memory.setback(fill_digest(key).decode())

    def failed(self, key: str, route: RoutePolicy, failure: Failure, retry_after: float | None) -> None:
        """See HoldOff."""
        digest = fill_digest(key)
        before = self._memory.setback(digest.decode())
        self._memory.failed(digest.decode(), route, failure, retry_after)
        after = self._memory.setback(digest.decode())
        if after is not None and after is not before:
            self._tell(digest, after)

    def succeeded(self, key: str) -> None:
        """See HoldOff."""
        digest = fill_digest(key)
        if self._memory.setback(digest.decode()) is not None:
            self._memory.succeeded(digest.decode())
            self._tell(digest, None)

    def held(self) -> Mapping[str, int]:
        """See HoldOff."""
        return self._memory.held()

    async def learn(self, key: str) -> None:
        """See HoldOff. Within ``command_timeout``: what is not learnt costs a fetch that is likely to fail."""
        digest = fill_digest(key)
        name = holdoff_name(self._namespace, digest)
        question = Question("holdoff", pack([(b"GET", name), (b"PTTL", name)]), 2, _found, at=name)
        with suppress(StoreUnavailable):
            value, left = await self._client.run(question, self._client.limits.command_timeout)
            self._note(digest, value, left)

    # Telling and hearing -------------------------------------------------------------------------------------------

    def _tell(self, digest: bytes, setback: Setback | None) -> None:
        self._unsaid[digest] = setback
        self._unsaid.move_to_end(digest)
        if len(self._unsaid) > _MOST_UNSAID:
            self._unsaid.popitem(last=False)
        self._kicked.set()

    async def _say(self) -> None:
        while True:
            await self._kicked.wait()
            self._kicked.clear()
            while self._unsaid:
                digest, setback = next(iter(self._unsaid.items()))
                try:
                    await self._say_one(digest, setback)
                except StoreUnavailable:
                    await asyncio.sleep(_PAUSE)
                    continue
                if self._unsaid.get(digest, setback) is setback:  # else there is something newer to say
                    self._unsaid.pop(digest, None)

    async def _say_one(self, digest: bytes, setback: Setback | None) -> None:
        name, who = holdoff_name(self._namespace, digest), digest + self._me
        left = 0 if setback is None else int((setback.forgotten - self._clock.monotonic()) * 1000)
        if setback is None or left <= 0:
            commands = pack([(b"DEL", name), (b"PUBLISH", self._channel, _CLEARED + who)])
        else:
            value = setbacks.written(setback)
            message = b"%s%s%d %s" % (_FAILED, who, left, value)
            commands = pack([(b"SET", name, value, b"PX", left), (b"PUBLISH", self._channel, message)])
        question = Question("holdoff", commands, 2, no_answer, at=name)
        await self._client.run(question, self._client.limits.command_timeout)

    def _hear(self, message: bytes) -> None:
        if not message:
            # Some may have been missed, that a key is well again among them. What still counts is learnt when needed.
            self._memory.forget_all_but({digest.decode() for digest in self._unsaid})
            return
        kind, digest, sender = message[:1], message[1:_AT_SENDER], message[_AT_SENDER:_AT_VALUE]
        if sender == self._me or digest in self._unsaid:
            return  # what was found out here is known already, and newer
        if kind == _CLEARED:
            self._memory.succeeded(digest.decode("ascii", "replace"))
        elif kind == _FAILED:
            left, _, value = message[_AT_VALUE:].partition(b" ")
            self._note(digest, value, int(left) if left.isdigit() else 0)

    def _note(self, digest: bytes, value: bytes, left: int) -> None:
        """Believe it where it says more than what is known here."""
        heard = setbacks.read(value, left / 1000, self._clock.monotonic())
        name = digest.decode("ascii", "replace")
        known = self._memory.setback(name)
        if heard is not None and digest not in self._unsaid and (known is None or known.until < heard.until):
            self._memory.note(name, heard)


def _found(replies: list[Any]) -> tuple[bytes, int]:
    value, left = map(sound, replies)
    return value or b"", number(left)
