"""Turns an operator's wish to purge into a purge of the store: which key a URL has. Removes nothing itself."""

from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec import Struct

from proxy.errors import ClientError
from proxy.exchange.ports import Store
from proxy.exchange.purges import AskedMode, Purge, Purged, PurgeKind, PurgeMode
from proxy.exchange.url_keys import keys_of, matches_of
from proxy.policy.cache_key import CacheKey
from proxy.policy.glob import path_glob
from proxy.policy.route import RoutePolicy
from proxy.wording import hint

BAD_REQUEST = 400


class Purger(Struct):
    """Purges by URL, by path prefix or pattern, by tag, by route, and everything."""

    routes: tuple[RoutePolicy, ...]
    """Others after a reload."""
    store: Store
    refetch: Callable[[Purge, int], None] | None = None
    """Told of each refresh purge, and its position, once it is true."""

    async def purge(self, kind: PurgeKind, argument: str, mode: AskedMode, by: str) -> Purged:
        """Purge; ``by`` names who asked. Raises ClientError and StoreUnavailable."""
        done = Purged(0, 0)
        for purge in self.aimed(kind, argument, mode.logged):
            purged = await self.store.purge(purge, by)
            done = done.with_another(purged)
            if mode is AskedMode.REFRESH and self.refetch is not None:
                self.refetch(purge, purged.position)
        return done

    def aimed(self, kind: PurgeKind, argument: str, mode: PurgeMode) -> tuple[Purge, ...]:
        """What an operator's words mean: one purge, but for a URL that has several keys. Raises ClientError(400)."""
        match kind:
            case PurgeKind.URL:
                return tuple(Purge(kind, key.text, mode) for key in self._keys_of(argument))
            case PurgeKind.PREFIX:
                argument = target_of(argument)
            case PurgeKind.PATTERN:
                argument = self._pattern(argument)
            case PurgeKind.TAG | PurgeKind.ENTRY:
                pass  # as it was written
            case PurgeKind.ROUTE:
                self._check_route(argument)
            case PurgeKind.ALL:
                argument = ""
        return (Purge(kind, argument, mode),)

    def key_of(self, url: str) -> CacheKey:
        """The key that a GET of a URL has: absolute, or path and query. Raises ClientError(400) where it has none."""
        return self._keys_of(url)[0]

    def _keys_of(self, url: str) -> tuple[CacheKey, ...]:
        target, authority = target_of(url), authority_of(url)
        for match in matches_of(self.routes, target):
            if match.route.key.host and not authority:
                text = f"the host is part of the keys of route {match.route.name!r}: give an absolute URL"
                raise ClientError(BAD_REQUEST, text)
        return keys_of(self.routes, target, authority)

    @staticmethod
    def _pattern(text: str) -> str:
        try:
            path_glob(text)
        except ValueError as error:
            raise ClientError(BAD_REQUEST, str(error)) from None
        return _printable(text, text)

    def _check_route(self, name: str) -> None:
        names = [route.name for route in self.routes]
        if name not in names:
            raise ClientError(BAD_REQUEST, f"there is no route {name[:100]!r}{hint(name, names, 'routes')}")


def target_of(url: str) -> str:
    """The raw path and query of an absolute URL, or of what is already one."""
    target = url
    if not url.startswith("/"):
        scheme, separator, rest = url.partition("://")
        if scheme.lower() not in ("http", "https") or not separator or not rest or rest.startswith("/"):
            raise ClientError(BAD_REQUEST, f"{url!r} is neither an absolute URL nor a path that begins with '/'")
        start = min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))
        target = rest[start:]
        if not target.startswith("/"):
            target = f"/{target}"
    return _printable(target.partition("#")[0], url)


def _printable(target: str, url: str) -> str:
    if any(character <= " " or character > "~" for character in target):
        raise ClientError(BAD_REQUEST, f"{url!r} has characters that a URL writes percent-encoded")
    return target


def authority_of(url: str) -> str:
    """The host and port of an absolute URL; empty for a path."""
    try:
        return "" if url.startswith("/") else urlsplit(url).netloc.lower()
    except ValueError:
        raise ClientError(BAD_REQUEST, f"{url[:200]!r} names no host that can be") from None
