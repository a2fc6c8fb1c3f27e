"""An index over the purges of one mode: which position the newest has that is aimed at something. Keeps no log."""

from collections.abc import Sequence
from typing import Final

from proxy.exchange.entry_ids import entry_id, read_entry_id
from proxy.exchange.purges import Purge, PurgeKind
from proxy.policy.cache_key import has_kin, kinship
from proxy.policy.glob import PathGlob, path_glob
from proxy.policy.messages import SecondaryKey

MOST_PATTERNS: Final = 64
"""Each has to be tried on what is older than it: beyond so many, the oldest stand for all that begins as they do."""


class Marks:
    """The newest position of each purge of one mode, by what it is aimed at."""

    __slots__ = (
        *("entries", "entry_keys", "everything", "kin", "newest_tag", "patterns", "prefixes", "routes", "tags"),
        *("urls", "widened"),
    )

    def __init__(self) -> None:
        self.urls: dict[str, int] = {}
        self.kin: dict[str, int] = {}
        """The same by what a URL has in common with the content and search keys of its path."""
        self.prefixes = _Beginnings()
        self.patterns: dict[str, tuple[PathGlob, int]] = {}
        """Oldest first."""
        self.widened = _Beginnings()
        """What the oldest patterns begin with."""
        self.tags: dict[str, int] = {}
        self.newest_tag = 0
        """No purge of a tag is newer."""
        self.routes: dict[str, int] = {}
        self.entries: dict[str, int] = {}
        self.entry_keys: dict[str, int] = {}
        """The same by the text of the entry's key."""
        self.everything = 0

    def set(self, purge: Purge, position: int) -> None:
        """Take in a purge that is newer than any before."""
        match purge.kind:
            case PurgeKind.URL:
                self.urls[purge.argument] = position
                self.kin[kinship(purge.argument)] = position
            case PurgeKind.PREFIX:
                self.prefixes.set(purge.argument, purge.argument, position)
            case PurgeKind.PATTERN:
                self._set_pattern(purge.argument, position)
            case PurgeKind.TAG:
                self.tags[purge.argument] = position
                self.newest_tag = max(self.newest_tag, position)
            case PurgeKind.ROUTE:
                self.routes[purge.argument] = position
            case PurgeKind.ENTRY:
                self.entries[purge.argument] = position
                self.entry_keys[read_entry_id(purge.argument)[0]] = position
            case PurgeKind.ALL:
                self.everything = max(self.everything, position)

    def clear(self, purge: Purge) -> None:
        """Forget a purge."""
        match purge.kind:
            case PurgeKind.URL:
                _forget(self.kin, kinship(purge.argument), self.urls.pop(purge.argument, 0))
            case PurgeKind.PREFIX:
                self.prefixes.clear(purge.argument)
            case PurgeKind.PATTERN:
                self.patterns.pop(purge.argument, None)
                self.widened.clear(purge.argument)
            case PurgeKind.TAG:
                self.tags.pop(purge.argument, None)
                self.newest_tag = self.newest_tag if self.tags else 0
            case PurgeKind.ROUTE:
                self.routes.pop(purge.argument, None)
            case PurgeKind.ENTRY:
                text, _ = read_entry_id(purge.argument)
                _forget(self.entry_keys, text, self.entries.pop(purge.argument, 0))
            case PurgeKind.ALL:
                self.everything = 0

    def concern(
        self,
        position: int,
        key_text: str,
        target: str,
        tags: Sequence[str] | None,
        route: str | None,
        secondary: SecondaryKey | None = None,
    ) -> bool:
        """Whether a purge behind ``position`` is aimed at this; where its tags, its route or its selecting fields are
        not known yet (None), any of them may be."""
        if self.everything > position or self.urls.get(key_text, 0) > position:
            return True
        if self.kin and has_kin(key_text) and self.kin.get(kinship(key_text), 0) > position:
            return True
        if self.newest_tag > position and (tags is None or any(self.tags.get(tag, 0) > position for tag in tags)):
            return True
        if self.entry_keys and self._concerns_entry(position, key_text, secondary):
            return True
        return self._concerns_place(position, target) or self._concerns_route(position, route)

    def _concerns_entry(self, position: int, key_text: str, secondary: SecondaryKey | None) -> bool:
        if self.entry_keys.get(key_text, 0) <= position:
            return False
        return secondary is None or self.entries.get(entry_id(key_text, secondary), 0) > position

    def _concerns_place(self, position: int, target: str) -> bool:
        if self.prefixes.concern(position, target) or self.widened.concern(position, target):
            return True
        return any(newest > position and glob.matches(target) for glob, newest in self.patterns.values())

    def _concerns_route(self, position: int, route: str | None) -> bool:
        if route is None:
            return any(newest > position for newest in self.routes.values())
        return self.routes.get(route, 0) > position

    def _set_pattern(self, text: str, position: int) -> None:
        self.widened.clear(text)
        self.patterns.pop(text, None)
        self.patterns[text] = path_glob(text), position
        if len(self.patterns) > MOST_PATTERNS:
            oldest = next(iter(self.patterns))
            glob, oldest_position = self.patterns.pop(oldest)
            self.widened.set(oldest, glob.head, oldest_position)


def _forget(newest: dict[str, int], name: str, position: int) -> None:
    """Drop a name that nothing newer stands for."""
    if newest.get(name) == position:
        del newest[name]


class _Beginnings:
    """Texts by name, and the newest position of each beginning."""

    __slots__ = ("_lengths", "_names", "_newest")

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._newest: dict[str, list[int]] = {}
        """How many names it has, and the newest position."""
        self._lengths: dict[int, int] = {}
        """How many beginnings have each length: a target has only so many that are worth looking up."""

    def set(self, name: str, beginning: str, position: int) -> None:
        if name not in self._names:
            self._names[name] = beginning
            if beginning not in self._newest:
                self._newest[beginning] = [0, 0]
                self._lengths[len(beginning)] = self._lengths.get(len(beginning), 0) + 1
            self._newest[beginning][0] += 1
        self._newest[beginning][1] = max(position, self._newest[beginning][1])

    def clear(self, name: str) -> None:
        beginning = self._names.pop(name, None)
        if beginning is None:
            return
        self._newest[beginning][0] -= 1
        if not self._newest[beginning][0]:
            del self._newest[beginning]
            self._lengths[len(beginning)] -= 1
            if not self._lengths[len(beginning)]:
                del self._lengths[len(beginning)]

    def concern(self, position: int, target: str) -> bool:
        for length in self._lengths:
            found = self._newest.get(target[:length])
            if found is not None and found[1] > position:
                return True
        return False
