"""What a purge is, and what is known of one that was carried out. Purges nothing."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from proxy.exchange.entry_ids import entry_id, read_entry_id
from proxy.policy.cache_key import CacheKey, has_kin, kinship
from proxy.policy.glob import path_glob
from proxy.policy.messages import SecondaryKey


class PurgeKind(StrEnum):
    """What a purge is aimed at."""

    URL = "url"
    PREFIX = "prefix"
    PATTERN = "pattern"
    TAG = "tag"
    ROUTE = "route"
    ALL = "all"
    ENTRY = "entry"
    """One stored response alone."""


class PurgeMode(StrEnum):
    """``soft`` ends freshness, ``hard`` ends existence."""

    SOFT = "soft"
    HARD = "hard"


class AskedMode(StrEnum):
    """What an operator may ask for: ``refresh`` is a soft purge, and what it ended is fetched again behind it."""

    SOFT = "soft"
    HARD = "hard"
    REFRESH = "refresh"

    @property
    def logged(self) -> PurgeMode:
        """As which every process learns of it."""
        return PurgeMode.HARD if self is AskedMode.HARD else PurgeMode.SOFT


class Purge(Struct, frozen=True):
    """One purge: ``argument`` is a cache key's text (url), a raw path prefix (prefix), what path_glob compiles
    (pattern), a tag, a route's name, an entry's id, or empty (all)."""

    kind: PurgeKind
    argument: str
    mode: PurgeMode

    def __post_init__(self) -> None:
        """Raises ValueError for what is no pattern, or no entry's id."""
        if self.kind is PurgeKind.PATTERN:
            path_glob(self.argument)
        if self.kind is PurgeKind.ENTRY:
            read_entry_id(self.argument)

    @property
    def of_one_key(self) -> tuple[str, bytes | None] | None:
        """The text of the one key that it is aimed at, and the digest of the one variant, if it is one; None: it may
        meet many."""
        match self.kind:
            case PurgeKind.URL:
                return self.argument, None
            case PurgeKind.ENTRY:
                return read_entry_id(self.argument)
            case _:
                return None

    def concerns(
        self,
        key: CacheKey,
        target: str,
        tags: Sequence[str] | None,
        route: str | None,
        secondary: SecondaryKey | None = None,
    ) -> bool:
        """Whether what is stored or being fetched under ``key`` for the raw ``target`` is meant. ``tags``, ``route`` or
        ``secondary`` None: nobody knows yet which it has, so that it may be."""
        is_meant = True
        match self.kind:
            case PurgeKind.URL:
                is_kin = has_kin(key.text) and kinship(key.text) == kinship(self.argument)
                is_meant = is_kin or key.text == self.argument
            case PurgeKind.PREFIX:
                is_meant = target.startswith(self.argument)
            case PurgeKind.PATTERN:
                is_meant = path_glob(self.argument).matches(target)
            case PurgeKind.TAG:
                is_meant = tags is None or self.argument in tags
            case PurgeKind.ROUTE:
                is_meant = route is None or self.argument == route
            case PurgeKind.ENTRY:
                is_meant = self._is_entry(key.text, secondary)
            case PurgeKind.ALL:
                pass
        return is_meant

    def _is_entry(self, key_text: str, secondary: SecondaryKey | None) -> bool:
        if secondary is None:
            return read_entry_id(self.argument)[0] == key_text
        return entry_id(key_text, secondary) == self.argument


class Purged(Struct, frozen=True):
    """A purge that was carried out."""

    count: int | None
    """How many stored responses it met; None: nobody knows yet."""
    position: int
    """Its place in the purge log."""
    unconfirmed: tuple[str, ...] = ()
    """Replicas that may answer as before for some time yet: they neither confirmed it nor lost their lease in time."""

    def with_another(self, other: "Purged") -> "Purged":
        """Both together."""
        count = None if self.count is None or other.count is None else self.count + other.count
        names = tuple(dict.fromkeys((*self.unconfirmed, *other.unconfirmed)))
        return Purged(count, max(self.position, other.position), names)
