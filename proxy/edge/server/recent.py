"""What was seen lately, in two generations: bounded in number and in weight; a find moves nothing. Knows no meaning."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A map that forgets what nobody has asked for lately.

    The young generation is filled; when it is full it becomes the old one, and what was the old one is gone, but for
    what is found there meanwhile: that is young again.
    """

    __slots__ = ("_left", "_most", "_old", "_room", "young")

    def __init__(self, most: int, room: int) -> None:
        """At most twice ``most`` entries are held, weighing twice ``room`` (and one entry) at most."""
        self._most = most
        self._room = room
        self._left = room
        self._old: dict[K, V] = {}
        self.young: dict[K, V] = {}
        """For who looks up often: what is not here may still be found by ``find``."""

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def find(self, key: K, weight: int = 1) -> V | None:
        """What was kept under ``key``; found in the old generation, it is kept anew, as weighing so much."""
        value = self.young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.keep(key, value, weight)
        return value

    def keep(self, key: K, value: V, weight: int = 1) -> None:
        """Hold ``value`` in place of what there was."""
        self._left -= weight
        if len(self.young) >= self._most or self._left < 0:
            self._old, self.young = self.young, {}
            self._left = self._room - weight
        self.young[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._old, self.young, self._left = {}, {}, self._room
