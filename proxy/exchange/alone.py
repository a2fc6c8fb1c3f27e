"""Hit-for-miss: remembers for some seconds which keys' answers were their askers' only, so that the next ones do not
queue behind each other for what they cannot share."""

from collections import OrderedDict

from proxy.clock import Clock

ALONE_SECONDS = 5.0
ALONE_KEYS = 10_000


class AloneKeys:
    """Keys that are not coalesced for a while; beyond ALONE_KEYS the oldest is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def add(self, name: str) -> None:
        """Its answer could not be shared just now."""
        self._until[name] = self._clock.monotonic() + ALONE_SECONDS
        self._until.move_to_end(name)
        if len(self._until) > ALONE_KEYS:
            self._until.popitem(last=False)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._clock.monotonic() < self._until.get(name, 0.0)
