"""What a purge is, and what is known of one that was carried out. Purges nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from proxy.policy.cache_key import CacheKey, has_kin, kinship
from proxy.policy.glob import path_glob


class PurgeKind(StrEnum):
    """What a purge is aimed at."""

    URL = "url"
    PREFIX = "prefix"
    PATTERN = "pattern"
    TAG = "tag"
    ROUTE = "route"
    ALL = "all"


class PurgeMode(StrEnum):
    """``soft`` ends freshness, ``hard`` ends existence."""

    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Purge:
    """One purge: ``argument`` is a cache key's text (url), a raw path prefix (prefix), what path_glob compiles
    (pattern), a tag, a route's name, or empty (all)."""

    kind: PurgeKind
    argument: str
    mode: PurgeMode

    def __post_init__(self) -> None:
        """Raises ValueError for what is no pattern."""
        if self.kind is PurgeKind.PATTERN:
            path_glob(self.argument)

    def concerns(self, key: CacheKey, target: str, tags: Sequence[str] | None, route: str | None) -> bool:
        """Whether what is stored or being fetched under ``key`` for the raw ``target`` is meant. ``tags`` or ``route``
        None: nobody knows yet which it has, so that it may be."""
        match self.kind:
            case PurgeKind.URL:
                is_kin = has_kin(key.text) and kinship(key.text) == kinship(self.argument)
                return is_kin or key.text == self.argument
            case PurgeKind.PREFIX:
                return target.startswith(self.argument)
            case PurgeKind.PATTERN:
                return path_glob(self.argument).matches(target)
            case PurgeKind.TAG:
                return tags is None or self.argument in tags
            case PurgeKind.ROUTE:
                return route is None or self.argument == route
            case PurgeKind.ALL:
                return True


@dataclass(frozen=True, slots=True)
class Purged:
    """A purge that was carried out."""

    count: int | None
    """How many stored responses it met; None: nobody knows yet."""
    position: int
    """Its place in the purge log."""
    unconfirmed: tuple[str, ...] = ()
    """Replicas that may answer as before for some time yet: they neither confirmed it nor lost their lease in time."""
