"""The memory of failures of all workers of a machine. Satisfies proxy.exchange.holdoff.HoldOff; how long a key is left
alone is for the FailureMemory in it to say.

What one finds out it tells the hub, which tells the others, and whoever comes later.
"""

from collections.abc import Mapping

from proxy.clock import Clock
from proxy.errors import Failure
from proxy.exchange.holdoff import FailureMemory, Setback
from proxy.policy.route import RoutePolicy
from proxy.store import setbacks
from proxy.store.hub.client import HubClient
from proxy.store.hub.words import Setback as SetbackWord
from proxy.store.redis_names import fill_digest


class HubHoldOff:
    """Lives as long as the client it uses."""

    def __init__(self, client: HubClient, clock: Clock, memory: FailureMemory) -> None:
        """``memory`` is this one's alone: it holds the digests of keys."""
        self._client = client
        self._clock = clock
        self._memory = memory
        client.on(SetbackWord, self._heard)

    # Satisfies HoldOff -------------------------------------------------------------------------------------------

    def setback(self, key: str) -> Setback | None:
        """See HoldOff."""
        return self._memory.setback(_name(key))

    def failed(self, key: str, route: RoutePolicy, failure: Failure, retry_after: float | None) -> None:
        """See HoldOff."""
        name = _name(key)
        before = self._memory.setback(name)
        self._memory.failed(name, route, failure, retry_after)
        after = self._memory.setback(name)
        if after is not None and after is not before:
            left = int((after.forgotten - self._clock.monotonic()) * 1000)
            self._client.say(SetbackWord(name.encode(), setbacks.written(after), max(1, left)))

    def succeeded(self, key: str) -> None:
        """See HoldOff."""
        name = _name(key)
        if self._memory.setback(name) is not None:
            self._memory.succeeded(name)
            self._client.say(SetbackWord(name.encode(), b"", 0))

    def held(self) -> Mapping[str, int]:
        """See HoldOff."""
        return self._memory.held()

    async def learn(self, key: str) -> None:
        """See HoldOff: whatever others know has been told already."""

    def _heard(self, word: SetbackWord) -> None:
        name = word.digest.decode("ascii", "replace")
        if word.left <= 0:
            self._memory.succeeded(name)
            return
        heard = setbacks.read(word.value, word.left / 1000, self._clock.monotonic())
        known = self._memory.setback(name)
        if heard is not None and (known is None or known.until < heard.until):
            self._memory.note(name, heard)


def _name(key: str) -> str:
    return fill_digest(key).decode()
